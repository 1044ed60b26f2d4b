"""Original of a retraining: the sweep whose best configuration is trained again, as its best.yaml says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from analysis.statistics import Interval
from analysis.sweep import BEST_FILE, SCHEDULE, NotASweepError, Sweep, load_sweep
from analysis.verdict import Reproduction, Verdict, reproduce, verdict_on
from experiments.core.declaration import Experiment
from experiments.core.errors import UserError
from experiments.core.program import installed

_NEEDED = (
    "config_id", "configuration", "env", "env_parameters", "test_parameters", "fixed", "training.steps",
    "training.lanes", "training.trainer", "evaluation.episodes", "evaluation.evaluations", "seeds.root",
)  # fmt: skip
"""What is read of a best.yaml."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """Configuration that is trained again, and the sweep that it won."""

    sweep: Sweep
    """The sweep, as it was loaded."""
    config_id: str
    """Id of the configuration that is trained again."""
    best: Mapping[str, Any]
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
        found = sweep.manifest.get("experiment")
        if found != experiment_name:
            raise UserError(
                f"--retrain {folder} is a sweep of {found}, not of {experiment_name}: run it from {found}"
            )
        report = shlex.join([installed("python"), "-m", "analysis", "report", str(folder)])
        try:
            best = yaml.safe_load((folder / BEST_FILE).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(f"--retrain {folder} has no readable {BEST_FILE}: {report} writes it") from error
        lacking = [name for name in _NEEDED if not _has(best, name)]
        if lacking:
            raise UserError(
                f"--retrain {folder}: its {BEST_FILE} lacks {', '.join(lacking)}; {report} writes it again"
            )
        original = cls(sweep=sweep, config_id=best["config_id"], best=best)
        if original.config_id not in original.verdict.evidence.runs:
            raise UserError(
                f"--retrain {folder}: {best['config_id']} was not confirmed, so there is nothing to compare "
                "with; run the sweep's command again with its --name"
            )
        return original

    @cached_property
    def verdict(self) -> Verdict:
        """Returns what the sweep's confirmation says."""
        return verdict_on(self.sweep)

    @property
    def trained(self) -> dict[str, Any]:
        """Returns the configuration, with the schedule by which it changes if it was a population's."""
        changes = self.best.get(SCHEDULE)
        if not changes:
            return dict(self.best["configuration"])
        schedule = [
            {
                "steps": change["from_step"],
                "configuration": {n: v for n, v in change.items() if n != "from_step"},
            }
            for change in changes
        ]
        return {**self.best["configuration"], SCHEDULE: schedule}

    def declared(self, experiment: Experiment) -> Experiment:
        """Returns the experiment as it was when this was trained, whatever it declares today."""
        best = self.best
        budget = replace(
            experiment.budget,
            steps_per_trial=best["training"]["steps"],
            evaluations=best["evaluation"]["evaluations"],
        )
        return replace(
            experiment,
            env=best["env"],
            env_parameters=best["env_parameters"],
            validation_parameters=self.sweep.manifest.get("env", {}).get("validation_parameters", {}),
            test_parameters=best["test_parameters"],
            fixed=best["fixed"],
            lanes=best["training"]["lanes"],
            evaluation_episodes=best["evaluation"]["episodes"],
            budget=budget,
            seed=best["seeds"]["root"],
        )

    def compared(self, retrained: Sequence[float]) -> Reproduction:
        """Returns the new values held against the confirmation's."""
        row = self.verdict.row(self.config_id)
        stated = Interval(float(row["mean_low"]), float(row["mean_high"]))
        return reproduce(self.verdict.evidence.means[self.config_id], retrained, confirmed=stated)


def _has(values: Any, name: str) -> bool:
    """Returns whether nested mappings have a value under a name with dots."""
    first, _, rest = name.partition(".")
    return isinstance(values, dict) and first in values and (not rest or _has(values[first], rest))
