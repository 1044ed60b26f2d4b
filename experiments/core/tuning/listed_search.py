"""Searchers without a state of their own, and one that runs a given list of configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from analysis.sweep import OBJECTIVE

METRIC = OBJECTIVE
"""Metric that Tune and Optuna maximise."""


class StatelessSearch(Searcher):  # type: ignore[misc]  # ray ships no types
    """Searcher that Tune has nothing to save of: what a sweep knows is in its folder, not in a pickle."""

    def __init__(self) -> None:
        super().__init__(metric=METRIC, mode="max")

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing, as above."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Restores nothing, as nothing was saved."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Tune pickles the searcher for a restore of its own, which a sweep never uses."""
        return {}


class ListedSearch(StatelessSearch):
    """Searcher that suggests the given configurations, in order, and then those that follow from the results.

    Args:
        configs: Configs of the trainable, one mapping a run.
        following: Returns the next ones; asked when no run is under way, until it returns none.
    """

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        following: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    ) -> None:
        super().__init__()
        self._waiting = list(configs)
        self._following = following
        self._under_way: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Returns the next configuration of the list; None, so that Tune asks later, while it is open."""
        if not self._waiting and self._under_way:
            return None
        self._waiting = self._waiting or list(self._following())
        if not self._waiting:
            return str(Searcher.FINISHED)
        self._under_way.add(trial_id)
        return dict(self._waiting.pop(0))

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """Notes that a run has ended, however it did: its records say more than its last result."""
        self._under_way.discard(trial_id)
