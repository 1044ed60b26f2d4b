"""What a sweep was: everything needed to understand its numbers and to run it again, as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.schema import SCHEMA_VERSION
from experiments.core import schedulers
from experiments.core.plan import Plan

PACKAGES = ("ray", "torch", "optuna", "gymnasium", "numpy", "pandas", "scipy", "altair")


def manifest_of(plan: Plan) -> dict[str, Any]:
    """The manifest of a sweep that is about to start."""
    experiment, scale = plan.experiment, plan.scale
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": plan.name,
        "sweep": plan.sweep,
        "question": plan.question,
        "env": {
            "id": experiment.env,
            "parameters": dict(experiment.env_parameters),
            "validation_parameters": dict(experiment.validation_parameters),
            "test_parameters": dict(experiment.test_parameters),
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
        "evaluation": {"episodes": experiment.evaluation_episodes},
        "confirmation": {
            "top_k": experiment.confirmation.top_k,
            "seeds": experiment.confirmation.seeds,
        },
        "baselines": {name: dict(config) for name, config in plan.baselines.items()},
        "scheduler": schedulers.to_json(experiment.scheduler),
        "checkpoint_budget_gb": experiment.checkpoint_budget_gb,
        "trainer": plan.options.trainer,
        "seeds": plan.seeds.to_json(test_seeds=experiment.confirmation.seeds),
        "command": plan.command(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "git": _git(),
    }


def same_experiment(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Where two manifests ask different questions; None if they ask the same one.

    Returns:
        The first entry that differs, with both values, in words.
    """
    same = ("experiment", "env", "space", "fixed", "lanes", "replicas", "evaluation", "trainer", "baselines")
    for key in same:
        if old.get(key) != new.get(key):
            return f"its {key} differs"
    for key in ("steps_per_trial", "evaluations"):
        before, now = old["budget"][key], new["budget"][key]
        if before != now:
            return f"{key} was {before}, now {now}"
    before, now = _population(old), _population(new)
    if before != now:
        return f"its scheduler was {before or 'one for a search'}, now {now or 'one for a search'}"
    before, now = old["seeds"]["root"], new["seeds"]["root"]
    return f"seed was {before}, now {now}" if before != now else None


def _population(manifest: Mapping[str, Any]) -> str | None:
    """The name of a scheduler that trains a population, whose trials are no answer to a search's question."""
    scheduler = manifest.get("scheduler")
    name = scheduler.get("name") if isinstance(scheduler, Mapping) else scheduler
    return name if name in schedulers.POPULATIONS else None


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
    commit = _git_output("rev-parse", "HEAD")
    status = _git_output("status", "--porcelain")
    return {"commit": commit, "dirty": None if commit is None else bool(status)}


def _git_output(*arguments: str) -> str | None:
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
