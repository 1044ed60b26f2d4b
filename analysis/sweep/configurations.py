"""Values of a configuration, and the changes of one that changed while it trained."""

from typing import Any

import pandas as pd

from analysis.sweep.best import FROM_STEP
from analysis.sweep.lineage import Lineage
from analysis.sweep.loading import Sweep
from analysis.sweep.schema import CONFIG_PREFIX


def configuration(sweep: Sweep, config_id: str) -> dict[str, Any]:
    """Give a configuration's names and values: as a run of it has them, else as the manifest states them."""
    for frame in (sweep.confirmation, sweep.trials):
        rows = frame[frame["config_id"] == config_id]
        columns = [column for column in frame.columns if column.startswith(CONFIG_PREFIX)]
        known = rows[columns].dropna(how="all")
        if not known.empty:
            first = known.iloc[0]
            order = list(sweep.manifest.space)
            names = sorted(
                (column.removeprefix(CONFIG_PREFIX) for column in columns if pd.notna(first[column])),
                key=lambda name: (order.index(name) if name in order else len(order), name),
            )
            return {name: _plain(first[f"{CONFIG_PREFIX}{name}"]) for name in names}
    return dict(sweep.manifest.baselines.get(config_id, {}))


def schedule(lineage: Lineage, config_id: str) -> dict[str, Any]:
    """Give a configuration that changes while it trains, as best.yaml has it: the first, then the changes."""
    first, *later = lineage.schedules[config_id]
    return {
        "configuration": dict(lineage.origins[config_id]),
        "schedule": [
            {FROM_STEP: change.steps, **{name: after for name, (_, after) in change.changed.items()}}
            for change in (first, *later)
            if change.changed
        ],
    }


def _plain(value: Any) -> Any:
    """Give Python's own type of a cell, as YAML and JSON know it."""
    return value.item() if hasattr(value, "item") else value
