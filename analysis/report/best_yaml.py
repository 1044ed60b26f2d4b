"""Content of best.yaml: the configuration to use, and what is needed to train it without this suite."""

from __future__ import annotations

import json
import math
from typing import Any

from analysis.sweep import DEFAULT, FIRST_TRIAL, RLLIB_FILE, Lineage, Sweep, configuration, schedule, section
from analysis.verdict import Verdict


def best_content(
    sweep: Sweep, verdict: Verdict, config_id: str, reason: str, lineage: Lineage | None = None
) -> dict[str, Any]:
    """Returns the content of best.yaml in the order in which it is read.

    Args:
        sweep: The sweep.
        verdict: What its confirmation says.
        config_id: The configuration to use.
        reason: Why this one.
        lineage: Of a population, whose best configuration may be a schedule.
    """
    trained = {"configuration": configuration(sweep, config_id)}
    if lineage is not None and config_id in lineage.configurations:
        trained = schedule(lineage, config_id)
    manifest = sweep.manifest
    env, budget = section(manifest, "env"), section(manifest, "budget")
    return {
        "config_id": config_id,
        "reason": reason,
        "experiment": manifest.get("experiment"),
        "sweep": manifest.get("sweep"),
        "confirmed": _confirmed(sweep, verdict, config_id),
        **trained,
        "fixed": dict(section(manifest, "fixed")),
        "rllib": _rllib(sweep, config_id),
        "env": env.get("id"),
        "env_parameters": dict(section(env, "parameters")),
        "test_parameters": dict(section(env, "test_parameters")),
        "training": {
            "steps": budget.get("steps_per_trial"),
            "lanes": manifest.get("lanes"),
            "trainer": manifest.get("trainer"),
        },
        "evaluation": {
            "evaluations": budget.get("evaluations"),
            "episodes": section(manifest, "evaluation").get("episodes"),
        },
        "seeds": {
            name: value
            for name, value in section(manifest, "seeds").items()
            if name == "root" or name.startswith("test_")
        },
        "provenance": {
            name: manifest.get(name) for name in ("command", "started", "git", "versions", "machine")
        },
    }


def _confirmed(sweep: Sweep, verdict: Verdict, config_id: str) -> dict[str, Any] | None:
    """Returns the confirmed score, and what the scale means; None where nothing was confirmed."""
    if config_id not in set(verdict.table["config_id"]):
        return None
    row, scale = verdict.row(config_id), sweep.scale
    return {
        "seeds": int(row["n"]),
        "mean": _rounded(row["mean"]),
        "mean_interval_95": [_rounded(row["mean_low"]), _rounded(row["mean_high"])],
        "unit": "score: 0 is the return `floor`, 1 the return `optimum`"
        if scale.has_references
        else "return",
        "floor": section(sweep.manifest, "env").get("floor"),
        "optimum": section(sweep.manifest, "env").get("optimum"),
        "return_unit": section(sweep.manifest, "env").get("return_unit"),
    }


def _rllib(sweep: Sweep, config_id: str) -> dict[str, Any] | None:
    """Returns RLlib's settings of a configuration; None where the sweep did not record them."""
    path = sweep.folder / RLLIB_FILE
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = settings.get(DEFAULT if config_id == FIRST_TRIAL else config_id)
    return found if isinstance(found, dict) else None


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
