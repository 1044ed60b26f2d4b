"""Evidence of the confirmation runs on every configuration, before anything is decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from analysis import statistics
from analysis.sweep import BASELINES, DEFAULT, RLLIB
from analysis.verdict.comparison import Comparison, as_raced, compare_all, values_by_seed
from analysis.verdict.group_sequential import MIN_PAIRS
from analysis.verdict.race import Race, Standing, run_race
from analysis.verdict.race_estimates import Estimate, Estimates, estimate
from analysis.verdict.winner_interval import Picked, picked_interval


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Means, intervals and differences from both baselines, freed of the bias that a race brings."""

    started: pd.DataFrame
    """The rows of the confirmation runs that count: config_id, test_seed, state, objective."""
    runs: "Mapping[str, pd.Series[float]]"
    """Each configuration's values by test seed."""
    race: Race | None
    """How the race went; None if the number of seeds was fixed."""
    means: Mapping[str, Estimate]
    """Of these values."""
    against_default: Mapping[str, Comparison]
    """Each configuration minus the default."""
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
        went = run_race(confirmation, interim_analyses) if len(interim_analyses) > 1 else None
        if went is None or not went.standings:
            started = (
                confirmation[confirmation["test_seed"] < interim_analyses[-1]]
                if interim_analyses
                else confirmation
            )
            runs = values_by_seed(started)
            family = len(_contenders(runs))
            return cls(
                started=started,
                runs=runs,
                race=None,
                means={config: estimate(values) for config, values in runs.items()},
                against_default=compare_all(runs, DEFAULT, family, None),
                against_rllib=compare_all(runs, RLLIB, family, None),
            )
        started = went.counted(confirmation)
        runs = values_by_seed(started)
        raced, family = Estimates(runs, went), len(went.standings)
        return cls(
            started=started,
            runs=runs,
            race=went,
            means={config: raced.mean(config) for config in runs},
            against_default=as_raced(compare_all(runs, DEFAULT, family, raced), raced, went),
            against_rllib=compare_all(runs, RLLIB, family, raced),
        )

    @property
    def contenders(self) -> list[str]:
        """All configurations with a value but the two baselines."""
        return _contenders(self.runs)

    def winner(self) -> str | None:
        """Returns the best mean's contender of those that beat the default, else with seeds enough, else all.

        None if no contender has a value.
        """
        against = self.against_default
        better = [config for config in self.contenders if config in against and against[config].above_zero]
        enough = [config for config in self.contenders if self.means[config].seeds >= MIN_PAIRS]
        highest = better or enough or self.contenders
        return max(highest, key=lambda config: self.means[config].mean, default=None)

    def intervals(self) -> dict[str, statistics.Interval]:
        """Returns the interval of each mean, as if none of them had been picked for being the highest."""
        return {
            config: mean.interval(statistics.CONFIDENCE, statistics.WIDENING)
            for config, mean in self.means.items()
        }

    def picked(self, winner: str) -> Picked:
        """Returns the interval of the winner's mean, which accounts for that selection."""
        others = [self.means[config] for config in self.contenders if config != winner]
        return picked_interval(self.means[winner], others, counted=self._counted())

    def _counted(self) -> int | None:
        """Returns the number of seeds of each contender that the winner's interval counts; all if None.

        In a race that has accepted nobody, those that went on beyond the first interim analysis owe it to
        runs that lay close together by luck. Counted with all their seeds they would make the spread look
        small.
        """
        if self.race is None or Standing.BETTER in self.race.standings.values():
            return None
        return self.race.interim_analyses[0]


def _contenders(runs: "Mapping[str, pd.Series[float]]") -> list[str]:
    return [config for config in runs if config not in BASELINES]
