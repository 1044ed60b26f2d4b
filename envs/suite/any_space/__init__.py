"""One-step memory task over any observation and action space."""

from envs.suite.any_space.env import Spaces, SpacesEnv, SpacesParameters, SpacesVectorEnv

__all__ = ["Spaces", "SpacesEnv", "SpacesParameters", "SpacesVectorEnv"]
