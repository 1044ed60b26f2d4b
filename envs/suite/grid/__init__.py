"""Grid world of 8x8 cells, seen as an image or as four numbers: dynamics, solver and picture."""

from envs.suite.grid.env import Visual, VisualEnv, VisualParameters, VisualVectorEnv

__all__ = ["Visual", "VisualEnv", "VisualParameters", "VisualVectorEnv"]
