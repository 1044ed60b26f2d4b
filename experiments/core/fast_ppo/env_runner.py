"""Environment runner that samples with one forward pass and one step per time step, nothing per lane."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray import cloudpickle
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.utils.metrics import EPISODE_LEN_MEAN, EPISODE_RETURN_MEAN, WEIGHTS_SEQ_NO

from experiments.core.environments import action_decoder, observation_encoder
from experiments.core.fast_ppo.distribution import ActionDistribution, sample
from experiments.core.fast_ppo.episodes import cut_episodes
from experiments.core.fast_ppo.network import network_of
from experiments.core.fast_ppo.normalise import ImageNormaliser, ObservationNormaliser, RewardScaler
from experiments.core.fast_ppo.rollout import (
    Array,
    EpisodeCounter,
    Rollout,
    RolloutBuffer,
    check_finite,
    refuse_non_finite,
)
from experiments.core.fast_ppo.streams import RESTARTING, SAMPLING, stream_generator, stream_seed
from experiments.core.fast_ppo.vector_env import make_vector_env

NORMALISE_OBSERVATIONS, SCALE_REWARDS = "normalise_observations", "scale_rewards"
"""Names of the options in the configuration's `learner_config_dict`."""
NOISE_STEPS = 64
"""Time steps for which sampling noise is drawn at once."""


