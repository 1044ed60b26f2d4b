"""An ablation path finds the changes that carry a gain, asks for no more than it may, and claims little."""

import numpy as np
import pytest

from analysis.statistics import Interval
from analysis.verdict.ablation import Ablation, End, Step

CHANGES, SEEDS = 6, 20


def walked(effect, *, gain=3.0, budget=150, rng_seed=0, free=(), seeds=SEEDS):
    """Trains what the path asks for until it ends; the path, the runs, and how often it asked."""
    rng = np.random.default_rng(rng_seed)
    target = frozenset(range(CHANGES))
    runs = {
        changes: dict(enumerate(gain * effect(changes) + rng.normal(size=seeds)))
        for changes in (frozenset(), target, *free)
    }
    for rounds in range(100):
        path = Ablation(changes=CHANGES, seeds=seeds, budget=budget, runs=runs, free=frozenset(free)).path()
        if path.end is not None:
            return path, runs, rounds
        for changes, seed in path.missing:
            assert seed not in runs.get(changes, {}), "none twice"
            runs.setdefault(changes, {})[seed] = gain * effect(changes) + rng.normal()
    raise AssertionError("the path does not end")


def carried_by(*large):
    effects = dict(large)
    rest = (1 - sum(effects.values())) / (CHANGES - len(effects))
    return lambda changes: sum(effects.get(change, rest) for change in changes)


def test_one_change_that_carries_the_gain_is_the_only_one_that_is_taken_over():
    path, _, rounds = walked(carried_by((4, 0.95)))
    assert (path.end, [step.change for step in path.steps]) == (End.AS_GOOD, [4])
    assert path.steps[0].carried == pytest.approx(0.95, abs=0.25)
    assert path.steps[0].seeds == SEEDS
    assert rounds == 4  # three stages, and all seeds of the best


def test_changes_are_taken_over_by_what_they_gain_until_little_is_lacking():
    path, _, _ = walked(carried_by((1, 0.6), (3, 0.38)), gain=6.0)
    assert (path.end, [step.change for step in path.steps]) == (End.AS_GOOD, [1, 3])
    assert path.steps[0].carried < 0.8 < path.steps[1].carried


def test_each_stage_goes_on_with_the_better_half():
    runs = {
        changes: dict.fromkeys(range(20), value)
        for changes, value in ((frozenset(), 0.0), (frozenset(range(4)), 9.0))
    }
    first = Ablation(changes=4, seeds=20, budget=99, runs=runs)
    assert first.path().missing == tuple((frozenset({c}), seed) for c in range(4) for seed in range(3))
    for change in range(4):
        runs[frozenset({change})] = dict.fromkeys(range(3), float(change))
    second = Ablation(changes=4, seeds=20, budget=99, runs=runs).path()
    assert second.missing == tuple((frozenset({c}), seed) for c in (3, 2) for seed in (3, 4, 5))
    assert second.steps == ()


@pytest.mark.parametrize("budget", [0, 17, 18, 60, 75])
def test_no_more_runs_are_asked_for_than_may_be_spent(budget):
    path, runs, _ = walked(carried_by(), budget=budget)
    spent = sum(len(own) for changes, own in runs.items() if 0 < len(changes) < CHANGES)
    assert path.end == End.BUDGET
    assert path.spent == spent <= budget
    assert (spent == 0) == (budget < 6 * 3)


def test_what_was_confirmed_anyway_costs_nothing():
    adapted = frozenset({2})
    path, runs, _ = walked(carried_by((2, 1.0)), budget=60, free=[adapted])
    assert (path.end, path.steps[0].change) == (End.AS_GOOD, 2)
    assert path.spent == sum(len(own) for one, own in runs.items() if len(one) == 1 and one != adapted)


def test_a_path_is_a_function_of_its_runs_alone_wherever_they_were_cut_off():
    path, runs, _ = walked(carried_by((1, 0.6), (3, 0.38)))
    rng = np.random.default_rng(1)
    ends = (frozenset(), frozenset(range(CHANGES)))
    for _ in range(20):
        kept = {
            changes: own if changes in ends else {k: x for k, x in own.items() if rng.random() < 0.7}
            for changes, own in runs.items()
        }
        for _ in range(100):
            now = Ablation(changes=CHANGES, seeds=SEEDS, budget=150, runs=kept).path()
            if now.end is not None:
                break
            for changes, seed in now.missing:
                kept[changes][seed] = runs[changes][seed]
        assert now == path


def test_half_of_the_gain_is_rarely_called_as_good():
    wrong = 0
    for rng_seed in range(60):
        path, _, _ = walked(carried_by((0, 0.45)), gain=2.0, rng_seed=rng_seed, budget=60)
        wrong += path.end == End.AS_GOOD and len(path.steps) == 1
    assert wrong <= 5


def test_where_all_changes_are_needed_none_less_is_called_as_good():
    path, _, _ = walked(lambda changes: float(len(changes) == CHANGES), budget=10_000)
    assert path.end == End.ALL
    assert len(path.steps) <= CHANGES - 1
    assert all(step.carried < 0.5 for step in path.steps)


@pytest.mark.parametrize(
    ("carried", "low", "minimal_effect", "good"),
    [
        (0.9, -0.99, 0.0, True),
        (0.9, -1.01, 0.0, False),  # more than half of the gain may be lacking
        (0.9, -1.01, 1.5, True),  # which is too little to matter
        (0.79, -0.5, 9.0, False),  # by the means too much is lacking
    ],
)
def test_as_good_means_most_of_the_gain_and_no_loss_that_matters(carried, low, minimal_effect, good):
    runs = {frozenset(): dict.fromkeys(range(20), 0.0), frozenset({0, 1}): dict.fromkeys(range(20), 2.0)}
    ablation = Ablation(changes=2, seeds=20, budget=99, runs=runs, minimal_effect=minimal_effect)
    step = Step(change=0, changes=frozenset({0}), seeds=20, carried=carried, behind=Interval(low, 0.1))
    assert ablation.is_as_good(step) == good
