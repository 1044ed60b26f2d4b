"""Configurations that change while a run trains, as its folder records them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.sweep import SCHEDULE


def config_at(config: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """What a run trains with at some steps: the last entry of its schedule that is active by then.

    Args:
        config: What the trainable received.
        steps: Environment steps trained so far.
    """
    fixed = {name: value for name, value in config.items() if name != SCHEDULE}
    for segment in config.get(SCHEDULE, ()):
        if segment["steps"] <= steps:
            fixed |= segment["configuration"]
    return fixed
