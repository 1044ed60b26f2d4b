"""Content of best.yaml: the configuration to use, and what is needed to train it without this suite."""

from __future__ import annotations

import math
from typing import Any

from msgspec import UNSET

from analysis.advice import Ablated
from analysis.sweep import (
    DEFAULT,
    FIRST_TRIAL,
    BestEvaluation,
    BestRecord,
    BestSeeds,
    BestTraining,
    Lineage,
    Sweep,
    configuration,
    rllib_settings,
    schedule,
)
from analysis.verdict import Verdict


def best_content(
    sweep: Sweep,
    verdict: Verdict,
    config_id: str,
    reason: str,
    lineage: Lineage | None = None,
    ablation: Ablated | None = None,
) -> BestRecord:
    """Returns the content of best.yaml.

    Args:
        sweep: The sweep.
        verdict: What its confirmation says.
        config_id: The configuration to use.
        reason: Why this one.
        lineage: Of a population, whose best configuration may be a schedule.
        ablation: Of the winner, which may name a simpler configuration that is as good.
    """
    trained: dict[str, Any] = {"configuration": configuration(sweep, config_id)}
    if lineage is not None and config_id in lineage.schedules:
        trained = schedule(lineage, config_id)
    manifest = sweep.manifest
    # The default is the search's first trial, whose settings go by its other name.
    settings = rllib_settings(sweep.folder, DEFAULT if config_id == FIRST_TRIAL else config_id)
    return BestRecord(
        config_id=config_id,
        reason=reason,
        experiment=manifest.experiment,
        sweep=manifest.sweep,
        confirmed=_confirmed(sweep, verdict, config_id),
        **trained,
        ablation=_ablation(sweep, ablation) or UNSET,
        fixed=manifest.fixed,
        rllib=settings,
        env=manifest.env.id,
        env_parameters=manifest.env.parameters,
        test_parameters=manifest.env.test_parameters,
        training=BestTraining(
            steps=manifest.budget.steps_per_trial, lanes=manifest.lanes, trainer=manifest.trainer
        ),
        evaluation=BestEvaluation(
            evaluations=manifest.budget.evaluations, episodes=manifest.evaluation.episodes
        ),
        seeds=BestSeeds(
            root=manifest.seeds.root,
            test_seeds=manifest.seeds.test_seeds,
            test_training=manifest.seeds.test_training,
            test_evaluation=manifest.seeds.test_evaluation,
        ),
        provenance={
            "command": manifest.command,
            "started": manifest.started,
            "git": manifest.git,
            "program_git": manifest.program_git,
            "versions": manifest.versions,
            "machine": manifest.machine,
        },
    )


def _ablation(sweep: Sweep, ablation: Ablated | None) -> dict[str, Any] | None:
    """Returns which changes carry the gain, and the simpler configuration that is as good, if one is."""
    if ablation is None or not ablation.path.steps:
        return None
    steps = ablation.path.steps
    found: dict[str, Any] = {
        "says": ablation.sentence(sweep.scale),
        "carried": {ablation.change(step.change): round(step.carried, 3) for step in steps},
    }
    if ablation.simpler is not None:
        changes = ablation.simpler.changes
        found["simpler"] = {
            "config_id": ablation.ids[changes],
            "configuration": dict(ablation.configs[changes]),
            "rllib": rllib_settings(sweep.folder, ablation.ids[changes]),
        }
    return found


def _confirmed(sweep: Sweep, verdict: Verdict, config_id: str) -> dict[str, Any] | None:
    """Returns the confirmed score, and what the scale means; None where nothing was confirmed."""
    if config_id not in set(verdict.table["config_id"]):
        return None
    row, scale, env = verdict.row(config_id), sweep.scale, sweep.manifest.env
    return {
        "seeds": int(row["n"]),
        "mean": _rounded(row["mean"]),
        "mean_interval_95": [_rounded(row["mean_low"]), _rounded(row["mean_high"])],
        "unit": "score: 0 is the return `floor`, 1 the return `optimum`"
        if scale.has_references
        else "return",
        "floor": env.floor,
        "optimum": env.optimum,
        "return_unit": env.return_unit,
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
