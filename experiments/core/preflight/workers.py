"""Workers of a run, its environment runner and its learner, outside Ray and for a moment."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME, NUM_MODULE_STEPS_TRAINED_LIFETIME

from experiments.core.fast_ppo import FastEnvRunner
from experiments.core.preflight.play import Play
from experiments.core.ray_internals import without_source_lookup
from experiments.core.torch_internals import without_compiler


class RecordedLanes(VectorEnv[Any, Any, Any]):
    """Lanes that show again what was seen in an environment, in which nothing waits and nothing is closed.

    Args:
        play: What was seen.
        lanes: N.
    """

    def __init__(self, play: Play, lanes: int) -> None:
        self.num_envs, self.metadata = lanes, {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space, self.single_action_space = play.observation_space, play.action_space
        self.observation_space = batch_space(play.observation_space, lanes)
        self.action_space = batch_space(play.action_space, lanes)
        self._seen, self._paid = np.stack(play.observations), np.array(play.rewards)
        self._length = round(float(np.mean(play.lengths))) if play.lengths else len(play.rewards)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode in every lane."""
        self._time = 0
        return self._shown(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Shows the next step, whatever the actions; after an episode's last one, the next one's reset."""
        if self._time >= self._length:
            return self.reset()[0], np.zeros(self.num_envs), self._all(False), self._all(False), {}
        rewards = self._paid[self._rows()]
        self._time += 1
        return self._shown(), rewards, self._all(False), self._all(self._time >= self._length), {}

    def _shown(self) -> Any:
        return self._seen[self._rows()]

    def _rows(self) -> Any:
        return (self._time + np.arange(self.num_envs)) % len(self._paid)

    def _all(self, flag: bool) -> Any:
        return np.full(self.num_envs, flag)


class Workers:
    """Environment runner and learner of one run, in lanes that show again what was seen in the environment.

    Args:
        config: As a trial builds it.
        play: What was seen.
    """

    def __init__(self, config: PPOConfig, play: Play) -> None:
        config = config.environment(lambda context: RecordedLanes(play, context["num_envs"]))
        with without_compiler(), without_source_lookup():
            config.validate()
            self.runner = (config.env_runner_cls or SingleAgentEnvRunner)(config=config, worker_index=0)
            self._fast = isinstance(self.runner, FastEnvRunner)
            self._learner = config.build_learner(spaces=self.runner.get_spaces())

    def sample(self, steps: int) -> Any:
        """Samples environment steps with the present policy."""
        return self.runner.rollout(steps) if self._fast else self.runner.sample(num_timesteps=steps)

    def update(self, sampled: Any, *, rows: int, epochs: int = 1) -> None:
        """Updates on them once, in minibatches of so many rows."""
        if self._fast:
            self._learner.config.minibatch_size = rows
            self._learner.config.num_epochs = epochs
            self._learner.train_on(sampled, timesteps=rows)
            return
        counts = {NUM_ENV_STEPS_SAMPLED_LIFETIME: rows, NUM_MODULE_STEPS_TRAINED_LIFETIME: 0}
        self._learner.update(
            episodes=sampled, timesteps=counts, num_epochs=epochs, minibatch_size=rows,
            shuffle_batch_per_epoch=True,
        )  # fmt: skip

    def checkpoint_bytes(self) -> int:
        """Measures the size of what RLlib writes for the two."""
        # The algorithm's checkpoint holds the module once, with the learner.
        states = self._learner.get_state(), self.runner.get_state(not_components=COMPONENT_RL_MODULE)
        return sum(len(pickle.dumps(state)) for state in states)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self.runner.stop()
