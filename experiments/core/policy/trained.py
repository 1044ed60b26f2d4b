"""Trained policy of a sweep for use in one's own program: loaded in a second, without torch and Ray."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import pandas as pd
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import create_empty_array

from analysis.sweep import (
    COUNTED,
    POLICY_FILE,
    SEEDS_PREFIX,
    DamagedError,
    NotASweepError,
    Phase,
    State,
    Sweep,
    checkpoints_in,
    load_sweep,
    read_best,
    replica_folders,
)
from envs.lanes import described
from envs.spaces import ActionDecoder, EncodedVectorEnv, ObservationEncoder, collate, member
from experiments.core.environments import (
    Policy,
    check_named_environment,
    episode_limit,
    find_as_before,
    make_plain_vector,
    make_vector,
)
from experiments.core.errors import UserError
from experiments.core.policy.exported import read_policy
from experiments.core.policy.numpy_policy import exported_policy

_MODULE = Path("learner_group", "learner", "rl_module", "default_policy")


@dataclass(frozen=True, kw_only=True)
class TrainedPolicy:
    """Trained policy that always takes its best action."""

    run: str
    """The run it comes from."""
    phase: Phase
    """That run's part of the sweep: the search while the chosen configuration is not confirmed."""
    score: float
    """That run's score, on seeds it was not trained on."""
    env: str
    """The environment it was trained in."""
    env_parameters: Mapping[str, Any]
    """That environment's keywords."""
    most_steps: int
    """Steps after which an episode is over in the sweep's evaluations, by itself or because it is cut off."""
    observation_space: gym.Space[Any]
    """The environment's own space of one observation."""
    action_space: gym.Space[Any]
    """The environment's own space of one action."""
    act: Policy
    """The network, in the spaces it was trained in: observations [N, ...] to actions [N, ...]."""
    encoder: ObservationEncoder | None
    """From the environment's own observations to the network's; None where they are the same."""
    decoder: ActionDecoder | None
    """From the network's actions to the environment's own; None where they are the same."""

    def compute_actions(self, observations: Any) -> Any:
        """Computes the best action for each observation of a batch, both in the environment's own spaces.

        Args:
            observations: A batch as the environment's vector form observes it; or single observations by
                names that are no parts of the space, such as `{"first": o, "second": o}`.

        Returns:
            A batch of actions; for single observations by name, single actions by the same names.
        """
        if isinstance(observations, Mapping) and not self._is_batch(observations):
            batch = collate(self.observation_space, list(observations.values()))
            actions = self.compute_actions(batch) if observations else None
            return {name: member(self.action_space, actions, i) for i, name in enumerate(observations)}
        if self.encoder is not None:
            length = batch_length(self.observation_space, observations)
            observations = self.encoder.encode_batch(observations, length)
        actions = self.act(observations)
        return actions if self.decoder is None else self.decoder.decode_batch(actions)

    def _is_batch(self, observations: Mapping[Any, Any]) -> bool:
        """Returns whether a mapping is a batch of the space: one of its parts, by their names."""
        return isinstance(self.observation_space, gym.spaces.Dict) and set(observations) == set(
            self.observation_space
        )

    def compute_action(self, observation: Any) -> Any:
        """Computes the best action for one observation, both in the environment's own spaces."""
        actions = self.compute_actions(collate(self.observation_space, [observation]))
        return member(self.action_space, actions, 0)


def load_policy(folder: str | Path, *, trust: bool = False) -> TrainedPolicy:
    """Loads the best run of the configuration that the sweep's verdict chose.

    The folder may be a stranger's: of the run's checkpoint its weights are read and no code. Neither torch
    nor RLlib is imported.

    Args:
        folder: A sweep folder. Of the chosen configuration's confirmation runs the best one is taken that was
            completed and has its checkpoint; while nothing is confirmed, the best such run of the search, for
            which one that was stopped early will do.
        trust: Whether code that lies in the folder may run. A checkpoint without an exported policy, of an
            earlier release or of a network of one's own, is unpickled then, through RLlib.

    Raises:
        UserError: The folder is not a sweep, there is no such run, or its checkpoint cannot be read.
    """
    try:
        sweep = load_sweep(folder)
    except NotASweepError as error:
        raise UserError(str(error)) from error
    find_as_before(sweep.manifest)
    check_named_environment(sweep.folder, sweep.manifest.env.id, trust=trust)
    run, best = _best_run(Path(folder), sweep)
    checkpoint = checkpoints_in(run)[-1]
    manifest = sweep.manifest
    env = manifest.env
    # A policy is shown where it was confirmed.
    parameters = {**env.parameters, **env.test_parameters}
    with (
        closing(make_vector(env.id, parameters, 1)) as trained,
        closing(make_plain_vector(env.id, parameters, 1)) as plain,
    ):
        spaces = plain.single_observation_space, plain.single_action_space
    cut_off = manifest.evaluation.max_steps or manifest.budget.steps_per_trial
    coder = trained if isinstance(trained, EncodedVectorEnv) else None
    return TrainedPolicy(
        run=run.name,
        phase=Phase(best["phase"]),
        score=float(best["objective"]),
        env=env.id,
        env_parameters=parameters,
        most_steps=episode_limit(env.id, parameters, cut_off),
        observation_space=spaces[0],
        action_space=spaces[1],
        act=_readable_network(run, _replica(checkpoint, best), trained, trust=trust),
        encoder=None if coder is None else coder.encoder,
        decoder=None if coder is None else coder.decoder,
    )


