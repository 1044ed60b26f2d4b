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

from analysis.sweep import SCHEMA_VERSION
from experiments.core.declaration import recorded, schedulers
from experiments.core.planning.plan import Plan
from experiments.core.program import this_command

PACKAGES = ("ray", "torch", "optuna", "gymnasium", "numpy", "pandas", "scipy", "altair")


def manifest_of(plan: Plan) -> dict[str, Any]:
    """Makes the manifest of a sweep that is about to start."""
    experiment, scale = plan.experiment, plan.scale
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": plan.name,
        "sweep": plan.sweep,
        "question": plan.question,
        "env": {
            "id": experiment.env,
            "parameters": recorded(experiment.env_parameters),
            "validation_parameters": recorded(experiment.validation_parameters),
            "test_parameters": recorded(experiment.test_parameters),
            "return_unit": scale.return_unit,
            "floor": scale.floor,
            "floor_policy": scale.floor_policy,
            "optimum": scale.optimum,
            "optimum_source": scale.optimum_source,
            "references": dict(scale.references),
        },
        "space": experiment.space.to_json(),
        "fixed": dict(experiment.fixed),
        "budget": {
            "trials": experiment.budget.trials,
            "steps_per_trial": experiment.budget.steps_per_trial,
            "evaluations": experiment.budget.evaluations,
        },
        "lanes": experiment.lanes,
        "vectorization": experiment.vectorization,
        "resources": asdict(experiment.resources),
        "replicas": {
            "seeds_per_trial": experiment.seeds_per_trial,
            "seed_penalty": experiment.seed_penalty,
            "seed_stride": experiment.lanes,
        },
        "evaluation": {
            "episodes": experiment.evaluation_episodes,
            # Named only where it was declared, so that folders of before there was such a limit go on.
            **(
                {}
                if experiment.max_evaluation_steps is None
                else {"max_steps": experiment.max_evaluation_steps}
            ),
        },
        "confirmation": {
            "top_k": experiment.confirmation.top_k,
            "seeds": experiment.confirmation.maximum,
            "looks": list(experiment.confirmation.interim_analyses),
        },
        "baselines": {name: dict(config) for name, config in plan.baselines.items()},
        "scheduler": schedulers.to_json(experiment.scheduler),
        "sampler": None if isinstance(experiment.scheduler, schedulers.Population) else experiment.sampler,
        "warm_start": None if plan.warm_start is None else plan.warm_start.to_json(),
        "checkpoint_budget_gb": experiment.checkpoint_budget_gb,
        "trainer": plan.options.trainer,
        "compile": plan.options.compile,
        "seeds": plan.seeds.to_json(test_seeds=experiment.confirmation.maximum),
        "command": this_command(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "git": _git(),
    }


START = ("command", "started", "machine", "versions", "git")
"""Entries that say how a sweep was started, and by which code. They stay those of its first start."""


def continued(before: Mapping[str, Any], now: Mapping[str, Any], *, runs: bool) -> dict[str, Any]:
    """Makes the manifest of a sweep that is continued.

    Its entries say what the sweep is asked for by now, and how it was first started. The list `continued` has
    one entry for each later start that ran anything or asked for something else: the names of :data:`START`,
    the `budget` from then on, and in `replaced` the entries that were different until then.

    Args:
        before: The manifest so far; one from before there was such a list will do.
        now: That of the present start, of the same experiment (:func:`difference_of`).
        runs: Whether there is anything to run.
    """
    # Through JSON, in which a tuple is a list.
    asked = {key: value for key, value in json.loads(json.dumps(now)).items() if key not in START}
    replaced = {key: before[key] for key in asked if key in before and before[key] != asked[key]}
    if not (runs or replaced):
        return dict(before)
    start = {key: now[key] for key in (*START, "budget")} | {"replaced": replaced}
    return {**before, **asked, "continued": [*before.get("continued", ()), start]}


ASKED = ("experiment", "env", "space", "fixed", "lanes", "replicas", "evaluation", "trainer", "baselines")
"""Entries that say what is asked: with another value a run's numbers mean something else."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Difference between two manifests that ask different questions."""

    words: str
    """First entry that differs, with both values."""
    undo: str | None
    """Options of the command line that ask the old question; None where none do."""


def difference_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference | None:
    """Returns where two manifests ask different questions; None if they ask the same one."""
    words = first_difference(old.get("experiment"), new["experiment"], "experiment")
    if words is not None:
        return Difference(words=words, undo=None)
    words, undo = _changed_entry(old, new), None
    if words is None:
        return None
    # Options come first, as one of them may change other entries with it.
    for option, (before, now) in _by_option(old, new).items():
        if before not in (None, now):
            words, undo = f"{option} was {before}, now {now}", f"give {option} {before} again"
            break
    # It sets several options at once, and numbers that have none.
    smoke_before, smoke_now = ("--smoke" in str(each.get("command")).split() for each in (old, new))
    if smoke_before != smoke_now:
        undo = "give --smoke again" if smoke_before else "leave out --smoke"
    return Difference(words=words, undo=undo)


def _by_option(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns the question's parts that have an option, by option, in both manifests; None if missing."""
    steps, seeds, root = (
        tuple(manifest.get(entry, {}).get(name) for manifest in (old, new))
        for entry, name in (("budget", "steps_per_trial"), ("replicas", "seeds_per_trial"), ("seeds", "root"))
    )
    found = {
        "--steps-per-trial": steps,
        "--seeds-per-trial": seeds,
        "--seed": root,
        "--trainer": (old.get("trainer"), new.get("trainer")),
    }
    # Any scheduler of a search may continue where another one was.
    if _kind(old) != _kind(new):
        found["--scheduler"] = (_scheduler(old), _scheduler(new))
    return found


def _changed_entry(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Returns the first entry that differs, with both values, in words."""
    compared = {key: (old.get(key), new.get(key)) for key in ASKED}
    for key in ("steps_per_trial", "evaluations"):
        compared[key] = (old.get("budget", {}).get(key), new["budget"][key])
    compared["scheduler"] = (_kind(old), _kind(new))
    compared["seed"] = (old.get("seeds", {}).get("root"), new["seeds"]["root"])
    for key, (before, now) in compared.items():
        # Through JSON, in which a tuple is a list.
        difference = first_difference(before, json.loads(json.dumps(now)), key)
        if difference is not None:
            return difference
    return None


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
        return f"{path} was {_shown(before)}, now {_shown(now)}"
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(manifest: Mapping[str, Any]) -> str:
    """Returns the scheduler that trains a population, whose trials are no answer to a search's question."""
    name = _scheduler(manifest)
    return str(name) if name in schedulers.POPULATIONS else "one for a search"


def _scheduler(manifest: Mapping[str, Any]) -> Any:
    """Returns the scheduler's name; None if the manifest has none."""
    scheduler = manifest.get("scheduler")
    return scheduler.get("name") if isinstance(scheduler, Mapping) else scheduler


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


def _git() -> dict[str, Any]:
    """Returns the commit, and a hash of what differs from it: equal hashes mean equal tracked files."""
    commit = _git_output("rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": None, "diff_sha256": None}
    diff = _git_output("diff", "HEAD", "--binary")
    return {
        "commit": commit,
        "dirty": bool(_git_output("status", "--porcelain")),
        "diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else None,
    }


def _git_output(*arguments: str) -> str | None:
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=here, capture_output=True, text=True, errors="replace", timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
