"""PPO learner at the cost of its arithmetic: one shuffled copy of the batch per epoch, then slices."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME, WEIGHTS_SEQ_NO
from torch import Tensor

from experiments.core.environments import action_decoder
from experiments.core.fast_ppo.compiled import CompilationError, CompiledStep, compiles
from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.gae import advantages, standardised
from experiments.core.fast_ppo.loss import (
    Coefficients,
    Minibatch,
    SampleLossTerms,
    output_gradient,
    row_terms,
)
from experiments.core.fast_ppo.network import network_of
from experiments.core.fast_ppo.normalise import NormalisingPPOModule
from experiments.core.fast_ppo.parameters import FlatParameters
from experiments.core.fast_ppo.rollout import Rollout
from experiments.core.fast_ppo.statistics import check_finite, update_statistics
from experiments.core.fast_ppo.streams import SHUFFLING, stream_generator

logger = logging.getLogger(__name__)

COMPILED = "compiled"
"""Whether gradient steps are compiled, in `learner_config_dict`."""


class FastPPOLearner(PPOTorchLearner):  # type: ignore[misc]  # ray is untyped
    """RLlib's PPO learner with another way through the batch.

    `train_on` takes a rollout instead of episodes. Module, optimiser, schedules, KL adaptation and
    checkpoints are RLlib's own.
    """

    def build(self) -> None:
        """Builds RLlib's learner, then its parameters' common buffer and the short way through its layers."""
        super().build()
        module = self.module[DEFAULT_MODULE_ID].unwrapped()
        trainable = [p for p in module.parameters() if p.requires_grad]
        self.flat = FlatParameters(trainable, self.get_optimizer(DEFAULT_MODULE_ID))
        self.network = network_of(module)
        images = len(module.observation_space.shape) == 3
        self._normalise_ = module.normalise_ if images and isinstance(module, NormalisingPPOModule) else None
        self.distribution = ActionDistribution(action_decoder(module.action_space).parts)
        self._shuffle = stream_generator(self.config.seed, SHUFFLING)
        self._timesteps = 0
        self._floats = _NOTHING
        self._may_compile = bool(self.config.learner_config_dict.get(COMPILED))
        self._compiled: CompiledStep | None = None

    def train_on(self, rollout: Rollout, *, scale: float, timesteps: int) -> dict[str, Any]:
        """One PPO update.

        Args:
            rollout: what the current policy has just sampled.
            scale: factor from stored observations to the network's input.
            timesteps: environment steps sampled so far, for the schedules.

        Returns:
            RLlib's learner results.

        Raises:
            DivergenceError: if a loss, a gradient or a weight is not finite.
        """
        self._timesteps = timesteps
        with torch.no_grad():
            statistics = self._update_epochs(self._training_data(rollout, scale), scale)
        self.metrics.log_dict(statistics, key=DEFAULT_MODULE_ID, window=1)
        # RLlib's own: learning rate and entropy schedules, and the adaptation of the KL coefficient.
        self.after_gradient_based_update(timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: timesteps})
        return dict(self.metrics.reduce())

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: RLlib's way through a batch would not keep the parameters' common buffer in step."""
        raise NotImplementedError("FastPPOLearner.update: expected train_on(rollout), as FastPPO calls it")

    def _training_data(self, rollout: Rollout, scale: float) -> Minibatch:
        """All valid rows with advantages and targets; observations stay as they are stored."""
        obs_tn = rollout.obs_tn.to(self.device)
        values_tn = self._values(obs_tn, scale)
        advantage_tn = advantages(
            rollout.rewards_tn,
            values_tn,
            rollout.terminated_tn,
            rollout.truncated_tn,
            gamma=self.config.gamma,
            lambda_=self.config.lambda_,
        )
        target_tn = advantage_tn + values_tn[:-1]
        valid = rollout.valid_tn
        rows = torch.from_numpy(np.flatnonzero(valid)).to(self.device)
        normalised = self.distribution.normalise(rollout.logits_tn.flatten(0, 1).to(self.device)[rows])
        actions = rollout.actions_tn.flatten(0, 1).to(self.device)[rows]
        return Minibatch(
            obs=obs_tn[:-1].flatten(0, 1).index_select(0, rows),
            actions=actions,
            old_log_prob=self.distribution.log_prob(normalised, actions),
            old_normalised=normalised,
            advantages=torch.from_numpy(standardised(advantage_tn[valid])).to(self.device),
            targets=torch.from_numpy(target_tn[valid]).to(self.device),
        )

    def _values(self, obs_tn: Tensor, scale: float) -> Any:
        """Values [T + 1, N] of the stored observations, in chunks that keep image batches small."""
        chunks = torch.split(obs_tn.flatten(0, 1), 1024)
        values = torch.cat([self.network.value(self._network_input(chunk, scale)) for chunk in chunks])
        return values.reshape(obs_tn.shape[:2]).cpu().numpy()

    def _network_input(self, obs: Tensor, scale: float) -> Tensor:
        """Stored images as floats, always in the same memory: fresh pages cost more than the numbers."""
        if scale == 1.0 and self._normalise_ is None:
            return obs
        if self._floats.shape[1:] != obs.shape[1:] or len(self._floats) < len(obs):
            self._floats = torch.empty(obs.shape, device=obs.device)
        floats = self._floats[: len(obs)].copy_(obs).mul_(scale)
        return floats if self._normalise_ is None else self._normalise_(floats)

    def _update_epochs(self, data: Minibatch, scale: float) -> dict[str, float]:
        """All gradient steps of one update, and what they looked like."""
        weights = self._coefficients()
        compiled = self._compiled_step(data, weights)
        steps: list[tuple[Minibatch, SampleLossTerms]] = []
        norms: list[Tensor] = []
        for batch in self._minibatches(data):
            norm, terms = compiled(batch) if compiled else self._gradient_step(batch, scale, weights)
            norms.append(norm)
            steps.append((batch._replace(obs=_NOTHING), terms))  # images are not kept beyond their epoch
        norm = torch.stack(norms)
        check_finite(self.distribution, steps, norm, weights, weights_finite=self.flat.is_finite())
        last_epoch = steps[-(len(steps) // self.config.num_epochs) :]
        return update_statistics(self.distribution, last_epoch, norm, weights)

    def _gradient_step(
        self, batch: Minibatch, scale: float, weights: Coefficients
    ) -> tuple[Tensor, SampleLossTerms]:
        """One gradient step; gives the gradient's norm before clipping, and the terms of its loss."""
        logits, values, activations = self.network.forward(self._network_input(batch.obs, scale))
        terms = row_terms(self.distribution, logits, values, batch)
        self.network.backward(activations, *output_gradient(self.distribution, terms, batch, weights))
        norm = self.flat.clip(self.config.grad_clip)
        self.flat.adam_step()
        return norm, terms

    def _compiled_step(self, data: Minibatch, weights: Coefficients) -> CompiledStep | None:
        """The same as machine code, where it was asked for and pays."""
        rows = self.config.minibatch_size or len(data.targets)
        if not (self._may_compile and compiles(self.network, rows)):
            return None
        if self._compiled is None:
            try:
                self._compiled = CompiledStep(self.network, self.distribution, self.flat, data)
            except CompilationError as error:
                logger.warning("gradient steps are not compiled: %s", error)
                self._may_compile = False
                return None
        self._compiled.prepare(weights, self.config.grad_clip)
        return self._compiled

    def _minibatches(self, data: Minibatch) -> Iterator[Minibatch]:
        """Minibatches of one exact size; what an epoch leaves over opens the next one, as in RLlib.

        The last minibatch of the last epoch is filled up from one more shuffle.
        """
        rows = data.targets.shape[0]
        size = min(self.config.minibatch_size or rows, rows)
        rest = torch.empty(0, dtype=torch.int64)
        for epoch in range(self.config.num_epochs + 1):
            if epoch == self.config.num_epochs and not len(rest):
                return
            order = torch.cat([rest, self._order(rows)])
            full = len(order) - len(order) % size if epoch < self.config.num_epochs else size
            picked, rest = order[:full].to(self.device), order[full:]
            # Of images `column[picked]` takes eight times as long, element by element.
            columns = [torch.split(column.index_select(0, picked), size) for column in data]
            for slices in zip(*columns, strict=True):
                yield Minibatch(*slices)

    def _order(self, rows: int) -> Tensor:
        if not self.config.shuffle_batch_per_epoch:
            return torch.arange(rows)
        return torch.randperm(rows, generator=self._shuffle)

    def _coefficients(self) -> Coefficients:
        config = self.config
        kl = float(self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID]) if config.use_kl_loss else 0.0
        entropy = self.entropy_coeff_schedulers_per_module[DEFAULT_MODULE_ID].get_current_value()
        return Coefficients(
            clip_param=config.clip_param,
            vf_clip_param=config.vf_clip_param,
            vf_loss_coeff=config.vf_loss_coeff,
            entropy_coeff=float(entropy),
            kl_coeff=kl,
        )

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
        self.flat.load_moments()
        fast = state.get("fast_learner")
        if fast is None:
            return
        self.curr_kl_coeffs_per_module[DEFAULT_MODULE_ID].fill_(fast["kl_coeff"])
        self._shuffle.set_state(torch.from_numpy(np.array(fast["shuffle"])))
        self._timesteps = fast["timesteps"]
        if self._timesteps:
            self.entropy_coeff_schedulers_per_module[DEFAULT_MODULE_ID].update(timestep=self._timesteps)


_NOTHING = torch.empty(0)
