"""A run's curves under the schema's names on a step axis, and its configuration in the HPARAMS tab."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.sweep import OBJECTIVE


class TensorBoardLog:
    """The event file of one run.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # here, since whoever only reads needs no torch

        self._writer = SummaryWriter(folder.as_posix())

    def scalars(self, values: Mapping[str, Any], *, step: int, written_at: float | None = None) -> None:
        """Adds one point to each curve, at a time or now; what is missing is left out."""
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value) and name != "steps":
                self._writer.add_scalar(name, value, step, written_at)
        self._writer.flush()

    def hyperparameters(self, config: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """Lists the configuration with its final objective, by which the HPARAMS tab compares runs."""
        from torch.utils.tensorboard.summary import hparams

        named = {name: value for name, value in config.items() if value is not None}
        # `add_hparams` writes these three records to a second file, and the last point of the curve again.
        for summary in hparams(named, {OBJECTIVE: last.get(OBJECTIVE, math.nan)}):  # type: ignore[no-untyped-call]
            self._writer.file_writer.add_summary(summary)  # type: ignore[attr-defined]  # None once closed

    def close(self) -> None:
        """Finishes the file."""
        self._writer.close()
