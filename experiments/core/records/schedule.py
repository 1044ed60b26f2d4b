"""Configurations that change while a run trains, as its folder records them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.sweep import SCHEDULE, SCHEDULE_FILE


def config_at(config: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """What a run trains with at some steps: the last entry of its schedule that has come into force.

    Args:
        config: What the trainable received.
        steps: Environment steps trained so far.
    """
    fixed = {name: value for name, value in config.items() if name != SCHEDULE}
    for segment in config.get(SCHEDULE, ()):
        if segment["steps"] <= steps:
            fixed |= segment["configuration"]
    return fixed


def with_schedule(run: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration to train from scratch in order to repeat a run: with its schedule if it has one.

    Args:
        run: The run's folder.
        config: The configuration that was in force last.
    """
    path = run / SCHEDULE_FILE
    if not path.exists():
        return dict(config)
    schedule = json.loads(path.read_text(encoding="utf-8"))["schedule"]
    return {**schedule[0]["configuration"], SCHEDULE: schedule}
