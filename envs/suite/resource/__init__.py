"""Servers that follow a daily load, by a continuous or a discrete action: dynamics, solver, policies, picture."""

from envs.suite.resource.env import Resource, ResourceEnv, ResourceParameters, ResourceVectorEnv

__all__ = ["Resource", "ResourceEnv", "ResourceParameters", "ResourceVectorEnv"]
