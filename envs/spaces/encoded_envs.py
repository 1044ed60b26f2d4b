"""Gymnasium wrappers that make an environment with any spaces trainable, one lane or many."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from envs.spaces.action_decoder import ActionDecoder
from envs.spaces.encoding_limits import Limits
from envs.spaces.observation_encoder import ObservationEncoder


def encode(env: gym.Env[Any, Any], **limits: int) -> gym.Env[Any, Any]:
    """Wraps an environment so that it is observed as one float vector and acted in by choices and numbers.

    Args:
        env: Any environment; one whose spaces are in that form already is returned as it is.
        **limits: `max_items`, `max_nodes` and `max_edges`, see :class:`Limits`.

    Raises:
        UnsupportedSpaceError: A space has no encoding; the message says what to use instead.
    """
    encoder = ObservationEncoder(env.observation_space, Limits(**limits))
    same = encoder.unchanged and ActionDecoder(env.action_space).space == env.action_space
    return env if same else EncodedEnv(env, **limits)


def encode_vector(env: VectorEnv[Any, Any, Any], **limits: int) -> VectorEnv[Any, Any, Any]:
    """Wraps a vector environment as :func:`encode` wraps a single one: lane by lane the same numbers.

    Args:
        env: Any vector environment that resets in NEXT_STEP mode or not at all, which is preserved.
        **limits: As in :func:`encode`.

    Raises:
        UnsupportedSpaceError: A space has no encoding; the message says what to use instead.
        ValueError: The environment resets within the step that ends an episode.
    """
    # Decided without building a wrapper: one that is dropped would close the environment.
    encoder = ObservationEncoder(env.single_observation_space, Limits(**limits))
    same = encoder.unchanged and ActionDecoder(env.single_action_space).space == env.single_action_space
    _check_autoreset(env)
    return env if same else EncodedVectorEnv(env, **limits)


def _check_autoreset(env: VectorEnv[Any, Any, Any]) -> None:
    # Under SAME_STEP an episode's last observation hides in the info, where it would stay as it was.
    if env.metadata.get("autoreset_mode") not in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED):
        raise ValueError(
            f"autoreset mode {env.metadata.get('autoreset_mode')} of {type(env.unwrapped).__name__}: "
            "expected AutoresetMode.NEXT_STEP, the only one that RLlib understands"
        )


class EncodedEnv(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """A single environment behind its encoding; see :func:`encode`."""

    def __init__(self, env: gym.Env[Any, Any], **limits: int) -> None:
        recorded: dict[str, Any] = {**limits}
        RecordConstructorArgs.__init__(self, **recorded)
        super().__init__(env)
        self.encoder = ObservationEncoder(env.observation_space, Limits(**limits))
        self.decoder = ActionDecoder(env.action_space)
        self.observation_space = self.encoder.space
        self.action_space = self.decoder.space

    @property
    def left_out(self) -> dict[str, str]:
        """Parts of the observation that have no code, by name, with the class of each."""
        return self.encoder.left_out

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self.encoder.encode(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Takes the step that the policy's action stands for."""
        observation, reward, terminated, truncated, info = self.env.step(self.decoder.decode(action))
        return self.encoder.encode(observation), reward, terminated, truncated, info


class EncodedVectorEnv(VectorWrapper):
    """A vector environment behind its encoding; see :func:`encode_vector`.

    It closes what it wraps when it is closed, and not when it is dropped.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], **limits: int) -> None:
        _check_autoreset(env)
        self.encoder = ObservationEncoder(env.single_observation_space, Limits(**limits))
        self.decoder = ActionDecoder(env.single_action_space)
        super().__init__(env)
        self.single_observation_space = self.encoder.space
        self.single_action_space = self.decoder.space
        self.observation_space = batch_space(self.encoder.space, self.num_envs)
        self.action_space = batch_space(self.decoder.space, self.num_envs)

    @property
    def left_out(self) -> dict[str, str]:
        """Parts of the observation that have no code, by name, with the class of each."""
        return self.encoder.left_out

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Starts an episode in every lane."""
        observations, infos = self.env.reset(seed=seed, options=options)
        return self.encoder.encode_batch(observations, self.num_envs), infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Takes the steps that the policy's actions stand for."""
        observations, rewards, terminated, truncated, infos = self.env.step(
            self.decoder.decode_batch(actions)
        )
        encoded = self.encoder.encode_batch(observations, self.num_envs)
        return encoded, rewards, terminated, truncated, infos

    def __del__(self) -> None:
        """Leaves the wrapped environment to whoever made it; Gymnasium's wrappers would close it."""
