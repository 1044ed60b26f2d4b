"""Workers of a run, its environment runner and its learner, outside Ray and for a moment."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from gymnasium.vector import VectorEnv, VectorWrapper
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME, NUM_MODULE_STEPS_TRAINED_LIFETIME

from envs.lanes import close_all
from experiments.core.fast_ppo import FastEnvRunner
from experiments.core.ray_internals import without_source_lookup
from experiments.core.torch_internals import without_compiler


class Environments:
    """Pool of lanes that are lent to one run after the other, as long as their parameters are equal.

    A runner resets them before it samples. Making them takes long where each lane is a process or reads data;
    leaving the context closes them.
    """

    def __init__(self) -> None:
        self._made: dict[str, VectorEnv[Any, Any, Any]] = {}

    def lent_to(self, config: PPOConfig) -> PPOConfig:
        """Returns the configuration with an environment that is made at its first use only."""
        made, make = self._made, config.env

        def lend(context: Mapping[str, Any]) -> VectorEnv[Any, Any, Any]:
            key = repr(sorted((str(name), value) for name, value in context.items()))
            if key not in made:
                made[key] = make(context)
            return _Lent(made[key])

        changed: PPOConfig = config.environment(lend)
        return changed

    def __enter__(self) -> Environments:
        return self

    def __exit__(self, *exception: object) -> None:
        made = [*self._made.values()]
        self._made.clear()
        close_all(made)


class _Lent(VectorWrapper):
    """Lanes that outlive the run that they are lent to."""

    def close(self, **kwargs: Any) -> None:
        """Leaves them open."""


class Workers:
    """Environment runner and learner of one run; leaving the context gives the lanes back.

    Args:
        config: As a trial builds it.
        environments: Where it takes its lanes from.
    """

    def __init__(self, config: PPOConfig, environments: Environments) -> None:
        config = environments.lent_to(config)
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
            self._learner.train_on(sampled, scale=self.runner.encoder.scale, timesteps=rows)
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
