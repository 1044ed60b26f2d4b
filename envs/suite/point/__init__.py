"""Jumping onto a target on a board, fixed or drawn each episode: dynamics and picture."""

from envs.suite.point.env import PointTarget, PointTargetEnv, PointTargetParameters, PointTargetVectorEnv

__all__ = ["PointTarget", "PointTargetEnv", "PointTargetParameters", "PointTargetVectorEnv"]
