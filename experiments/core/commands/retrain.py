"""Does a sweep's best configuration hold on seeds that nobody has used? Trains it again and compares."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from ray.tune.schedulers import FIFOScheduler
from rich.console import Console

from analysis.statistics import Interval
from analysis.sweep import (
    BEST_FILE,
    RETRAIN_FOLDER,
    SCHEDULE,
    STATE_FILE,
    NotASweepError,
    Phase,
    Sweep,
    load_sweep,
    run_name,
)
from analysis.text import counted
from analysis.verdict import Reproduction, Verdict, reproduce, values_by_seed, verdict_on
from experiments.core.commands.interrupt import graceful_interrupt
from experiments.core.commands.sweep import EXIT_ALL_FAILED
from experiments.core.declaration import INDICES, Experiment
from experiments.core.errors import UserError
from experiments.core.planning import Options, Plan, manifest_of, score_of_diverged
from experiments.core.records import (
    finished_runs,
    sole_use,
    this_command,
    tidy,
    write_manifest,
    write_reproduction,
)
from experiments.core.terminal import SweepProgress, open_console, print_damaged, shown
from experiments.core.tuning import Interruption, ListedSearch, Recorder, connected, train_all

_NEEDED = (
    "config_id", "configuration", "env", "env_parameters", "test_parameters", "fixed", "training.steps",
    "training.lanes", "training.trainer", "evaluation.episodes", "evaluation.evaluations", "seeds.root",
)  # fmt: skip
"""What is read of a best.yaml."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """What is trained again."""

    sweep: Sweep
    config_id: str
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
        try:
            best = yaml.safe_load((folder / BEST_FILE).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(
                f"--retrain {folder} has no readable {BEST_FILE}: python -m analysis report {folder} "
                "writes it"
            ) from error
        lacking = [name for name in _NEEDED if not _has(best, name)]
        if lacking:
            raise UserError(
                f"--retrain {folder}: its {BEST_FILE} lacks {', '.join(lacking)}; python -m analysis report "
                f"{folder} writes it anew"
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
        """What the sweep's confirmation says."""
        return verdict_on(self.sweep)

    @property
    def trained(self) -> dict[str, Any]:
        """The configuration, with the schedule by which it changes if it was a population's."""
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
        """The experiment as it was when this was trained, whatever it declares today."""
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
        """New values against the confirmation's."""
        row = self.verdict.row(self.config_id)
        stated = Interval(float(row["mean_low"]), float(row["mean_high"]))
        return reproduce(self.verdict.evidence.means[self.config_id], retrained, confirmed=stated)


def retrain(experiment: Experiment, options: Options, *, name: str, question: str) -> int:
    """Trains a sweep's best configuration from scratch on new test seeds and says whether it holds.

    The runs and `reproduction.json` are kept in `retrain/<configuration>_<seeds>` below the sweep, a folder
    that the analysis of the sweep itself does not read and `analysis.sweep.loading.load_sweep` can. The same
    command again runs only what is missing.

    Raises:
        UserError: The folder or the seeds cannot be used; nothing was written.
    """
    assert options.retrain is not None
    assert options.seeds is not None
    original = Original.of(options.retrain.expanduser().absolute(), name)
    indices = read_seeds(options.seeds)
    used = set(original.sweep.confirmation["test_seed"].dropna().astype(int))
    overlap = sorted(used & set(indices))
    if overlap:
        first = max(200, max(used) + 1)
        others = f"{first}" if len(indices) == 1 else f"{first}-{first + len(indices) - 1}"
        raise UserError(
            f"--seeds {options.seeds}: the confirmation used {', '.join(map(str, overlap))} already; "
            f"expected others, such as {others}"
        )
    plan = Plan(
        experiment=original.declared(experiment),
        name=name,
        question=question,
        options=replace(options, trainer=original.best["training"]["trainer"]),
        sweep=f"{original.config_id}_{options.seeds}",
    )
    folder = original.sweep.folder / RETRAIN_FOLDER / plan.sweep
    console = open_console(quiet=options.quiet)
    console.print(
        f"{original.config_id} of {shown(original.sweep.folder)}: {counted(len(indices), 'run')} of "
        f"{counted(plan.experiment.budget.steps_per_trial, 'step')} on test seeds {options.seeds}"
    )
    interruption = Interruption()
    with sole_use(folder, way_out="choose other --seeds"):
        _train(plan, original, indices, folder, console, interruption)
    retrained = values_by_seed(load_sweep(folder).confirmation).get(original.config_id)
    if interruption.requested:
        console.print(f"stopped; to go on where it was: {this_command()}", soft_wrap=True)
        return interruption.exit_code
    if retrained is None:
        print(
            f"error: every run failed; their causes are in {shown(folder)}/{Phase.CONFIRM}/*/{STATE_FILE}",
            file=sys.stderr,
        )
        return EXIT_ALL_FAILED
    found = original.compared(retrained.tolist())
    values = {str(k): value for k, value in retrained.items()}
    judged = {"within_confirmed": found.within_confirmed, "within_expected": found.within_expected}
    write_reproduction(folder, {"values": values, **asdict(found), **judged})
    said = sentence(found, len(retrained))
    Console(highlight=False).print(f"\n{said}", style="bold", markup=False, soft_wrap=True)
    console.print(f"runs: {shown(folder)}", soft_wrap=True)
    return 0


