"""PPO learner that updates the network from a rollout's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME, WEIGHTS_SEQ_NO

from experiments.core.environments import action_decoder
from experiments.core.fast_ppo.distribution import ActionDistribution, Array
from experiments.core.fast_ppo.gae import advantages, standardised
from experiments.core.fast_ppo.network import network_of
from experiments.core.fast_ppo.rollout import Rollout
from experiments.core.fast_ppo.statistics import check_finite, update_statistics
from experiments.core.fast_ppo.streams import SHUFFLING, stream_generator
from experiments.core.fast_ppo.update import Numbers, Rows


class FastPPOLearner(PPOTorchLearner):  # type: ignore[misc]  # ray is untyped
    """RLlib's PPO learner with another way through the batch.

    `train_on` takes a rollout instead of episodes. Module, optimiser, schedules, KL adaptation and
    checkpoints are RLlib's own.
    """

    def build(self) -> None:
        """Builds RLlib's learner, then the short way through its module."""
        super().build()
        module = self.module[DEFAULT_MODULE_ID].unwrapped()
        self.distribution = ActionDistribution(action_decoder(module.action_space).parts)
        self.network = network_of(module, self.distribution)
        self._shuffle = stream_generator(self.config.seed, SHUFFLING)
        self._timesteps = 0

    def train_on(self, rollout: Rollout, *, timesteps: int) -> dict[str, Any]:
        """One PPO update.

        Args:
            rollout: what the current policy has just sampled.
            timesteps: environment steps sampled so far, for the schedules.

        Returns:
            RLlib's learner results.

        Raises:
            DivergenceError: if a loss, a gradient or a weight is not finite.
        """
        self._timesteps = timesteps
        self.metrics.log_dict(self.update_on(self._rows(rollout)), key=DEFAULT_MODULE_ID, window=1)
        # RLlib's own: learning rate and entropy schedules, and the adaptation of the KL coefficient.
        self.after_gradient_based_update(timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: timesteps})
        return dict(self.metrics.reduce())

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: RLlib's way through a batch is another one."""
        raise NotImplementedError("FastPPOLearner.update: expected train_on(rollout), as FastPPO calls it")

    def update_on(self, rows: Rows) -> dict[str, float]:
        """All gradient steps of one update, and what they looked like."""
        order = self._order(len(rows.targets))
        optimizer = self.get_optimizer(DEFAULT_MODULE_ID)
        record = self.network.update(rows, order, self._numbers(optimizer), optimizer)
        parameters = self.module[DEFAULT_MODULE_ID].unwrapped().parameters()
        check_finite(record, weights_finite=all(bool(p.isfinite().all()) for p in parameters))
        steps, size = order.shape
        return update_statistics(record, last=max(1, steps // self.config.num_epochs), rows=size)

    def _rows(self, rollout: Rollout) -> Rows:
        """All valid steps with advantages and targets; observations stay as they are stored."""
        obs_tn = rollout.obs_tn
        values_tn = self.network.values(obs_tn.reshape(-1, *obs_tn.shape[2:])).reshape(obs_tn.shape[:2])
        advantage_tn = advantages(
            rollout.rewards_tn,
            values_tn,
            rollout.terminated_tn,
            rollout.truncated_tn,
            gamma=self.config.gamma,
            lambda_=self.config.lambda_,
        )
        valid_tn = rollout.valid_tn
        actions = rollout.actions_tn[valid_tn]
        normalised, log_prob = self.distribution.normalised(rollout.logits_tn[valid_tn], actions)
        return Rows(
            obs=obs_tn[:-1][valid_tn],
            actions=actions,
            old_log_prob=log_prob,
            old_normalised=normalised,
            advantages=standardised(advantage_tn[valid_tn]),
            targets=(advantage_tn + values_tn[:-1])[valid_tn],
        )

    def _order(self, rows: int) -> Array:
        """Rows [S, B] of every gradient step: minibatches of one exact size.

        What an epoch leaves over opens the next one's first minibatch, as in RLlib; the last one is filled up
        from one more shuffle.
        """
        size, epochs = min(self.config.minibatch_size or rows, rows), self.config.num_epochs
        missing = -epochs * rows % size
        orders = [self._epoch(rows) for _ in range(epochs)]
        if missing:
            orders.append(self._epoch(rows)[:missing])
        return np.concatenate(orders).reshape(-1, size)

    def _epoch(self, rows: int) -> Array:
        if not self.config.shuffle_batch_per_epoch:
            return np.arange(rows)
        return torch.randperm(rows, generator=self._shuffle).numpy()

    def _numbers(self, optimizer: torch.optim.Adam) -> Numbers:
        config, group = self.config, optimizer.param_groups[0]
        kl = float(self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]) if config.use_kl_loss else 0.0
        entropy = self.entropy_coeff_schedulers_per_module[DEFAULT_MODULE_ID].get_current_value()
        beta1, beta2 = group["betas"]
        numbers = (
            config.clip_param, config.vf_clip_param, config.vf_loss_coeff, entropy, kl,
            config.grad_clip or np.inf, group["lr"], beta1, beta2, group["eps"],
        )  # fmt: skip
        return Numbers(*(np.float32(number) for number in numbers))

    def reset_streams(self) -> None:
        """Goes on as another run than the one whose state was restored: minibatches of this run's seed."""
        self._shuffle = stream_generator(self.config.seed, SHUFFLING, self._timesteps)

    def get_state(
        self, components: Any = None, *, not_components: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """RLlib's state plus the KL coefficient, the shuffling generator and the schedules' position."""
        state: dict[str, Any] = super().get_state(components, not_components=not_components, **kwargs)
        state["fast_learner"] = {
            "kl_coeff": float(self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]),
            "shuffle": self._shuffle.get_state().numpy(),
            "timesteps": self._timesteps,
        }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores `get_state`, also into a learner that has trained further than the checkpoint."""
        super().set_state({**state, WEIGHTS_SEQ_NO: 0})  # 0: of any age; others have to be newer than these
        fast = state.get("fast_learner")
        if fast is None:
            return
        self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].fill_(fast["kl_coeff"])
        self._shuffle.set_state(torch.from_numpy(np.array(fast["shuffle"])))
        self._timesteps = fast["timesteps"]
        if self._timesteps:
            self.entropy_coeff_schedulers_per_module[DEFAULT_MODULE_ID].update(timestep=self._timesteps)
