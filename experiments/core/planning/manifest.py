"""Manifest of a sweep: all that is needed to understand its numbers and to run it again, as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from analysis.sweep import (
    BudgetRecord,
    ConfirmationRecord,
    EnvRecord,
    EvaluationRecord,
    GitRecord,
    HyperparameterRecord,
    Manifest,
    ReplicasRecord,
    SeedsRecord,
    StartRecord,
)
from analysis.text import shortened
from experiments.core.declaration import recorded, schedulers
from experiments.core.planning.plan import Plan
from experiments.core.program import program_file, this_command

PACKAGES = ("ppo-sweeps", "ray", "torch", "optuna", "gymnasium", "numpy", "pandas", "scipy", "altair")


def manifest_of(plan: Plan) -> Manifest:
    """Makes the manifest of a sweep that is about to start."""
    experiment, scale = plan.experiment, plan.scale
    return Manifest(
        experiment=plan.name,
        sweep=plan.sweep,
        question=plan.question,
        env=EnvRecord(
            id=experiment.env,
            parameters=recorded(experiment.env_parameters),
            validation_parameters=recorded(experiment.validation_parameters),
            test_parameters=recorded(experiment.test_parameters),
            return_unit=scale.return_unit,
            floor=scale.floor,
            floor_policy=scale.floor_policy,
            optimum=scale.optimum,
            optimum_source=scale.optimum_source,
            references=dict(scale.references),
        ),
        space=msgspec.convert(experiment.space.to_json(), dict[str, HyperparameterRecord]),
        fixed=dict(experiment.fixed),
        budget=BudgetRecord(**asdict(experiment.budget)),
        lanes=experiment.lanes,
        vectorization=experiment.vectorization,
        resources=asdict(experiment.resources),
        replicas=ReplicasRecord(
            seeds_per_trial=experiment.seeds_per_trial,
            seed_penalty=experiment.seed_penalty,
            seed_stride=experiment.lanes,
        ),
        evaluation=EvaluationRecord(
            episodes=experiment.evaluation_episodes, max_steps=experiment.max_evaluation_steps
        ),
        confirmation=ConfirmationRecord(
            top_k=experiment.confirmation.top_k,
            seeds=experiment.confirmation.maximum,
            looks=list(experiment.confirmation.interim_analyses),
            minimal_effect=experiment.confirmation.minimal_effect,
            max_collapse=experiment.confirmation.max_collapse,
            ablation=experiment.confirmation.ablation,
        ),
        baselines={name: dict(config) for name, config in plan.baselines.items()},
        scheduler=schedulers.to_json(experiment.scheduler),
        sampler=None if isinstance(experiment.scheduler, schedulers.Population) else experiment.sampler,
        warm_start=plan.warm_start,
        checkpoint_budget_gb=experiment.checkpoint_budget_gb,
        trainer=plan.options.trainer,
        seeds=SeedsRecord(
            **plan.seeds.to_json(test_seeds=experiment.confirmation.maximum), looks=plan.look.looks
        ),
        command=this_command(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        git=_git(SUITE),
        program_git=_program_git(),
    )


SUITE = Path(__file__).parent
ROOT = ("rev-parse", "--show-toplevel")
"""What asks git for the folder of a repository."""
START = ("command", "started", "machine", "versions", "git", "program_git")
"""Entries that say how a sweep was started, and by which code. They stay those of its first start."""


def continued(before: Manifest, now: Manifest, *, runs: bool) -> Manifest:
    """Makes the manifest of a sweep that is continued.

    Its entries say what the sweep is asked for by now, and how it was first started. A later start is listed
    if it ran anything or asked for something else.

    Args:
        before: The manifest so far.
        now: That of the present start, of the same experiment (:func:`difference_of`).
        runs: Whether there is anything to run.
    """
    old, new = before.to_json(), now.to_json()
    replaced = {key: old[key] for key in new if key not in START and old[key] != new[key]}
    if not (runs or replaced):
        return before
    start = StartRecord(**{key: getattr(now, key) for key in START}, budget=now.budget, replaced=replaced)
    first = {key: getattr(before, key) for key in (*START, "added")}
    return msgspec.structs.replace(now, **first, continued=[*before.continued, start])


ASKED = ("experiment", "env", "space", "fixed", "lanes", "replicas", "evaluation", "trainer", "baselines")
"""Entries that say what is asked: with another value a run's numbers mean something else."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Difference between two manifests that ask different questions."""

    words: str
    """First entry that differs, with both values."""
    undo: str | None
    """Options of the command line that ask the old question; None where none do."""


