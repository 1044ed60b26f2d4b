"""Decision of what is compared: sweeps of one experiment, or one sweep of each of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from analysis.comparison.contestants import CannotCompareError, Contestant, load_contestants
from analysis.comparison.experiments import ExperimentsCompared, compare_experiments
from analysis.comparison.versions import SweepsCompared, compare_sweeps


def compare(*folders: str | Path) -> SweepsCompared | ExperimentsCompared:
    """Compares confirmed sweeps: of one experiment by their winners, of several on the common score.

    Args:
        folders: Two sweep folders or more.

    Raises:
        CannotCompareError: If they cannot be compared: too few, not confirmed, or without a common score.
        NotASweepError: If one is no sweep, or damaged.
    """
    contestants = load_contestants(folders)
    numbers = Counter(contestant.experiment for contestant in contestants)
    _check_scores(contestants, len(numbers))
    if len(numbers) == 1:
        return compare_sweeps(contestants)
    name, number = numbers.most_common(1)[0]
    if number > 1:
        raise CannotCompareError(
            f"{number} sweeps of {name} were given beside another experiment: give one sweep of "
            "each, or sweeps of one experiment alone"
        )
    return compare_experiments(contestants)


def _check_scores(contestants: Sequence[Contestant], experiments: int) -> None:
    """Checks that numbers of all sweeps mean the same.

    Raises:
        CannotCompareError: They do not.
    """
    scaled = [contestant.sweep.scale.has_references for contestant in contestants]
    if all(scaled) or (experiments == 1 and not any(scaled)):
        return
    without = contestants[scaled.index(False)]
    raise CannotCompareError(
        f"{without.label}: {without.sweep.manifest.env.id} states no floor and optimum, so it has no score "
        "that it shares with the others: state references, or compare sweeps of this experiment alone"
    )
