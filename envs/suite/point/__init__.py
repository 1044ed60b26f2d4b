"""Board on which a worker jumps onto a target, fixed or drawn each episode: dynamics and picture."""

from envs.suite.point.env import PointTarget, PointTargetEnv, PointTargetParameters, PointTargetVectorEnv

__all__ = ["PointTarget", "PointTargetEnv", "PointTargetParameters", "PointTargetVectorEnv"]