class FastEnvRunner(SingleAgentEnvRunner):  # type: ignore[misc]  # ray is untyped
    """An RLlib EnvRunner that keeps [T, N] arrays.

    `rollout` is what `FastPPO` calls; `sample` cuts the same data into RLlib's episodes, so that the runner
    also serves RLlib's own learners. Connectors and per-step callbacks are not run.

    Attributes:
        returns: of the episodes that ended in the last rollout, as the environment paid them.
        lengths: their steps.
        episodes: how many have ended since the run began.
        last_rollout: as it was sampled, rewards not scaled.
    """

    env: Any
    _obs: Array

    def make_env(self) -> None:
        """Builds the batched environment and the encodings of its spaces."""
        if self.env is not None:
            self.env.close()
        self.env = make_vector_env(self.config)
        try:
            self._fit_to_env()
        except BaseException:
            self.env.close()
            raise

    def _fit_to_env(self) -> None:
        self.num_envs = self.env.num_envs
        self.encoder = observation_encoder(self.env.single_observation_space)
        self.decoder = action_decoder(
            self.env.single_action_space,
            normalize=self.config.normalize_actions,
            clip=self.config.clip_actions,
        )
        self.distribution = ActionDistribution(self.decoder.parts)
        seed = self.config.seed
        # As in RLlib each of several runners has its own.
        self._own_seed = None if seed is None else int(seed) + (self.worker_index or 0)
        self._generator = stream_generator(self._own_seed, SAMPLING)
        options = self.config.learner_config_dict
        normalise, scale = options.get(NORMALISE_OBSERVATIONS), options.get(SCALE_REWARDS)
        self.normaliser = self._new_normaliser() if normalise else None
        self._scaler = RewardScaler(self.num_envs, self.config.gamma) if scale else None
        self._counter = EpisodeCounter(self.num_envs)
        self.returns, self.lengths = np.empty(0), np.empty(0, np.int64)
        self.episodes = 0
        self._buffer: RolloutBuffer | None = None
        self._reset_due = True

    def make_module(self) -> None:
        """Builds RLlib's (inference-only) module and the short chain of its layers."""
        super().make_module()
        self.network = network_of(self.module, self.distribution)

    def get_spaces(self) -> dict[str, Any]:
        """The environment's spaces, and those that the module is built for."""
        if self.env is None:
            return dict(self.spaces)
        return {
            INPUT_ENV_SPACES: (self.env.observation_space, self.env.action_space),
            INPUT_ENV_SINGLE_SPACES: (self.env.single_observation_space, self.env.single_action_space),
            DEFAULT_MODULE_ID: (self.encoder.module_space, self.decoder.module_space),
        }

    def rollout(self, num_steps: int) -> Rollout:
        """Samples until at least `num_steps` environment steps are in, reset steps not counted.

        Like RLlib's runner it overshoots by less than the number of lanes, since all lanes move together.
        The arrays stay valid until the next call.

        Raises:
            DivergenceError: The environment gave an observation or a reward that is not finite.
        """
        if self._reset_due:
            self._reset()
        buffer = self._buffer
        if buffer is None or buffer.capacity * self.num_envs < num_steps:
            buffer = self._buffer = RolloutBuffer(
                -(-num_steps // self.num_envs) + 8,
                self._obs,
                columns=self.distribution.num_columns,
                logits=self.distribution.num_logits,
            )
        if self.normaliser is not None:
            self.normaliser.begin(self._obs)
            self.normaliser.store(self.module)
        before = self.num_env_steps_sampled_lifetime
        try:
            steps = self._collect(buffer, num_steps)
        except ValueError:
            # A policy that has seen what is not finite chooses what is no action.
            refuse_non_finite("observation", buffer.obs, buffer.valid, before)
            raise
        rollout = self.last_rollout = buffer.rollout(steps)
        check_finite(rollout, before)
        self.returns, self.lengths = self._counter.add(rollout)
        self.episodes += self.returns.size
        self.num_env_steps_sampled_lifetime += rollout.steps
        return rollout if self._scaler is None else self._scaler.scale(rollout)

    def reset_streams(self) -> None:
        """Goes on as another run than the one whose state was restored.

        New episodes in every lane, random numbers of this run's seed, this configuration's discount; the
        moments of the normalisations stay.
        """
        self._reset_due = True
        self._generator = stream_generator(self._own_seed, SAMPLING, self.num_env_steps_sampled_lifetime)
        if self._scaler is not None:
            self._scaler.reset_streams(self.config.gamma)

    def _new_normaliser(self) -> ObservationNormaliser:
        shape = self.encoder.module_space.shape
        return ImageNormaliser(shape, self.encoder.scale) if len(shape) == 3 else ObservationNormaliser(shape)

    def _observe(self, observations: Any) -> Array:
        """What is stored of a batch of observations."""
        obs = self.encoder.encode(observations)
        return obs if self.normaliser is None else self.normaliser.observe(obs)

    def _reset(self) -> None:
        seed = self._own_seed
        if seed is not None and self.num_env_steps_sampled_lifetime:
            # A restored run whose lanes begin anew: not with the episodes of its first start.
            seed = stream_seed(seed, RESTARTING, self.num_env_steps_sampled_lifetime)
        observations, _ = self.env.reset(seed=seed)
        self._obs = self._observe(observations).copy()
        self._done = np.zeros(self.num_envs, np.bool_)
        self._counter = EpisodeCounter(self.num_envs)
        self._reset_due = False

    def _collect(self, buffer: RolloutBuffer, num_steps: int) -> int:
        """The loop over time steps: everything in it is done for all lanes at once."""
        env_step, observe, decode = self.env.step, self._observe, self.decoder.decode
        logits_of, leaves = self.network.logits, self.distribution.leaves
        t, missing, done = 0, num_steps, self._done
        buffer.obs[0] = self._obs
        while missing > 0:
            if t == buffer.capacity:
                buffer.grow()
            if t % NOISE_STEPS == 0:
                noise = self.distribution.noise((NOISE_STEPS, self.num_envs), self._generator)
            buffer.logits[t] = logits_n = logits_of(buffer.obs[t])
            sample(logits_n, noise[t % NOISE_STEPS], leaves, buffer.actions[t])
            observations, reward, terminated, truncated, _ = env_step(decode(buffer.actions[t]))
            np.logical_not(done, out=buffer.valid[t])
            missing -= self.num_envs - int(np.count_nonzero(done))
            buffer.rewards[t], buffer.terminated[t], buffer.truncated[t] = reward, terminated, truncated
            buffer.obs[t + 1] = observe(observations)
            done = np.logical_or(terminated, truncated)
            t += 1
        self._obs, self._done = buffer.obs[t].copy(), done
        return t

    def sample(
        self, *, num_timesteps: int | None = None, num_episodes: int | None = None, **kwargs: Any
    ) -> list[SingleAgentEpisode]:
        """RLlib's sampling interface: the same rollout, cut into episodes and fragments of episodes."""
        if num_episodes is not None or kwargs.get("random_actions") or kwargs.get("explore") is False:
            raise NotImplementedError(
                "FastEnvRunner.sample explores for a number of steps; evaluate with greedy_policy instead"
            )
        if kwargs.get("force_reset"):
            self._reset_due = True
        steps = num_timesteps
        if steps is None:
            steps = self.config.get_rollout_fragment_length(self.worker_index) * self.num_envs
        return cut_episodes(self.rollout(steps), self.distribution, self.get_spaces()[DEFAULT_MODULE_ID])

    def get_metrics(self) -> dict[str, Any]:
        """RLlib's metrics of the recent episodes, for use with RLlib's own training step."""
        window = self.config.metrics_num_episodes_for_smoothing
        if self.returns.size:
            self.metrics.log_value(EPISODE_RETURN_MEAN, float(np.mean(self.returns)), window=window)
            self.metrics.log_value(EPISODE_LEN_MEAN, float(np.mean(self.lengths)), window=window)
        return dict(self.metrics.reduce())

    def give_moments(self, module: RLModule) -> None:
        """Copies the observations' moments, which are estimated here, to the learner, which saves them."""
        if self.normaliser is not None:
            self.normaliser.store(module)
            self.normaliser.store(self.module)

    def load_weights(self, module: RLModule) -> None:
        """Copies the policy's weights from the learner's module, tensor by tensor, without serialising."""
        source = dict(module.named_parameters())
        with torch.no_grad():
            for name, target in self.module.named_parameters():
                target.copy_(source[name])

    def get_state(
        self, components: Any = None, *, not_components: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """RLlib's state plus all that the next rollout depends on, the environment included."""
        state: dict[str, Any] = super().get_state(components, not_components=not_components, **kwargs)
        if not self._reset_due:
            state["fast_runner"] = {
                "generator": self._generator.get_state().numpy(),
                "obs": self._obs,
                "done": self._done,
                "counter": self._counter,
                "normaliser": self.normaliser,
                "scaler": self._scaler,
                "episodes": self.episodes,
                "env": _pickled(self.env),
            }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores `get_state`. Lanes of an environment that cannot be pickled begin new episodes."""
        super().set_state({**state, WEIGHTS_SEQ_NO: 0})  # 0: of any age; others have to be newer than these
        fast = state.get("fast_runner")
        if fast is None:
            return
        self._generator.set_state(torch.from_numpy(np.array(fast["generator"])))
        self.episodes = fast["episodes"]
        self.normaliser, self._scaler = fast["normaliser"], fast["scaler"]
        if fast["env"] is None:
            self._reset_due = True
            return
        restored = cloudpickle.loads(fast["env"])
        self.env.close()
        self.env = restored
        self._obs, self._done, self._counter = fast["obs"], fast["done"], fast["counter"]
        self._buffer = None
        self._reset_due = False


def _pickled(env: Any) -> bytes | None:
    """The environment with its generators, where it can be pickled (not one process per lane)."""
    try:
        pickled: bytes = cloudpickle.dumps(env)
    except Exception:  # what a user's environment holds says no in its own way
        return None
    return pickled
