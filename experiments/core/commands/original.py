"""Original of a retraining: the sweep whose best configuration is trained again, as its best.yaml says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from analysis.statistics import Interval
from analysis.sweep import BEST_FILE, BestRecord, DamagedError, NotASweepError, Sweep, load_sweep, read_best
from analysis.verdict import Reproduction, Verdict, reproduce, verdict_on
from experiments.core.declaration import Experiment
from experiments.core.environments import check_named_environment, full_name
from experiments.core.errors import UserError
from experiments.core.program import installed


@dataclass(frozen=True, kw_only=True)
class Original:
    """Configuration that is trained again, and the sweep that it won."""

    sweep: Sweep
    """The sweep, as it was loaded."""
    config_id: str
    """Id of the configuration that is trained again."""
    best: BestRecord
    """The sweep's best.yaml."""

    @classmethod
    def of(cls, folder: Path, experiment_name: str) -> Original:
        """Reads a sweep's best.yaml.

        Raises:
            UserError: The folder is no sweep of this experiment, or has confirmed nothing.
        """
        try:
            sweep = load_sweep(folder)
        except NotASweepError as error:
            raise UserError(f"--retrain: {error}") from error
        found = sweep.manifest.experiment
        if found != experiment_name:
            raise UserError(
                f"--retrain {folder} is a sweep of {found}, not of {experiment_name}: run it from {found}"
            )
        report = shlex.join([installed("python"), "-m", "analysis", "report", str(folder)])
        try:
            best = read_best(folder)
        except DamagedError as error:
            raise UserError(f"--retrain: {error}; {report} writes it anew") from error
        if best is None:
            raise UserError(f"--retrain {folder} has no {BEST_FILE}: {report} writes it")
        original = cls(sweep=sweep, config_id=best.config_id, best=best)
        if original.config_id not in original.verdict.evidence.runs:
            raise UserError(
                f"--retrain {folder}: {best.config_id} was not confirmed, so there is nothing to compare "
                "with; run the sweep's command again with its --name"
            )
        return original

    def check_environment(self, declared: str, *, trust: bool) -> None:
        """Checks the environment that best.yaml names, unless it is the one that the experiment declares.

        Raises:
            UserError: It may not be imported or called, or cannot be.
        """
        if self.best.env not in (declared, full_name(declared)):
            check_named_environment(self.sweep.folder, self.best.env, trust=trust)

    @cached_property
    def verdict(self) -> Verdict:
        """Returns what the sweep's confirmation says."""
        return verdict_on(self.sweep)

    def declared(self, experiment: Experiment) -> Experiment:
        """Returns the experiment as it was when this was trained, whatever it declares today."""
        best = self.best
        budget = replace(
            experiment.budget,
            steps_per_trial=best.training.steps,
            evaluations=best.evaluation.evaluations,
        )
        return replace(
            experiment,
            env=best.env,
            env_parameters=best.env_parameters,
            validation_parameters=self.sweep.manifest.env.validation_parameters,
            test_parameters=best.test_parameters,
            fixed=best.fixed,
            lanes=best.training.lanes,
            evaluation_episodes=best.evaluation.episodes,
            max_evaluation_steps=self.sweep.manifest.evaluation.max_steps,
            budget=budget,
            seed=best.seeds.root,
        )

    def compared(self, retrained: Sequence[float]) -> Reproduction:
        """Returns the new values held against the confirmation's."""
        row = self.verdict.row(self.config_id)
        stated = Interval(float(row["mean_low"]), float(row["mean_high"]))
        return reproduce(self.verdict.evidence.means[self.config_id], retrained, confirmed=stated)
