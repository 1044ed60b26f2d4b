"""Gymnasium vector environment over N lanes, bit for bit equal to N single environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.base.action_checks import check_actions
from envs.base.dynamics import Dynamics

Infos = dict[str, Any]


class BatchedEnv(VectorEnv[Any, Any, Any]):
    """N lanes of one environment that step together, without a Python loop over lanes.

    Autoreset is NEXT_STEP, the only mode that RLlib's runners understand: the step after an episode's last
    ignores that lane's action, starts the next episode, and returns its first observation with reward 0.
    `reset(seed=s)` gives lane i the generator that a single environment gets from `reset(seed=s + i)`, as in
    :class:`gymnasium.vector.SyncVectorEnv`.

    Args:
        num_envs: N, the number of lanes, at least 1.
        render_mode: None; lanes are drawn one at a time, by the single environment.
        **parameters: The environment's own keywords.

    Raises:
        ValueError: The number of lanes is not positive, a render mode is given, or a parameter is unknown or
            out of range.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # Gymnasium declares it so
        "autoreset_mode": AutoresetMode.NEXT_STEP,
        "render_modes": [],
    }
    dynamics_type: ClassVar[type[Dynamics[Any]]]

    def __init__(self, num_envs: int = 1, render_mode: str | None = None, **parameters: Any) -> None:
        if not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ValueError(f"num_envs={num_envs!r}: expected a whole number of lanes, at least 1")
        if render_mode is not None:
            raise ValueError(f"render_mode={render_mode!r}: lanes are not drawn; make a single environment")
        values = self.dynamics_type.parameters_type.from_mapping(parameters)
        self.dynamics = self.dynamics_type(values, num_envs)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = self.dynamics.observation_space
        self.single_action_space = self.dynamics.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._lanes = np.arange(num_envs)
        # [N], generators; empty before the first reset.
        self._rngs: NDArray[np.object_] = np.empty(0, dtype=object)
        self._over = np.zeros(num_envs, dtype=np.bool_)
        self._over_count = 0

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[Any, Infos]:
        """Starts a new episode in every lane.

        Args:
            seed: Lane i is seeded with `seed + i`, or with the i-th of a sequence; None goes on with the
                lanes' generators (fresh entropy at first).
            options: Not used.

        Returns:
            The first observations, [N, ...], and an empty info.
        """
        del options
        seeds = self._lane_seeds(seed)
        first = not self._rngs.size
        if first:
            self._rngs = np.empty(self.num_envs, dtype=object)
        for lane, lane_seed in enumerate(seeds):
            if first or lane_seed is not None:
                self._rngs[lane] = seeding.np_random(lane_seed)[0]
        self._over, self._over_count = np.zeros(self.num_envs, dtype=np.bool_), 0
        self.dynamics.begin(self._lanes, self._rngs.tolist())
        return self.dynamics.observe(), {}

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """Moves every lane by one step, or into its next episode where the last one is over.

        Args:
            actions: One action a lane, [N, ...]; those of lanes whose episode is over are ignored.

        Returns:
            Observations [N, ...], rewards [N], terminated [N], truncated [N], and the info: for episodes
            that ended with this step, `name` [N] and the mask `_name` [N] of each summary value.

        Raises:
            gymnasium.error.ResetNeeded: No episode has begun.
            ValueError: An action has the wrong shape or does not exist.
        """
        if not self._rngs.size:
            raise ResetNeeded("no episode has begun: call reset() before the first step()")
        actions = check_actions(self.single_action_space, self.action_space, actions, self.num_envs)
        if not self._over_count:
            rewards, terminated, truncated = self.dynamics.advance(slice(None), actions)
        else:
            rewards, terminated, truncated = self._step_some(actions)
        self._over = terminated | truncated
        # In a third of the time of `any`.
        self._over_count = int(np.count_nonzero(self._over))
        infos = self._summaries() if self._over_count else {}
        return self.dynamics.observe(), rewards, terminated, truncated, infos

    def _step_some(self, actions: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Starts the next episode in finished lanes and moves the others."""
        beginning = self._over.nonzero()[0]
        moves_some = self._over_count < self.num_envs
        if moves_some and self.dynamics.moves_finished_lanes:
            rewards, terminated, truncated = self.dynamics.advance(slice(None), actions)
            rewards[beginning] = 0.0
            terminated[beginning] = truncated[beginning] = False
        else:
            rewards = np.zeros(self.num_envs)
            terminated = np.zeros(self.num_envs, dtype=np.bool_)
            truncated = np.zeros(self.num_envs, dtype=np.bool_)
            if moves_some:
                moving = np.flatnonzero(~self._over)
                rewards[moving], terminated[moving], truncated[moving] = self.dynamics.advance(
                    moving, _take(actions, moving)
                )
        self.dynamics.begin(beginning, self._rngs[beginning].tolist())
        return rewards, terminated, truncated

    def _summaries(self) -> Infos:
        infos: Infos = {}
        ended = self._over.nonzero()[0]
        for name, values in self.dynamics.summarise(ended).items():
            infos[name] = np.zeros(self.num_envs)
            infos[name][ended] = values
            infos[f"_{name}"] = self._over.copy()
        return infos

    def _lane_seeds(self, seed: int | Sequence[int | None] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + lane for lane in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} lanes: expected one a lane")
        return seed


def _take(actions: Any, lanes: NDArray[np.intp]) -> Any:
    """Returns the given lanes' actions from a batch of any structure."""
    if isinstance(actions, Mapping):
        return {name: _take(part, lanes) for name, part in actions.items()}
    if isinstance(actions, tuple):
        return tuple(_take(part, lanes) for part in actions)
    return actions[lanes]
