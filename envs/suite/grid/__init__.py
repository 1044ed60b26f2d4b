"""An 8x8 grid to walk through, seen as an image or as four numbers: dynamics, solver and picture."""

from envs.suite.grid.env import Visual, VisualEnv, VisualParameters, VisualVectorEnv

__all__ = ["Visual", "VisualEnv", "VisualParameters", "VisualVectorEnv"]
