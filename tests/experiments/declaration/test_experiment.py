"""A declaration is checked when it is made, and every shipped one is sound."""

import dataclasses

import pytest

from analysis.verdict import most_extra_seeds
from experiments import Budget, Confirmation, Experiment, Racing
from experiments.__main__ import declared
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from search_spaces import ppo

BUDGET = Budget(trials=4, steps_per_trial=1000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Budget(trials=0, steps_per_trial=100), "trials=0: expected a whole number, 1 to"),
        (lambda: Budget(trials=-3, steps_per_trial=100), "trials=-3"),
        (
            lambda: Budget(trials=3, steps_per_trial=-1),
            "steps_per_trial=-1: expected a whole number, 1 or more",
        ),
        (lambda: Budget(trials=3, steps_per_trial=8, evaluations=9), "evaluations=9"),
        (lambda: Confirmation(top_k=0), "top_k=0"),
        (lambda: Confirmation(seeds=True), "seeds=True"),
        (lambda: Confirmation(minimal_effect=-0.1), "minimal_effect=-0.1"),
        (lambda: Confirmation(max_collapse=0.6), "max_collapse=0.6: expected a number"),
        (lambda: Confirmation(max_collapse=0.001), "max_collapse=0.001"),
        (lambda: Racing(start=4), "start=4: expected a whole number, 5 to"),
        (lambda: Racing(start=5, maximum=5), "maximum=5: expected a whole number, 6 to"),
        (lambda: Experiment(env="x", space=ppo.CORE, budget=BUDGET, lanes=0), "lanes=0"),
        (
            lambda: Experiment(env="x", space=ppo.CORE, budget=BUDGET, fixed={"lr": 1}),
            "lr both searched and fixed",
        ),
    ],
)
def test_a_wrong_number_is_refused_with_what_was_expected(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_declaration_cannot_be_changed():
    experiment = Experiment(env="x", space=ppo.CORE, budget=BUDGET, fixed={"epochs_": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        experiment.lanes = 3
    with pytest.raises(TypeError):
        experiment.fixed["lr"] = 1


def test_options_replace_only_what_they_name():
    experiment = Experiment(env="x", space=ppo.CORE, budget=BUDGET)
    changed = Options(trials=9, confirm_seeds=6, seed=5).apply(experiment)
    assert changed.budget == Budget(trials=9, steps_per_trial=1000)
    assert changed.confirmation == Confirmation(seeds=6)
    assert changed.seed == 5
    assert Options().apply(experiment) == experiment


def test_an_option_that_makes_no_sense_is_refused():
    experiment = Experiment(env="x", space=ppo.CORE, budget=BUDGET)
    with pytest.raises(UserError, match="--trials -1: expected a whole number"):
        Options(trials=-1).apply(experiment)


def test_seeds_are_raced_for_unless_their_number_is_fixed():
    assert Confirmation().interim_analyses == (5, 8, 13, 20)
    assert Racing(start=5, maximum=6).interim_analyses == (5, 6)
    assert Confirmation(seeds=7).interim_analyses == (7,)
    assert (str(Confirmation()), str(Confirmation(seeds=7))) == ("5 to 20", "7")
    # A bound on collapses may take the winner further than the race.
    bounded = Confirmation(max_collapse=0.1)
    assert (bounded.interim_analyses, bounded.maximum) == ((5, 8, 13, 20), most_extra_seeds(3, 0.1))
    assert str(bounded) == f"5 to {bounded.maximum}"
    raced = Experiment(env="x", space=ppo.CORE, budget=BUDGET)
    assert Options(confirm_seeds=10).apply(raced).confirmation.interim_analyses == (10,)


@pytest.mark.parametrize("name", list(declared()))
def test_every_experiment_asks_a_question_and_searches_what_the_suite_is_about(name):
    question, experiment = declared()[name]
    assert question.endswith("?")
    searched = set(experiment.space.names)
    assert {"lr", "kl_coeff", "batch_size", "layout"} <= searched


@pytest.mark.parametrize("name", list(declared()))
def test_every_experiment_confirms_on_seeds_enough_for_a_verdict(name):
    _, experiment = declared()[name]
    assert experiment.confirmation.interim_analyses[0] >= 5
