"""A budget for a time takes that time by the costs that were measured, and goes to what matters most."""

from dataclasses import replace

import pytest

from experiments import Budget, Experiment
from experiments.core.planning import Options, Plan
from experiments.core.preflight import Costs, estimate_of
from experiments.core.preflight.cost_model import NetworkCost
from experiments.core.preflight.probe import EvaluationCost, ExtremeRuns
from experiments.proposal import affordable
from experiments.proposal.budget import ENOUGH_STEPS, MOST_STEPS, UNIT
from search_spaces import model_layouts, ppo

NETWORK = NetworkCost(sampling_s=1e-5, gradient_s=1e-4, row_s=1e-6, checkpoint_bytes=1000)
EVALUATION = EvaluationCost(
    seconds=0.064, finished=True, cut_off=False, steps=10, length_mean=10.0, score=0.0
)


@pytest.fixture
def plan(tmp_path):
    experiment = Experiment(
        env="sweeps/Bandit-v0",
        space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
        budget=Budget(trials=16, steps_per_trial=65_536, evaluations=12),
        evaluation_episodes=64,
    )
    return Plan.of(experiment, Options(storage=str(tmp_path)), name="x", question="")


def costs(step_s):
    found = ExtremeRuns(networks={"64x64-tanh": NETWORK}, updated=1, given=1, diverged=[], slowdown=1.0)
    return Costs(extremes=found, evaluation=EVALUATION, concurrency=2, step_s=step_s, lanes_s=0.0)


@pytest.mark.parametrize("seconds", [300.0, 600.0, 3600.0, 36_000.0])
@pytest.mark.parametrize("step_s", [1e-5, 1e-4, 1e-3])
def test_as_much_is_tried_as_there_is_time_for(plan, seconds, step_s):
    found, cost = affordable(plan, costs(step_s), seconds=seconds, episode_steps=10.0)
    budget = found.budget
    measured = costs(step_s)
    seconds_each = measured.evaluation.seconds / plan.experiment.evaluation_episodes
    evaluation = replace(measured.evaluation, seconds=seconds_each * found.evaluation_episodes)
    again = estimate_of(replace(plan, experiment=found), replace(measured, evaluation=evaluation))
    assert cost.seconds == pytest.approx(again.seconds)
    assert cost.steps == again.steps
    assert budget.steps_per_trial % UNIT == 0
    if budget.steps_per_trial > UNIT:
        assert cost.seconds <= 0.9 * seconds
    if UNIT < budget.steps_per_trial < MOST_STEPS:
        assert cost.seconds >= 0.7 * seconds, "little time is left over"
    assert budget.trials > 8 or budget.steps_per_trial < 4 * ENOUGH_STEPS


def test_more_time_means_more_steps_until_there_are_enough_and_then_more_trials(plan):
    found = [
        affordable(plan, costs(1e-4), seconds=seconds, episode_steps=10.0)[0].budget
        for seconds in (120, 300, 600, 1200, 3600, 7200)
    ]
    assert [budget.trials for budget in found] == sorted(budget.trials for budget in found)
    assert found[0].trials == 8
    assert found[-1].trials == 48
    assert found[-1].steps_per_trial >= ENOUGH_STEPS


def test_where_there_is_no_time_at_all_one_batch_is_trained_and_the_cost_says_so(plan):
    found, cost = affordable(plan, costs(1.0), seconds=60.0, episode_steps=10.0)
    assert (found.budget.trials, found.budget.steps_per_trial) == (8, UNIT)
    assert cost.seconds > 60.0


def test_long_episodes_are_played_less_often(plan):
    short, _ = affordable(plan, costs(1e-5), seconds=600.0, episode_steps=10.0)
    long, _ = affordable(plan, costs(1e-5), seconds=600.0, episode_steps=5000.0)
    assert (short.evaluation_episodes, long.evaluation_episodes) == (128, 16)
    assert long.budget.steps_per_trial < short.budget.steps_per_trial, "evaluations take their time"
