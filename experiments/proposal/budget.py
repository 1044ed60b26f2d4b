"""Budget of a sweep for a time on the clock, by the costs that the checks measured."""

from __future__ import annotations

from dataclasses import replace

from experiments.core.declaration import Experiment
from experiments.core.planning import Plan
from experiments.core.preflight import CostEstimate, Costs, estimate_of

TRIALS = (48, 32, 24, 16, 12, 8)
"""Numbers of trials, the most wanted first."""
ENOUGH_STEPS = 131_072
"""Steps of a trial from which more trials are worth more than more steps."""
MOST_STEPS = 1_048_576
"""Steps of a trial beyond which time is left over."""
UNIT = 4096
"""Steps that budgets are multiples of: the largest batch."""
EPISODES = (128, 64, 32, 16)
"""Episodes of an evaluation, the most wanted first."""
EVALUATED_SHARE = 0.5
"""Steps of all evaluations of a trial, for each step that it trains, up to which more episodes are wanted."""
KEPT_BACK = 0.1
"""Share of the time that is kept back for what the estimate does not know."""


def affordable(
    plan: Plan, costs: Costs, *, seconds: float, episode_steps: float
) -> tuple[Experiment, CostEstimate]:
    """Returns the experiment with as large a budget as a time on the clock allows, and what that costs.

    As many trials as there is time for with :data:`ENOUGH_STEPS` each; where there is not even time for the
    fewest, these with as many steps as fit, at least one batch of the largest size. Evaluations play as many
    episodes as take no more than half the steps of training.

    Args:
        plan: The sweep, with any budget.
        costs: What was measured for it.
        seconds: From the command to the report.
        episode_steps: Steps of an episode, as they are to be expected.
    """
    seconds *= 1 - KEPT_BACK
    for trials in TRIALS:
        for episodes in EPISODES:
            found, cost = _longest(plan, costs, trials, episodes, seconds, episode_steps)
            steps = found.budget.steps_per_trial
            if found.budget.evaluations * episodes * episode_steps <= EVALUATED_SHARE * steps:
                break
        if steps >= ENOUGH_STEPS:
            break
    return found, cost


def _longest(
    plan: Plan, costs: Costs, trials: int, episodes: int, seconds: float, episode_steps: float
) -> tuple[Experiment, CostEstimate]:
    """Returns the experiment with the most steps a trial that fit into a time, and its cost."""
    evaluation = costs.evaluation
    longer = max(1.0, episode_steps / evaluation.length_mean) if evaluation.length_mean > 0 else 1.0
    more = episodes / plan.experiment.evaluation_episodes
    expected = replace(costs, evaluation=replace(evaluation, seconds=evaluation.seconds * longer * more))

    def with_steps(units: int) -> Experiment:
        budget = replace(plan.experiment.budget, trials=trials, steps_per_trial=units * UNIT)
        return replace(plan.experiment, budget=budget, evaluation_episodes=episodes)

    def cost(units: int) -> CostEstimate:
        return estimate_of(replace(plan, experiment=with_steps(units)), expected)

    low, high = 1, MOST_STEPS // UNIT
    while low < high:  # the most that fit lie in between
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(middle).seconds <= seconds else (low, middle - 1)
    return with_steps(low), cost(low)