def _best_run(folder: Path, sweep: Sweep) -> tuple[Path, pd.Series[Any]]:
    """Returns the folder of the run to take, and its row.

    Raises:
        UserError: No run has ended as it should and kept its checkpoint.
    """
    chosen = _chosen(sweep)
    runs, phase = sweep.confirmation[sweep.confirmation["config_id"] == chosen], Phase.CONFIRM
    usable: tuple[State, ...] = (State.COMPLETED,)
    if not runs["state"].isin(COUNTED).any():
        runs, phase, usable = sweep.trials, Phase.SEARCH, (State.COMPLETED, State.PRUNED)
    # The search keeps as many checkpoints as its budget of disk allows, and a kill may take anyone's.
    candidates = runs[runs["state"].isin(usable)].dropna(subset=["objective"])
    candidates = candidates[[bool(checkpoints_in(folder / phase / r)) for r in candidates["trial_id"]]]
    if candidates.empty:
        whose = f"confirmation run of {chosen}" if phase is Phase.CONFIRM else "run of the search"
        ends = ", ".join(f"{count} {state}" for state, count in runs["state"].value_counts().items())
        raise UserError(
            f"{folder}: no {whose} is completed and has a checkpoint ({ends or 'there is none'}): run the "
            "sweep's command again with its --name, which trains what is missing; a run whose checkpoint is "
            "lost is missing once its folder is removed"
        )
    best = candidates.sort_values("objective").iloc[-1]
    return folder / phase / str(best["trial_id"]), best


def _replica(checkpoint: Path, best: pd.Series[Any]) -> Path:
    """Returns the folder of RLlib's checkpoint: of several seeds in one trial, that of the best one."""
    scores = {
        folder: float(best[f"{SEEDS_PREFIX}score_{number}"])
        for number, folder in enumerate(replica_folders(checkpoint))
    }
    return max(scores, key=lambda folder: scores[folder]) if scores else checkpoint


def _chosen(sweep: Sweep) -> str | None:
    """Returns the configuration that the verdict chose, as in best.yaml, or decided now if there is none."""
    with suppress(DamagedError):
        if (best := read_best(sweep.folder)) is not None:
            return best.config_id
    # SciPy takes half a second to import, which loading a policy can do without.
    from analysis.verdict import verdict_on

    return verdict_on(sweep).chosen


def batch_length(space: gym.Space[Any], batch: Any) -> int:
    """Returns the number of members of a batch of a space."""
    if isinstance(space, gym.spaces.Dict):
        name = next(iter(space))
        return batch_length(space[name], batch[name])
    if isinstance(space, gym.spaces.Tuple):
        return batch_length(space[0], batch[0])
    return len(batch)


def _readable_network(run: Path, checkpoint: Path, env: VectorEnv[Any, Any, Any], *, trust: bool) -> Policy:
    """Returns the policy of a run's checkpoint, tried out once.

    Raises:
        UserError: It cannot be read, or does not fit the environment.
    """
    spaces = env.single_observation_space, env.single_action_space
    try:
        policy = _network(checkpoint, *spaces, trust=trust)
        policy(create_empty_array(spaces[0], n=1))
    except UserError:
        raise
    except Exception as error:  # what a damaged checkpoint, or one of other versions, may raise is anything
        raise UserError(
            f"{checkpoint}: no policy can be read from it, as it is damaged or other versions wrote it "
            f"({described(error)}); remove {run} and run the sweep's command again with its --name, which "
            "trains what is missing"
        ) from error
    return policy


def _network(
    checkpoint: Path, observations: gym.Space[Any], actions: gym.Space[Any], *, trust: bool
) -> Policy:
    """Returns the greedy policy of a checkpoint.

    Raises:
        UserError: Reading it could run code, and the folder is not trusted.
    """
    exported = read_policy(checkpoint)
    if exported is not None:
        return exported_policy(exported, observations, actions)
    if trust:
        return _through_rllib(checkpoint / _MODULE, observations, actions)
    raise UserError(
        f"{checkpoint} has no {POLICY_FILE}: an earlier release wrote it, or its network is of a class of "
        "its own, and reading it would run whatever code lies in it; if the folder is yours, say --trust, or "
        "trust=True in Python"
    )


def _through_rllib(folder: Path, observations: gym.Space[Any], actions: gym.Space[Any]) -> Policy:
    """Returns the greedy policy of any module; nothing of Ray but its module classes is touched."""
    # Importing torch and RLlib takes seconds.
    from ray.rllib.core.rl_module.rl_module import RLModule

    from experiments.core.fast_ppo import module_policy

    before = logging.root.manager.disable
    # RLlib warns of its own way to call itself.
    logging.disable(logging.WARNING)
    try:
        module = RLModule.from_checkpoint(folder.absolute().as_posix())
    finally:
        logging.disable(before)
    return module_policy(module, observations, actions)
