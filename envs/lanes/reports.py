"""Numbers that an environment reports in its infos when an episode ends, whatever else it puts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reports = dict[str, float]
"""Each number by its name."""


def reported(info: Any) -> Reports:
    """Returns the numbers in one environment's info.

    A number is anything of Python's, NumPy's or another library's that is one, an array of size one included.
    Texts, containers, arrays of other sizes and whatever else is no number are left out, as are names that
    begin with an underscore. A name that is no text becomes one.

    Args:
        info: What `reset` or `step` returned, of whatever kind.
    """
    if not isinstance(info, Mapping):
        return {}
    found: Reports = {}
    with suppress(Exception):  # of a user's class, which may raise at anything
        for key, value in info.items():
            name, number = _name(key), number_of(value)
            if name is not None and number is not None:
                found[name] = number
    return found


def reported_by_lane(infos: Any, lanes: NDArray[np.bool_]) -> list[tuple[int, Reports]]:
    """Returns the numbers in the infos of a vector environment, of some of its lanes.

    Args:
        infos: Arrays by name, each with a mask under the name with an underscore before it, as Gymnasium's
            vector environments give them; or one info a lane.
        lanes: Whose numbers are wanted, [N].

    Returns:
        Index and numbers of every wanted lane that reports any.
    """
    wanted = [int(lane) for lane in np.flatnonzero(lanes)]
    if isinstance(infos, Sequence) and not isinstance(infos, str) and len(infos) == len(lanes):
        return [(lane, reported(infos[lane])) for lane in wanted]
    if not isinstance(infos, Mapping):
        return []
    return [(lane, reported(_lane_info(infos, lane, len(lanes)))) for lane in wanted]


def _lane_info(infos: Mapping[Any, Any], lane: int, count: int) -> dict[Any, Any]:
    info = {}
    for key, values in infos.items():
        mask = infos.get(f"_{key}")
        sized = isinstance(values, np.ndarray | Sequence) and not isinstance(values, str)
        if sized and len(values) == count and mask is not None and mask[lane]:
            info[key] = values[lane]
    return info


def number_of(value: Any) -> float | None:
    """Returns a value as a float, or None if it is no number."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, np.ndarray):
            value = value.reshape(-1)[0] if value.size == 1 else None
        if isinstance(value, str | bytes | np.flexible | np.datetime64 | np.timedelta64) or value is None:
            return None
        return float(value) if hasattr(type(value), "__float__") else None
    except Exception:  # other libraries' values may be of any size, and on any device
        return None


def _name(key: Any) -> str | None:
    """Returns a key as text; None where it is private, or its text a place in memory."""
    try:
        name = key if isinstance(key, str) else str(key)
    except Exception:  # of a user's class
        return None
    if " object at 0x" in name:
        return None
    return None if name.startswith("_") else name
