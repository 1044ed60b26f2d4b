"""Lanes: copies of a user's single environment side by side, made fit for a batch and closed exactly once.

Imported by the checks and by experiments; rests on :mod:`envs.spaces`.
"""

from envs.lanes.lane import EnvironmentExitedError, Lane, LaneError, in_brief, reward_of
from envs.lanes.reports import number_of, reported, reported_by_lane
from envs.lanes.vectors import NativeLanes, SyncLanes, close_all

__all__ = [
    "EnvironmentExitedError",
    "Lane",
    "LaneError",
    "NativeLanes",
    "SyncLanes",
    "close_all",
    "in_brief",
    "number_of",
    "reported",
    "reported_by_lane",
    "reward_of",
]