def _has(values: Any, name: str) -> bool:
    """Whether nested mappings have a value under a name with dots."""
    first, _, rest = name.partition(".")
    return isinstance(values, dict) and first in values and (not rest or _has(values[first], rest))


def read_seeds(text: str) -> list[int]:
    """Test seeds from numbers and ranges.

    Args:
        text: For example "200-209" or "200,205,210-214".

    Raises:
        UserError: It is none, a number is too large, or one is named twice.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        numbers = [first, last] if dash else [first, first]
        if not all(number.isdecimal() and int(number) < INDICES for number in numbers):
            raise UserError(
                f"--seeds {text}: expected numbers from 0 to {INDICES - 1} and ranges, such as 200-209"
            )
        found += range(int(numbers[0]), int(numbers[1]) + 1)
    if not found or len(set(found)) < len(found):
        raise UserError(f"--seeds {text}: expected at least one seed and each only once, such as 200-209")
    return found


def sentence(found: Reproduction, runs: int) -> str:
    """What a comparison means, in words."""
    opening = f"Retrained on {counted(runs, 'new seed')}: {found.mean:.3f}"
    low, high = found.confirmed
    if not low <= high:
        return (
            f"{opening}, against {found.confirmed_mean:.3f} in the confirmation. One confirmation run does "
            "not say how far seeds scatter, so nothing follows."
        )
    place = "within" if found.within_confirmed else "outside"
    opening += (
        f", {place} the confirmed interval [{low:.3f}, {high:.3f}] "
        f"(confirmed mean {found.confirmed_mean:.3f})."
    )
    low, high = found.expected
    expected = f"the mean of {counted(runs, 'new run')} is expected in [{low:.3f}, {high:.3f}]"
    if found.within_expected:
        return f"{opening} Reproduced: {expected}."
    return f"{opening} Not reproduced: {expected}."


def _train(
    plan: Plan,
    original: Original,
    indices: Sequence[int],
    folder: Path,
    console: Console,
    interruption: Interruption,
) -> None:
    """Trains what the folder does not hold yet."""
    task = plan.task(diverged_score=score_of_diverged(plan))
    print_damaged(console, folder / Phase.CONFIRM)
    tidy(folder / Phase.CONFIRM)
    there = {run.name for run in finished_runs(folder / Phase.CONFIRM)}
    runs: list[dict[str, Any]] = [
        {
            **original.trained,
            "config_id": original.config_id,
            "seed": plan.seeds.test_training(k),
            "test_seed": k,
        }
        for k in indices
    ]
    runs = [run for run in runs if run_name(run) not in there]
    if not runs:
        return
    _write_manifest(plan, indices, folder)
    options = plan.options
    progress = SweepProgress(console, totals={Phase.CONFIRM: len(runs)})
    recorder = Recorder(folder / Phase.CONFIRM, task.steps, progress)
    with connected(cores=plan.cores, debug=options.debug) as available, progress:
        progress.begin(Phase.CONFIRM, len(runs))
        with graceful_interrupt(interruption) as recorders:
            recorders.append(recorder)
            train_all(
                folder, Phase.CONFIRM, task, ListedSearch(runs), FIFOScheduler(),
                runs=len(runs), concurrency=plan.concurrency(available),
                callbacks=[recorder], interruption=interruption,
            )  # fmt: skip


def _write_manifest(plan: Plan, indices: Sequence[int], folder: Path) -> None:
    seeds = {
        "root": plan.seeds.root,
        "test_seeds": list(indices),
        "test_training": [plan.seeds.test_training(k) for k in indices],
        "test_evaluation": [plan.seeds.test_evaluation(k) for k in indices],
    }
    try:
        write_manifest(folder, manifest_of(plan) | {"seeds": seeds})
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from error
