"""Estimate of the time and the disk that an evaluation, and the rest of a planned sweep, take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from analysis.sweep import FIRST_TRIAL, Phase, is_ablation, is_trial, load_confirmation
from analysis.text import counted
from analysis.verdict import Standing, most_seeds, run_race
from experiments.core.declaration import Population
from experiments.core.environments import episode_limit, time_limit
from experiments.core.planning import Plan, chosen_configurations, lacks_runs, missing_trials, settled_runs
from experiments.core.preflight.cost_model import (
    CostEstimate,
    Racer,
    RunCost,
    Workload,
    estimate,
    run_cost,
    side_by_side,
    trained_share,
)
from experiments.core.preflight.deadline import Deadline, TimeUpError
from experiments.core.preflight.play import Play
from experiments.core.preflight.probe import EvaluationCost, ExtremeRuns, measure_evaluation
from experiments.core.records import config_at
from experiments.core.training import Task, hyperparameters, trainer_part
from search_spaces.space import drawn

STUCK = 3.0
"""Times what making a lane took, after which a call is stuck that also took half the checks' time."""
MIX = 64
"""Configurations drawn from the space to say what one costs on average."""


def evaluation_cost(
    plan: Plan, task: Task, played: Play, deadline: Deadline, *, seconds: float
) -> EvaluationCost:
    """Measures what an evaluation costs, or estimates it from what was played where there is no time left.

    Args:
        plan: The sweep.
        task: Settings that all runs have in common.
        played: What was seen in the environment.
        deadline: Of the checks.
        seconds: On the clock, of making the lanes, and of playing in them.

    Raises:
        TimeUpError: The environment does not come back.
    """
    least_s = min(2 * seconds + played.make_s, 4 * seconds)
    try:
        with deadline.enforced(at_least_s=least_s):
            deadline.begin(f"evaluating in {plan.experiment.env}")
            return measure_evaluation(
                plan.experiment.space.defaults, task, played, plan.evaluation_settings[Phase.SEARCH],
                seconds=seconds, seed=plan.seeds.probe,
            )  # fmt: skip
    except TimeUpError as time_up:
        if time_up.call_s > max(deadline.seconds / 2, STUCK * played.make_s):
            raise
    setting, episodes = plan.evaluation_settings[Phase.SEARCH], task.evaluation_episodes
    steps = played.length_mean
    if math.isnan(steps):
        steps = episode_limit(task.env, setting.parameters, setting.most_steps)
    turns = -(-episodes // task.evaluation_lanes) if task.vectorization == "async" else episodes
    return EvaluationCost(
        seconds=turns * steps * played.step_s,
        finished=False,
        cut_off=False,
        steps=len(played.rewards),
        length_mean=played.length_mean,
        score=math.nan,
        measured=False,
    )


def evaluation_notes(plan: Plan, evaluation: EvaluationCost, played: Play) -> list[str]:
    """Notes where an evaluation could not be measured, and where episodes are long or cut off."""
    if evaluation.measured:
        return _episode_notes(plan, evaluation, played)
    return [
        f"there was no time to evaluate in {plan.experiment.env}: what that costs is estimated from "
        f"{counted(evaluation.steps, 'step')} of play; a larger check_s in the experiment gives it time",
        *_episode_notes(plan, evaluation, played),
    ]


def _episode_notes(plan: Plan, evaluation: EvaluationCost, played: Play) -> list[str]:
    """Notes where episodes are cut off, or are too long for the intervals of reporting."""
    experiment = plan.experiment
    budget, setting = experiment.budget, plan.evaluation_settings[Phase.SEARCH]
    limit = time_limit(experiment.env, setting.parameters)
    unseen = not (evaluation.finished or played.lengths)
    if limit is None and (evaluation.cut_off or unseen):
        return [
            f"{experiment.env} states no time limit, and not every episode ended within "
            f"{counted(evaluation.steps, 'step')}: an evaluation cuts episodes off after "
            f"{counted(setting.most_steps, 'step')}; declare another number as max_evaluation_steps, or "
            "register the environment with max_episode_steps"
        ]
    if unseen:
        return [
            f"not every evaluation episode ended within {counted(evaluation.steps, 'step')}, and an "
            f"evaluation lasts until all have: up to {limit:,} steps, as is estimated"
        ]
    interval = budget.steps_per_trial / budget.evaluations / experiment.lanes
    takes = f"{interval:,.0f}" if interval >= 1 else "less than one"
    if not evaluation.length_mean > interval:
        return []
    return [
        f"an episode lasts about {counted(round(evaluation.length_mean), 'step')}, but between evaluations a "
        f"lane takes {takes}: some will find no finished training episode (train/return_mean is missing "
        "there)",
    ]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of an experiment's runs as they were measured, whatever its budget."""

    extremes: ExtremeRuns
    """What its configurations cost, whatever the environment."""
    evaluation: EvaluationCost
    """What an evaluation costs."""
    concurrency: int
    """Runs at once."""
    step_s: float
    """Seconds on the clock of one environment step of one lane."""
    lanes_s: float
    """Seconds on the clock in which a process that trains makes its lanes."""


def estimate_of(plan: Plan, costs: Costs) -> CostEstimate:
    """Estimates the cost of the runs that the folder does not hold yet."""
    experiment, fixed = plan.experiment, plan.experiment.fixed
    workload = Workload(
        steps=experiment.budget.steps_per_trial,
        evaluations=experiment.budget.evaluations,
        step_s=costs.step_s,
        evaluation_s=costs.evaluation.seconds,
    )

    def cost(config: Mapping[str, Any]) -> RunCost:
        settings = hyperparameters.with_defaults(trainer_part(config), fixed)
        # A layout that there was no time to measure counts as the default's.
        networks = costs.extremes.networks
        network = networks.get(settings["layout"], next(iter(networks.values())))
        return run_cost(settings, network.slowed(costs.extremes.slowdown), workload)

    full = [cost(config) for config in drawn(experiment.space, MIX)]
    seeds = experiment.seeds_per_trial
    average = RunCost(
        seconds=sum(run.seconds for run in full) / MIX,
        steps=round(sum(run.steps for run in full) / MIX),
        bytes=round(sum(run.bytes for run in full) / MIX),
    )
    searched = {run.name for run in settled_runs(plan, Phase.SEARCH)}
    has_default = FIRST_TRIAL in searched
    racers, interim_analyses = _race(plan, cost, average)
    return estimate(
        trials=[side_by_side(run, seeds) for run in full],
        default=None if has_default else side_by_side(cost(experiment.space.defaults), seeds),
        others=max(0, experiment.budget.trials - len(searched) - (not has_default)),
        share=trained_share(experiment.scheduler),
        confirmation=racers,
        interim_analyses=interim_analyses,
        search_bytes=round(experiment.checkpoint_budget_gb * 1e9),
        concurrency=costs.concurrency,
        lanes_s=costs.lanes_s,
        apart=isinstance(plan.experiment.scheduler, Population),
        ablation=[average] * _ablation_runs(plan),
    )


def _ablation_runs(plan: Plan) -> int:
    """Returns the runs that the ablation of a winner may take yet."""
    if isinstance(plan.experiment.scheduler, Population) or not lacks_runs(plan):
        return 0
    done = sum(is_ablation(run.name) for run in settled_runs(plan, Phase.CONFIRM))
    return max(0, plan.experiment.confirmation.ablation - done)


def _race(
    plan: Plan, cost: Callable[[Mapping[str, Any]], RunCost], average: RunCost
) -> tuple[list[Racer], Sequence[int]]:
    """Returns what is confirmed, and the interim analyses that its race has not taken.

    Args:
        plan: The sweep.
        cost: What a run of a configuration takes.
        average: The same of those that the search has not found yet.
    """
    interim_analyses = plan.experiment.confirmation.interim_analyses
    done = Counter(run.config_id for run in settled_runs(plan, Phase.CONFIRM))
    if missing_trials(plan):
        # The best so far are taken to remain the best.
        begun = sorted((n for config, n in done.items() if is_trial(config)), reverse=True)
        best = islice(chain(begun, repeat(0)), plan.experiment.top_k)
        return [
            *(
                Racer(run=cost(config), most=most_seeds(name, interim_analyses), done=done[name])
                for name, config in plan.baselines.items()
            ),
            *(Racer(run=average, most=interim_analyses[-1], done=n) for n in best),
        ], interim_analyses
    chosen = chosen_configurations(plan)
    state = run_race(load_confirmation(plan.folder), interim_analyses, list(chosen))
    if not state.standings:
        return [], interim_analyses

    def most(config: str) -> int:
        """Returns the most seeds: a baseline goes on for as long as anyone does."""
        goes_on = not state.is_over and state.standings.get(config, Standing.OPEN) is Standing.OPEN
        return most_seeds(config, interim_analyses) if goes_on else state.seeds[config]

    racers = [
        Racer(run=cost(config_at(config, 0)), most=most(name), done=done[name])
        for name, config in chosen.items()
    ]
    return racers, [n for n in interim_analyses if n >= max(state.seeds.values())]
