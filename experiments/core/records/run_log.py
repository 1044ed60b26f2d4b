"""Log of a run in its folder, written line by line as things happen, so that nothing finished is lost.

Tune's own loggers stage their files elsewhere and copy them now and then; a killed sweep loses that period.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from analysis.sweep import (
    CONFIG_PREFIX,
    ENV_PREFIX,
    EVALUATION,
    PARAMS_FILE,
    PROGRESS_FILE,
    RESULT_FILE,
    RUN_IDENTITY,
    SCHEDULE,
    SCHEDULE_FILE,
    SEEDS_PREFIX,
    STATE_FILE,
    State,
    results_of,
    write_json,
    written_whole,
)
from experiments.core.records.saved_state import discard
from experiments.core.records.tensorboard import TensorBoardLog

CONFIGURATION = "configuration"
"""Name, in a result, of the configuration that the steps before it were trained with."""


@dataclass
class RunLog:
    """The open files of one run."""

    folder: Path
    config: Mapping[str, Any]
    tensorboard: TensorBoardLog
    lines: TextIO
    table: TextIO
    columns: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, config: Mapping[str, Any]) -> RunLog:
        """Starts a run's records in its folder, with what it reported before it was cut off."""
        for made in (folder.parent, folder):  # but never the sweep's: one that is taken away is missed
            made.mkdir(exist_ok=True)
        if SCHEDULE in config:
            write_json(folder / SCHEDULE_FILE, {SCHEDULE: config[SCHEDULE]})
            config = {name: value for name, value in config.items() if name != SCHEDULE}
        write_json(folder / PARAMS_FILE, config)
        log = cls(
            folder,
            config,
            TensorBoardLog(folder),
            (folder / RESULT_FILE).open("w", encoding="utf-8", buffering=1),
            (folder / PROGRESS_FILE).open("w", encoding="utf-8", buffering=1, newline=""),
        )
        before = results_of(folder) or []
        for result in before:
            log.write(result, written_at=time.time() - (before[-1]["wall_s"] - result["wall_s"]))
        return log

    def write(self, result: Mapping[str, Any], *, written_at: float | None = None) -> None:
        """Appends one evaluation to every record; params.json names the configuration that is active.

        Args:
            result: What the run reported.
            written_at: Seconds since the epoch; now if None.
        """
        active = {**self.config, **result.get(CONFIGURATION, {})}
        if active != self.config:
            self.config = active
            write_json(self.folder / PARAMS_FILE, active)
        row = {
            name: value
            for name, value in result.items()
            if name in EVALUATION or name.startswith((ENV_PREFIX, SEEDS_PREFIX))
        }
        if not self.columns or not set(row) <= set(self.columns):
            self._widen(row)
        values = [row.get(name, math.nan) for name in self.columns]
        csv.writer(self.table).writerow([*values, *self.config.values()])
        self.lines.write(json.dumps(row) + "\n")
        self.tensorboard.scalars(row, step=int(row["steps"]), written_at=written_at)
        self.last = row

    def _widen(self, row: Mapping[str, Any]) -> None:
        """Gives the table a column for every name in a row; where it has rows already, they have NaN there.

        Numbers that an environment reports only now and then come late, and most runs widen their table once.
        """
        self.table.close()
        path = Path(self.table.name)
        with path.open(encoding="utf-8", newline="") as before:
            rows = list(csv.DictReader(before))
        extra = sorted({*self.columns, *row} - set(EVALUATION))
        self.columns = [*EVALUATION, *extra]
        configured = [CONFIG_PREFIX + name for name in self.config]
        with written_whole(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as table:
            writer = csv.DictWriter(table, [*self.columns, *configured], restval=math.nan)
            writer.writeheader()
            writer.writerows(rows)
        self.table = path.open("a", encoding="utf-8", buffering=1, newline="")

    def close(
        self, state: State | None, cause: str | None, code: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Ends the records; without a state the run stays unfinished.

        Args:
            state: How it ended.
            cause: Why it failed or diverged.
            code: What a failure may come from besides the configuration.
        """
        if state is not None:
            named = {name: value for name, value in self.config.items() if name not in RUN_IDENTITY}
            self.tensorboard.hyperparameters(named, self.last)
        self.tensorboard.close()
        self.lines.close()
        self.table.close()
        if state is not None:
            # Last, since its presence says that the run is over and its records are whole.
            ending = {"state": state.value, "cause": cause}
            write_json(
                self.folder / STATE_FILE, {**ending, "code": {**code}} if state is State.FAILED else ending
            )
            discard(self.folder)