def difference_of(old: Manifest, new: Manifest) -> Difference | None:
    """Returns where two manifests ask different questions; None if they ask the same one."""
    words = first_difference(old.experiment, new.experiment, "experiment")
    if words is not None:
        return Difference(words=words, undo=None)
    words, undo = _changed_entry(old, new), None
    if words is None:
        return None
    # Options come first, as one of them may change other entries with it.
    for option, (before, now) in _by_option(old, new).items():
        if before != now:
            words, undo = f"{option} was {before}, now {now}", f"give {option} {before} again"
            break
    # It sets several options at once, and numbers that have none.
    smoke_before, smoke_now = ("--smoke" in each.command.split() for each in (old, new))
    if smoke_before != smoke_now:
        undo = "give --smoke again" if smoke_before else "leave out --smoke"
    return Difference(words=words, undo=undo)


def _by_option(old: Manifest, new: Manifest) -> dict[str, tuple[Any, Any]]:
    """Returns the question's parts that have an option, by option, in both manifests."""
    found: dict[str, tuple[Any, Any]] = {
        "--steps-per-trial": (old.budget.steps_per_trial, new.budget.steps_per_trial),
        "--seeds-per-trial": (old.replicas.seeds_per_trial, new.replicas.seeds_per_trial),
        "--seed": (old.seeds.root, new.seeds.root),
        "--trainer": (old.trainer, new.trainer),
    }
    # Any scheduler of a search may continue where another one was.
    if _kind(old) != _kind(new):
        found["--scheduler"] = (old.scheduler_name, new.scheduler_name)
    return found


def _changed_entry(old: Manifest, new: Manifest) -> str | None:
    """Returns the first entry that differs, with both values, in words."""
    before, now = old.to_json(), new.to_json()
    compared = {key: (before[key], now[key]) for key in ASKED}
    for key in ("steps_per_trial", "evaluations"):
        compared[key] = (getattr(old.budget, key), getattr(new.budget, key))
    compared["scheduler"] = (_kind(old), _kind(new))
    compared["seed"] = (old.seeds.root, new.seeds.root)
    differences = (first_difference(*values, key) for key, values in compared.items())
    return next((words for words in differences if words is not None), None)


def first_difference(before: Any, now: Any, path: str) -> str | None:
    """Returns the first entry in which two JSON values differ, with both values, in words; None if equal."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in [*before, *(key for key in now if key not in before)]:
            if key not in now:
                return f"{path} had {key}"
            if key not in before:
                return f"{path} now has {key}"
            difference = first_difference(before[key], now[key], f"{path} {key}")
            if difference is not None:
                return difference
    elif before != now:
        return f"{path} was {shortened(json.dumps(before))}, now {shortened(json.dumps(now))}"
    return None


def _kind(manifest: Manifest) -> str:
    """Returns the scheduler that trains a population, whose trials are no answer to a search's question."""
    name = manifest.scheduler_name
    return name if name in schedulers.POPULATIONS else "one for a search"


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "platform": platform.platform(),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _program_git() -> GitRecord:
    """Returns the state of the repository that the program's file lies in, where that is not the suite's."""
    file = program_file()
    if file is None or _git_output(SUITE, *ROOT) == _git_output(file.parent, *ROOT):
        return GitRecord()
    return _git(file.parent)


def _git(folder: Path) -> GitRecord:
    """Returns the commit, and a hash of what differs from it: equal hashes mean equal tracked files."""
    commit = _git_output(folder, "rev-parse", "HEAD")
    if commit is None:
        return GitRecord()
    diff = _git_output(folder, "diff", "HEAD", "--binary")
    return GitRecord(
        commit=commit,
        dirty=bool(_git_output(folder, "status", "--porcelain")),
        diff_sha256=hashlib.sha256(diff.encode()).hexdigest() if diff else None,
    )


def _git_output(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder, capture_output=True, text=True, errors="replace", timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
