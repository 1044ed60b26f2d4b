"""Lanes: copies of a user's single environment side by side, made fit for a batch and closed exactly once.

Imported by the checks and by experiments; rests on :mod:`envs.spaces`.
"""

from envs.lanes.closing import Closes, close, close_all, closed_at_last, closing_faults
from envs.lanes.dumps import crash_in_dump, is_of_a_timeout, place_in_dump
from envs.lanes.lane import Lane, in_brief, reward_of
from envs.lanes.leaving import leave
from envs.lanes.raised import (
    CallInterruption,
    EnvironmentExitedError,
    EnvironmentRaisedError,
    LaneError,
    described,
    is_of_users,
    place_in,
    place_of,
    raised_in,
    raising_module,
    told,
)
from envs.lanes.reports import number_of, reported, reported_by_lane
from envs.lanes.under_way import under_way
from envs.lanes.vectors import NativeLanes, SyncLanes

__all__ = [
    "CallInterruption",
    "Closes",
    "EnvironmentExitedError",
    "EnvironmentRaisedError",
    "Lane",
    "LaneError",
    "NativeLanes",
    "SyncLanes",
    "close",
    "close_all",
    "closed_at_last",
    "closing_faults",
    "crash_in_dump",
    "described",
    "in_brief",
    "is_of_a_timeout",
    "is_of_users",
    "leave",
    "number_of",
    "place_in",
    "place_in_dump",
    "place_of",
    "raised_in",
    "raising_module",
    "reported",
    "reported_by_lane",
    "reward_of",
    "told",
    "under_way",
]
