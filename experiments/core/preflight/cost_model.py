"""Cost model of a sweep: time and disk by arithmetic on costs that a probe has measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.core.declaration import Asha, Hyperband, Median, Scheduler

START_S = 9.0
"""Seconds from the plan to the first step: Ray starts, then the first actors with their imports."""
NEXT_PHASE_S = 4.5
"""Seconds in which the actors of a confirmation start that cannot go on with the search's."""
NEXT_ROUND_S = 0.5
"""Seconds that a further round of a race costs besides its runs: the table so far is read, and judged."""
REPORT_S = 6.0
"""Seconds of the report: tables, figures, the page."""
RUN_S = 0.15
"""Seconds of a core that each run takes besides: to be suggested, built, saved and written down."""
ITERATION_S = 0.003
"""Seconds of RLlib's bookkeeping for each batch."""
RUN_BYTES = 60_000
"""Disk that a run's records take, its checkpoint apart: results, table, TensorBoard events."""
REPORT_BYTES = 6_000_000
"""Disk of report, figures and tables."""
ASHA_SHARE = 0.6
"""Share of the full budget that a trial under successive halving, as it is by default, trains on average.

Were trials alike, half would pass each rung, which makes 0.50. As the search learns, later trials are better
than earlier ones: in sweeps of four experiments of the suite it was 0.56, 0.59, 0.61 and 0.66.
"""
MEDIAN_SHARE = 0.6
"""The same for the median rule, of which there is no measurement: half of the trials stop at some time."""


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """Cost of one network, measured on one core."""

    sampling_s: float
    """Seconds of the network for each environment step of a rollout."""
    gradient_s: float
    """Seconds of a gradient step, whatever its minibatch."""
    row_s: float
    """Seconds of a gradient step for each row of its minibatch."""
    checkpoint_bytes: int
    """Size of a checkpoint."""

    def slowed(self, factor: float) -> NetworkCost:
        """Returns the cost on a machine where computing takes so many times as long."""
        return replace(
            self,
            sampling_s=factor * self.sampling_s,
            gradient_s=factor * self.gradient_s,
            row_s=factor * self.row_s,
        )


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Work of a full run, whatever its configuration."""

    steps: int
    """Environment steps."""
    evaluations: int
    """Evaluations on the way, evenly spaced in steps."""
    step_s: float
    """Seconds of the environment for each of its steps, measured on the clock, as it may wait."""
    evaluation_s: float
    """Seconds of one evaluation, measured on the clock."""


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """Cost of one full run."""

    seconds: float
    """On one core."""
    steps: int
    """Trained, whole batches."""
    bytes: int
    """Disk, checkpoint and records."""


@dataclass(frozen=True, kw_only=True)
class Racer:
    """Configuration in the confirmation."""

    run: RunCost
    """What one of its runs takes."""
    most: int
    """Seeds that it may take."""
    done: int = 0
    """Seeds that it has taken."""


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """Estimated cost of a sweep, or of the rest of one."""

    search_s: float
    """Seconds of the search, all cores busy."""
    confirm_s: float
    """Seconds of the confirmation, if its race goes half of the way that is left."""
    confirm_range_s: tuple[float, float]
    """Seconds of the confirmation if its race ends at the next interim analysis, and if at the last."""
    ablation_s: float
    """Seconds that the ablation of a winner may take, which is part of nothing else here."""
    around_s: float
    """Seconds of starting and reporting."""
    steps: int
    """Environment steps of both phases."""
    bytes: int
    """Disk in the end."""

    @property
    def seconds(self) -> float:
        """Seconds from the plan to the verdict."""
        return self.search_s + self.confirm_s + self.around_s


def run_cost(settings: Mapping[str, Any], network: NetworkCost, workload: Workload) -> RunCost:
    """Computes the cost of training one configuration to the end.

    Args:
        settings: Of the trainer, complete.
        network: What its network costs.
        workload: What every run does.
    """
    batch, rows = settings["batch_size"], settings["minibatch_size"]
    iterations = math.ceil(workload.steps / batch)
    gradient_steps = math.ceil(settings["epochs"] * batch / rows)
    update_s = gradient_steps * (network.gradient_s + rows * network.row_s)
    training_s = iterations * (ITERATION_S + batch * (network.sampling_s + workload.step_s) + update_s)
    # A batch that passes several evaluation points is evaluated once.
    evaluations = min(workload.evaluations, iterations)
    return RunCost(
        seconds=training_s + evaluations * workload.evaluation_s + RUN_S,
        steps=iterations * batch,
        bytes=network.checkpoint_bytes + RUN_BYTES,
    )


def trained_share(scheduler: Scheduler) -> float:
    """Returns the share of the full budget that a trial trains on average.

    Where trials are halved at other rungs than by default, the share scales with what it would be if trials
    were alike.
    """
    learned = ASHA_SHARE / _alike(Asha().grace, Asha().reduction)
    match scheduler:
        case Asha():
            return min(1.0, learned * _alike(scheduler.grace, scheduler.reduction))
        case Hyperband():
            # Trials are dealt to brackets by e to the power of the number of their rungs.
            rungs = range(scheduler.brackets, 0, -1)
            shares = [
                min(1.0, learned * _alike(scheduler.reduction ** (1 - n), scheduler.reduction)) for n in rungs
            ]
            odds = [math.exp(n - scheduler.brackets) for n in rungs]
            return sum(o * s for o, s in zip(odds, shares, strict=True)) / sum(odds)
        case Median():
            return MEDIAN_SHARE
        case _:
            return 1.0


def _alike(grace: float, reduction: float) -> float:
    """Computes the share that a trial trains on average if one in `reduction` of equal ones passes a rung."""
    share, going, rung = 0.0, 1.0, 0.0
    following = grace
    while following < 1.0:
        share += going * (following - rung)
        going, rung, following = going / reduction, following, following * reduction
    return share + going * (1.0 - rung)


def side_by_side(run: RunCost, seeds: int) -> RunCost:
    """Returns the cost of a run that trains several seeds one beside the other in one process."""
    training_s = run.seconds - RUN_S
    return RunCost(seconds=RUN_S + seeds * training_s, steps=seeds * run.steps, bytes=seeds * run.bytes)


def estimate(
    *,
    trials: Sequence[RunCost],
    default: RunCost | None,
    others: int,
    share: float,
    confirmation: Sequence[Racer],
    interim_analyses: Sequence[int],
    search_bytes: int,
    concurrency: int,
    lanes_s: float,
    apart: bool = False,
    ablation: Sequence[RunCost] = (),
) -> CostEstimate:
    """Adds up the cost of a sweep.

    Args:
        trials: Full runs of configurations as the search draws them: what a trial costs on average.
        default: The full run of the default configuration, which is never stopped; None if it is done.
        others: Trials to come besides it.
        share: Share of its full run that a trial trains on average.
        confirmation: The configurations that are confirmed.
        interim_analyses: Numbers of seeds at which the confirmation's race may end yet; one if it is none.
        search_bytes: The most that the search's checkpoints may take.
        concurrency: Runs at once.
        lanes_s: Seconds in which a process that trains makes its environments.
        apart: Whether the confirmation trains in processes of its own, as that of a population does.
        ablation: Runs of a winner's ablation, if there is a winner.
    """
    each_s = sum(run.seconds for run in trials) / len(trials)
    stopped_s = RUN_S + share * (each_s - RUN_S)
    search = [stopped_s] * others + ([default.seconds] if default else [])
    each_steps = sum(run.steps for run in trials) / len(trials)
    each_bytes = sum(run.bytes for run in trials) / len(trials)
    started = [default] if default else []
    halfway = (interim_analyses[0] + interim_analyses[-1]) // 2
    least, expected, most = (
        _rounds(confirmation, [*(n for n in interim_analyses if n < end), end])
        for end in (interim_analyses[0], halfway, interim_analyses[-1])
    )
    least_s, confirm_s, most_s = (_race_seconds(rounds, concurrency) for rounds in (least, expected, most))
    confirmed_runs = [run for runs in expected for run in runs]
    around_s = (
        START_S + lanes_s + REPORT_S + (NEXT_PHASE_S + lanes_s if apart and search and expected else 0.0)
    )
    return CostEstimate(
        search_s=_makespan(search, concurrency),
        confirm_s=confirm_s,
        confirm_range_s=(least_s, most_s),
        ablation_s=_makespan([run.seconds for run in ablation], concurrency),
        around_s=around_s if search or expected else REPORT_S,
        steps=round(others * share * each_steps) + sum(run.steps for run in (*started, *confirmed_runs)),
        bytes=min(round(others * each_bytes) + sum(run.bytes for run in started), search_bytes)
        + sum(run.bytes for run in confirmed_runs)
        + REPORT_BYTES,
    )


def _rounds(confirmation: Sequence[Racer], interim_analyses: Sequence[int]) -> list[list[RunCost]]:
    """Returns the runs of each round of a race up to its last analysis, without those that are done."""
    rounds = [
        [racer.run for racer in confirmation for _ in range(max(before, racer.done), min(upto, racer.most))]
        for before, upto in itertools.pairwise((0, *interim_analyses))
    ]
    return [runs for runs in rounds if runs]


def _race_seconds(rounds: Sequence[Sequence[RunCost]], concurrency: int) -> float:
    """Returns the seconds of rounds one after the other; each waits for the last run of the one before."""
    between_s = NEXT_ROUND_S * max(0, len(rounds) - 1)
    return between_s + sum(_makespan([run.seconds for run in runs], concurrency) for runs in rounds)


def _makespan(seconds: Sequence[float], concurrency: int) -> float:
    """Returns the seconds until runs have ended that take the next free core one after the other."""
    if not seconds:
        return 0.0
    # While the last run ends, the other cores idle for half of a run on average.
    tail = sum(seconds) / len(seconds) * (concurrency - 1) / 2
    return max((sum(seconds) + tail) / concurrency, max(seconds))
