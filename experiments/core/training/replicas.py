"""Replicas of one configuration on several training seeds, valued by their mean less their spread.

Steps are those of each replica, so that curves and rungs mean the same for any number of them; the total of
all of them is a column of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.sweep import SEEDS_PREFIX, State, replica_folder
from experiments.core.training.run import TrainingRun


class SeedReplicas:
    """Replicas of a configuration, one or several runs that reach every evaluation point together.

    A replica that diverges counts with the floor score from then on and the others continue; the trial has
    diverged when all have.

    Args:
        runs: The replicas, which differ in their training seed alone.
        penalty: Standard deviations of the replicas' objectives to take off their mean.
    """

    def __init__(self, runs: Sequence[TrainingRun], *, penalty: float) -> None:
        self._runs = list(runs)
        self._penalty = penalty

    def advance(self) -> dict[str, Any]:
        """Trains every replica to the next evaluation point.

        Returns:
            The columns of the evaluation, `done`, and for a trial that diverged its `state` and `cause`.
        """
        # The one furthest behind sets the pace: it is at most the lanes of one batch behind.
        target = min(run.next_evaluation for run in self._learning() or self._runs)
        results = [run.advance(target) for run in self._runs]
        result = results[0] if len(results) == 1 else self._aggregate(results)
        learning = self._learning()
        ending: dict[str, Any] = {"done": all(run.done for run in self._runs)}
        if not learning:
            ending |= {"state": State.DIVERGED.value, "cause": self._runs[0].cause}
        return {**result, **ending}

    def save(self, folder: Path) -> None:
        """Saves every replica: one alone in the folder itself, several in a folder each."""
        for path, run in zip(self._folders(folder), self._runs, strict=True):
            path.mkdir(exist_ok=True)
            run.save(path)

    def load(self, folder: Path) -> None:
        """Continues from what :meth:`save` wrote."""
        for path, run in zip(self._folders(folder), self._runs, strict=True):
            run.load(path)

    def get_state(self) -> list[dict[str, Any]]:
        """Returns everything that the rest of the trial depends on, one value a replica."""
        return [run.get_state() for run in self._runs]

    def set_state(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Continues from what :meth:`get_state` returned."""
        for run, own in zip(self._runs, state, strict=True):
            run.set_state(own)

    def stop(self) -> None:
        """Frees the trainers."""
        for run in self._runs:
            run.stop()

    @property
    def config(self) -> Mapping[str, Any]:
        """Configuration that the first replica trains with now, its seed included."""
        return self._runs[0].config

    def _learning(self) -> list[TrainingRun]:
        return [run for run in self._runs if run.cause is None]

    def _folders(self, folder: Path) -> list[Path]:
        if len(self._runs) == 1:
            return [folder]
        return [replica_folder(folder, replica) for replica in range(len(self._runs))]

    def _aggregate(self, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Returns means over the replicas that were measured; scores and objectives over all of them."""
        names = list(dict.fromkeys(name for result in results for name in result))
        result = {name: _mean([r.get(name, math.nan) for r in results]) for name in names}
        scores = [r["score"] for r in results]
        objectives = [r["objective"] for r in results]
        spread = float(np.std(objectives, ddof=1))
        learning = [r["steps"] for run, r in zip(self._runs, results, strict=True) if run.cause is None]
        result |= {
            "steps": min(learning) if learning else max(r["steps"] for r in results),
            "wall_s": sum(r["wall_s"] for r in results),
            "objective": float(np.mean(objectives)) - self._penalty * spread,
            SEEDS_PREFIX + "steps": sum(r["steps"] for r in results),
            SEEDS_PREFIX + "score_std": float(np.std(scores, ddof=1)),
            SEEDS_PREFIX + "objective_std": spread,
            SEEDS_PREFIX + "diverged": len(results) - len(learning),
        }
        return result | {f"{SEEDS_PREFIX}score_{r}": score for r, score in enumerate(scores)}


def _mean(values: Sequence[float]) -> float:
    """Computes the mean of what was measured; NaN if nothing was."""
    measured = [value for value in values if not math.isnan(value)]
    return sum(measured) / len(measured) if measured else math.nan
