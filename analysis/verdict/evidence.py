"""Evidence of the confirmation runs on every configuration, before anything is decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.statistics import Estimate, estimate
from analysis.sweep import ADAPTED, DEFAULT
from analysis.verdict.comparison import (
    Comparison,
    against_default,
    against_rllib,
    contenders_of,
    values_by_seed,
    values_of,
)
from analysis.verdict.failures import count_failures
from analysis.verdict.group_sequential import MIN_PAIRS
from analysis.verdict.race import Race, Standing, run_race
from analysis.verdict.winner_interval import Picked, picked_interval


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Means, intervals and differences from the baselines."""

    started: pd.DataFrame
    """The rows of the confirmation runs that count: config_id, test_seed, state, objective."""
    runs: "Mapping[str, pd.Series[float]]"
    """Each configuration's values by test seed."""
    interim_analyses: tuple[int, ...]
    """Numbers of seeds at the interim analyses; one if it was fixed, none if it is not known."""
    race: Race | None
    """How the race went; None if the number of seeds was fixed."""
    family: int
    """Contenders that the permitted error is shared among."""
    means: Mapping[str, Estimate]
    """Of these values."""
    against_default: Mapping[str, Comparison]
    """Each configuration minus the default."""
    against_adapted: Mapping[str, Comparison]
    """Each configuration minus the default with its batch adapted; empty if that has no runs."""
    against_rllib: Mapping[str, Comparison]
    """Each configuration minus RLlib's defaults."""

    @classmethod
    def of(cls, confirmation: pd.DataFrame, interim_analyses: Sequence[int] = ()) -> Self:
        """Computes it from the table of the confirmation runs.

        Args:
            confirmation: One row per confirmation run: config_id, test_seed, state, objective.
            interim_analyses: Numbers of seeds at which the race was analysed; one if it was fixed.
                Runs on seeds beyond the last do not count; without interim analyses all do.
        """
        counted = count_failures(confirmation, interim_analyses)
        race = run_race(confirmation, interim_analyses) if len(interim_analyses) > 1 else None
        if race is not None and not race.standings:
            race = None
        within = pd.Series(np.inf, index=confirmation.index)
        if race is not None:
            within = confirmation["config_id"].map(race.seeds)
        elif interim_analyses:
            within = within.clip(upper=interim_analyses[-1])
        taken = confirmation["test_seed"] < within
        runs = values_by_seed(counted[taken])
        family = len(race.standings) if race else len(contenders_of(runs))
        return cls(
            started=confirmation[taken],
            interim_analyses=tuple(interim_analyses),
            runs=runs,
            race=race,
            family=family,
            means={config: estimate(values) for config, values in runs.items()},
            against_default=_as_raced(against_default(runs, family, DEFAULT), race),
            against_adapted=_as_raced(against_default(runs, family, ADAPTED), race),
            against_rllib=against_rllib(runs, family),
        )

    @property
    def contenders(self) -> list[str]:
        """All configurations with a value but the baselines."""
        return contenders_of(self.runs)

    @property
    def is_unfinished(self) -> bool:
        """Whether there is a race that goes on."""
        return self.race is not None and not self.race.is_over

    def winner(self) -> str | None:
        """Returns the contender of the highest mean; None if none has a value.

        Those that beat the defaults come first, and those with seeds enough before the others.
        """
        better = [config for config in self.contenders if self.beats_default(config)]
        enough = [config for config in self.contenders if self.means[config].seeds >= MIN_PAIRS]
        highest = better or enough or self.contenders
        return max(highest, key=lambda config: self.means[config].mean, default=None)

    def beats_default(self, config: str) -> bool:
        """Returns whether a configuration's simultaneous interval against each default lies above zero."""
        against = self.against_defaults(config)
        return DEFAULT in against and all(found.above_zero for found in against.values())

    def against_defaults(self, config: str) -> dict[str, Comparison]:
        """Returns a configuration's differences from the defaults that were trained, by their ids."""
        each = {DEFAULT: self.against_default, ADAPTED: self.against_adapted}
        return {default: against[config] for default, against in each.items() if config in against}

    @property
    def best_default(self) -> str:
        """The adapted default if its mean is above the default's on the seeds of both, else the default."""
        adapted = self.against_default.get(ADAPTED)
        ahead = adapted is not None and adapted.pairs >= MIN_PAIRS and adapted.difference > 0
        return ADAPTED if ahead else DEFAULT

    def reference(self, config: str) -> str:
        """Returns the default that a configuration is best compared with.

        The better of those that it does not beat; the better of all if it beats them.
        """
        against = self.against_defaults(config)
        unbeaten = [default for default, found in against.items() if not found.above_zero] or [*against]
        return self.best_default if self.best_default in unbeaten else next(iter(unbeaten), DEFAULT)

    def intervals(self) -> dict[str, statistics.Interval]:
        """Returns the interval of each mean, as if none of them had been picked for being the highest."""
        return {
            config: mean.interval(statistics.CONFIDENCE, statistics.WIDENING)
            for config, mean in self.means.items()
        }

    def picked(self, winner: str) -> Picked:
        """Returns the interval of the winner's mean, which accounts for that selection."""
        return picked_interval(values_of(self.runs, self.contenders), self.contenders.index(winner))


def _as_raced(against: Mapping[str, Comparison], race: Race | None) -> dict[str, Comparison]:
    """Lets no interval lie above zero but those of the contenders that were tested at the race's end."""
    standings = {} if race is None else race.standings
    tested = (Standing.BETTER, Standing.EXHAUSTED)
    refused = {config for config, standing in standings.items() if standing not in tested}
    return {
        config: replace(found, low=min(found.low, 0.0)) if config in refused else found
        for config, found in against.items()
    }
