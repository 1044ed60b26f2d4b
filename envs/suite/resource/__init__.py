"""Server fleet under a daily load, continuous or discrete actions: dynamics, solver, policies, picture."""

from envs.suite.resource.env import Resource, ResourceEnv, ResourceVectorEnv
from envs.suite.resource.service import ResourceParameters

__all__ = ["Resource", "ResourceEnv", "ResourceParameters", "ResourceVectorEnv"]
