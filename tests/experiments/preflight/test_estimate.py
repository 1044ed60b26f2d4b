"""An estimate is arithmetic that one can do in the head."""

import math

import pytest

from experiments import Asha, Hyperband, Median, NoScheduler, PopulationBandit, PopulationBased
from experiments.core.preflight.cost_model import (
    ASHA_SHARE,
    ITERATION_S,
    MEDIAN_SHARE,
    NEXT_PHASE_S,
    NEXT_ROUND_S,
    REPORT_BYTES,
    REPORT_S,
    RUN_BYTES,
    RUN_S,
    START_S,
    NetworkCost,
    Racer,
    RunCost,
    Workload,
    estimate,
    run_cost,
    side_by_side,
    trained_share,
)

NETWORK = NetworkCost(sampling_s=1e-4, gradient_s=1e-3, row_s=1e-5, checkpoint_bytes=1_000_000)
SETTINGS = {"batch_size": 1000, "minibatch_size": 100, "epochs": 5}
RUN = RunCost(seconds=10.0 + RUN_S, steps=1000, bytes=100)


def test_a_run_costs_its_steps_its_gradient_steps_and_its_evaluations():
    cost = run_cost(SETTINGS, NETWORK, Workload(steps=4000, evaluations=2, step_s=2e-3, evaluation_s=0.5))
    sampled, updated = 4 * 1000 * (1e-4 + 2e-3), 4 * 50 * (1e-3 + 100 * 1e-5)
    assert cost.seconds == pytest.approx(sampled + updated + 2 * 0.5 + 4 * ITERATION_S + RUN_S)
    assert cost.steps == 4000
    assert cost.bytes == 1_000_000 + RUN_BYTES


def test_a_run_trains_whole_batches_and_is_evaluated_at_most_once_for_each():
    cost = run_cost(SETTINGS, NETWORK, Workload(steps=1500, evaluations=16, step_s=0.0, evaluation_s=1.0))
    assert cost.steps == 2000
    assert 2.0 < cost.seconds < 3.0


def racers(*most, done=0):
    return [Racer(run=RUN, most=seeds, done=done) for seeds in most]


def added(**changes):
    given = {
        "trials": [RUN], "default": RUN, "others": 9, "share": 0.5, "confirmation": racers(4, 4),
        "interim_analyses": (1, 4), "search_bytes": 10**9, "concurrency": 1, "lanes_s": 0.0,
    }  # fmt: skip
    return estimate(**given | changes)


def test_stopped_trials_count_with_their_share_and_the_default_in_full():
    found = added()
    assert found.search_s == pytest.approx(10 + RUN_S + 9 * (5 + RUN_S))
    assert found.confirm_s == pytest.approx(4 * (10 + RUN_S) + NEXT_ROUND_S)
    assert found.around_s == pytest.approx(START_S + REPORT_S)
    assert found.seconds == found.search_s + found.confirm_s + found.around_s
    assert found.steps == 9 * 500 + 5 * 1000
    assert found.bytes == 14 * 100 + REPORT_BYTES


def test_cores_share_the_runs_and_a_single_run_is_never_shared():
    fixed = added(concurrency=2, interim_analyses=(2,))
    assert fixed.confirm_s == pytest.approx((4.5 * (10 + RUN_S)) / 2)
    alone = [*racers(2, done=2), *racers(4, done=1)]
    assert added(concurrency=8, confirmation=alone).confirm_s == pytest.approx(10 + RUN_S)


def test_a_race_may_end_at_its_first_analysis_or_at_its_last():
    found = added()
    assert found.confirm_range_s == pytest.approx((2 * (10 + RUN_S), 8 * (10 + RUN_S) + NEXT_ROUND_S))
    further = added(confirmation=[*racers(4, done=2), *racers(4, done=1)])
    assert further.confirm_range_s == pytest.approx((0.0, 5 * (10 + RUN_S)))
    fixed = added(interim_analyses=(2,))
    assert fixed.confirm_range_s == (fixed.confirm_s, fixed.confirm_s)


def test_each_round_of_a_race_waits_for_the_last_run_of_the_one_before():
    # Two, four and two runs on two cores, half a run more in each round, and two starts between them.
    found = added(interim_analyses=(1, 3, 4), concurrency=2)
    assert found.confirm_range_s[1] == pytest.approx((8 + 3 * 0.5) / 2 * (10 + RUN_S) + 2 * NEXT_ROUND_S)


def test_a_configuration_takes_no_more_seeds_than_it_may():
    found = added(confirmation=racers(4, 2))
    assert found.confirm_range_s[1] == pytest.approx(6 * (10 + RUN_S) + NEXT_ROUND_S)


def test_a_busy_machine_computes_longer_by_as_much_and_waits_no_longer():
    work = Workload(steps=1000, evaluations=1, step_s=2e-3, evaluation_s=0.5)
    idle, busy = (run_cost(SETTINGS, network, work) for network in (NETWORK, NETWORK.slowed(3.0)))
    waiting = 1000 * 2e-3 + 0.5 + ITERATION_S + RUN_S
    assert busy.seconds - waiting == pytest.approx(3 * (idle.seconds - waiting))
    assert busy.bytes == idle.bytes


def test_processes_that_make_their_lanes_slowly_start_later():
    assert added(lanes_s=7.0).around_s == pytest.approx(added().around_s + 7)


def test_a_confirmation_apart_from_the_search_starts_processes_of_its_own():
    assert added(lanes_s=7.0, apart=True).around_s == pytest.approx(
        added(lanes_s=7.0).around_s + NEXT_PHASE_S + 7
    )
    alone = {"interim_analyses": (1,), "confirmation": []}
    assert added(apart=True, **alone).around_s == pytest.approx(added(**alone).around_s)


def test_the_budget_of_checkpoints_bounds_what_the_search_leaves():
    assert added(search_bytes=250).bytes == 250 + 4 * 100 + REPORT_BYTES


def test_seeds_side_by_side_cost_as_much_each():
    several = side_by_side(RUN, 3)
    assert several.seconds == pytest.approx(30 + RUN_S)
    assert (several.steps, several.bytes) == (3000, 300)


def test_what_is_done_already_costs_nothing():
    found = added(default=None, others=0, confirmation=racers(4, 4, done=4))
    assert found.search_s == found.confirm_s == 0.0
    assert found.seconds == REPORT_S
    assert found.steps == 0


@pytest.mark.parametrize(
    ("scheduler", "share"),
    [
        (Asha(), ASHA_SHARE),
        # Rungs at 1/4 alone: 1/4 + 1/4 of 3/4, where the default's rungs make 1/2.
        (Asha(reduction=4), ASHA_SHARE * 2 * (1 / 4 + 1 / 4 * 3 / 4)),
        (Asha(grace=1.0), 1.0),
        (Hyperband(brackets=1), 1.0),
        # The first bracket halves at 1/2, which makes 3/4; the second one never.
        (Hyperband(reduction=2, brackets=2), (math.e * ASHA_SHARE * 2 * 3 / 4 + 1) / (math.e + 1)),
        (Median(), MEDIAN_SHARE),
        (NoScheduler(), 1.0),
        (PopulationBased(), 1.0),
        (PopulationBandit(), 1.0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_trial_trains_as_much_as_its_scheduler_lets_it(scheduler, share):
    assert trained_share(scheduler) == pytest.approx(share)
