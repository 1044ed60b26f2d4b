"""The best policy of a sweep, for use in one's own program: seconds to load, and Ray never starts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from gymnasium.vector.utils import concatenate, create_empty_array, iterate

from analysis.loading import NotASweepError, Sweep, load_sweep
from analysis.schema import Phase
from analysis.verdict import decide
from experiments.core.environments import make_vector
from experiments.core.errors import UserError
from experiments.core.evaluation import Policy

_MODULE = Path("learner_group", "learner", "rl_module", "default_policy")


@dataclass(frozen=True, kw_only=True)
class TrainedPolicy:
    """A trained policy that always takes its best action."""

    run: str
    """The run it comes from."""
    score: float
    """That run's score, on seeds it was not trained on."""
    env: str
    """The environment it was trained in."""
    env_parameters: Mapping[str, Any]
    """That environment's keywords."""
    act: Policy
    """The network: observations [N, ...] to actions [N, ...]."""

    def compute_actions(self, observations: Any) -> Any:
        """The best action for each observation of a batch, in the environment's own spaces."""
        return self.act(observations)

    def compute_action(self, observation: Any) -> Any:
        """The best action for one observation."""
        return self.act(np.asarray(observation)[None])[0]


def load(folder: str | Path) -> TrainedPolicy:
    """Loads the best run of the configuration that the sweep's verdict chose.

    Args:
        folder: A sweep folder. Of the chosen configuration's confirmation runs the best one is taken; while
            nothing is confirmed, the best run of the search.

    Raises:
        UserError: The folder is not a sweep, or the run has no checkpoint.
    """
    try:
        sweep = load_sweep(folder)
    except NotASweepError as error:
        raise UserError(str(error)) from error
    run, score = _best_run(Path(folder), sweep)
    checkpoints = sorted(run.glob("checkpoint_*"))
    if not checkpoints:
        raise UserError(f"{run.name} has no checkpoint: run the sweep's command again with its --name")
    env = sweep.manifest["env"]
    # A policy is shown where it was confirmed.
    parameters = {**env["parameters"], **env.get("test_parameters", {})}
    return TrainedPolicy(
        run=run.name,
        score=score,
        env=env["id"],
        env_parameters=parameters,
        act=_network(checkpoints[-1], env["id"], parameters),
    )


def _best_run(folder: Path, sweep: Sweep) -> tuple[Path, float]:
    verdict = decide(sweep.confirmation, sweep.trials, scale=sweep.scale)
    if verdict.chosen is not None:
        runs, phase = sweep.confirmation[sweep.confirmation["config_id"] == verdict.chosen], Phase.CONFIRM
    else:
        runs, phase = sweep.trials, Phase.SEARCH
    finished = runs.dropna(subset=["objective"])
    if finished.empty:
        raise UserError(f"{folder} has no finished run: run its command again with its --name")
    best = finished.sort_values("objective").iloc[-1]
    return folder / phase / str(best["trial_id"]), float(best["objective"])


def _network(checkpoint: Path, env_id: str, env_parameters: Mapping[str, Any]) -> Policy:
    """The greedy policy of a checkpoint; nothing of Ray but its module classes is touched."""
    from ray.rllib.core.rl_module.rl_module import RLModule

    from experiments.core.fast_ppo.inference import module_policy

    module = RLModule.from_checkpoint((checkpoint / _MODULE).absolute().as_posix())
    env = make_vector(env_id, env_parameters, 1)
    try:
        return module_policy(module, env.single_observation_space, env.single_action_space)
    finally:
        env.close()


def serve(folder: str, questions: TextIO, answers: TextIO) -> None:
    """Answers observations with actions, one JSON value a line, until the questions end.

    The protocol is that of `envs.play`, which knows nothing of trainers: first the environment and its
    parameters, then `{"action": [...]}` for each `{"observation": [...]}`, both as the space's own JSON.

    Args:
        folder: A sweep folder.
        questions: One observation a line.
        answers: Where to write.
    """

    def answer(value: Mapping[str, Any]) -> None:
        print(json.dumps(value), file=answers, flush=True)

    try:
        policy = load(folder)
    except UserError as error:
        answer({"error": str(error)})
        return
    env = make_vector(policy.env, policy.env_parameters, 1)
    observations, actions = env.single_observation_space, env.single_action_space
    answer({"env": policy.env, "parameters": dict(policy.env_parameters)})
    for line in questions:
        batch = observations.from_jsonable(json.loads(line)["observation"])
        stacked = concatenate(observations, batch, create_empty_array(observations, n=1))
        chosen = policy.compute_actions(stacked)
        answer({"action": actions.to_jsonable([next(iter(iterate(env.action_space, chosen)))])})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder]:
            serve(folder, sys.stdin, sys.stdout)
        case _:
            sys.exit("error: expected: python -m experiments.core.policy serve FOLDER")
