"""Validation of actions before they reach an environment's dynamics."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector.utils import concatenate, create_empty_array, iterate
from numpy.typing import NDArray


def check_actions(single: gym.Space[Any], batched: gym.Space[Any], actions: Any, num_envs: int) -> Any:
    """Returns one action a lane, as arrays the dynamics can index, or says which action is wrong.

    Numbers beyond a `Box` are let through, since trainers explore there and every environment states how it
    clips them; shapes, NaN and choices that do not exist are refused.

    Args:
        single: The action space of one lane.
        batched: The space of all lanes' actions together.
        actions: What the caller passed, [num_envs, ...].
        num_envs: How many lanes there are.

    Raises:
        ValueError: With the first offending lane, what it got and what was expected.
    """
    if isinstance(single, gym.spaces.Discrete):
        return _check_choices(single, np.asarray(actions), num_envs)
    if isinstance(single, gym.spaces.Box):
        return _check_box(single, np.asarray(actions), num_envs)
    if batched.contains(actions):
        return actions
    for lane, action in enumerate(iterate(batched, actions)):
        if not single.contains(action):
            raise ValueError(f"action {action!r} in lane {lane}: expected a member of {single}")
    raise ValueError(f"actions {actions!r}: expected a member of {batched}")


def check_action(single: gym.Space[Any], action: Any) -> Any:
    """Returns one lane's action as a batch of one, under the rules of :func:`check_actions`.

    Raises:
        ValueError: With the action and what was expected.
    """
    if isinstance(single, gym.spaces.Discrete | gym.spaces.Box):
        return check_actions(single, single, np.asarray(action)[np.newaxis], 1)
    if not single.contains(action):
        raise ValueError(f"action {action!r}: expected a member of {single}")
    return concatenate(single, [action], create_empty_array(single, n=1))


def _check_choices(space: gym.spaces.Discrete[Any], actions: NDArray[Any], num_envs: int) -> NDArray[Any]:
    _check_shape(space, actions, (num_envs,))
    if actions.dtype.kind not in "iu":
        raise ValueError(f"actions of type {actions.dtype}: expected whole numbers ({space})")
    choices = actions - space.start if space.start else actions
    # One unsigned comparison finds both ends: a negative choice becomes a huge one. Counting what is true
    # takes a quarter of the time of `any`.
    wrong = choices.astype(np.uint64) >= int(space.n)
    if np.count_nonzero(wrong):
        lane = int(np.argmax(wrong))
        first = int(space.start)
        last = first + int(space.n) - 1
        raise ValueError(f"action {actions[lane]} in lane {lane}: expected a whole number {first} to {last}")
    return actions


def _check_box(space: gym.spaces.Box, actions: NDArray[Any], num_envs: int) -> NDArray[Any]:
    _check_shape(space, actions, (num_envs, *space.shape))
    if actions.dtype.kind not in "biuf":
        raise ValueError(f"actions of type {actions.dtype}: expected numbers ({space})")
    if actions.dtype.kind == "f" and np.count_nonzero(np.isnan(actions)):
        lane = int(np.argmax(np.isnan(actions).reshape(num_envs, -1).any(axis=1)))
        raise ValueError(f"action {actions[lane]} in lane {lane} is not a number: expected one of {space}")
    # The precision that a single environment's caller is told to use, so that both forms compute the same.
    return actions.astype(space.dtype, copy=False)


def _check_shape(space: gym.Space[Any], actions: NDArray[Any], shape: tuple[int, ...]) -> None:
    if actions.shape != shape:
        raise ValueError(f"actions of shape {actions.shape}: expected {shape}, one {space} a lane")
