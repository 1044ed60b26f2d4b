"""Search spaces join, narrow and describe themselves, and refuse what cannot be meant."""

import json
import re

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces import Hyperparameter, SearchSpace, choice, integer, log_uniform, uniform

LR = log_uniform("lr", 1e-5, 1e-2, default=3e-4, source="here")
CLIP = uniform("clip", 0.1, 0.4, default=0.2, source="here")
EPOCHS = integer("epochs", 3, 20, default=10, source="here")
BATCH = choice("batch_size", 512, 1024, 2048, default=1024, source="here")
SPACE = LR | CLIP | EPOCHS | BATCH


def test_joined_spaces_keep_their_order_and_defaults():
    assert SPACE.names == ("lr", "clip", "epochs", "batch_size")
    assert SPACE.defaults == {"lr": 3e-4, "clip": 0.2, "epochs": 10, "batch_size": 1024}
    assert SPACE.domains["lr"] == FloatDistribution(1e-5, 1e-2, log=True)
    assert SPACE.domains["epochs"] == IntDistribution(3, 20)
    assert SPACE.domains["batch_size"] == CategoricalDistribution((512, 1024, 2048))


def test_a_name_declared_twice_is_refused():
    with pytest.raises(ValueError, match="lr declared twice"):
        SPACE | LR


def test_narrowing_keeps_the_scale_and_moves_a_default_that_fell_out():
    narrowed = SPACE.narrow(lr=(1e-3, 1e-2), batch_size=(2048, 512))
    assert narrowed["lr"].domain == FloatDistribution(1e-3, 1e-2, log=True)
    assert narrowed["lr"].default == 1e-3
    assert narrowed["batch_size"].default == 2048
    assert narrowed["clip"] == SPACE["clip"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"lr": (1e-6, 1e-3)}, "expected values inside 1e-05 to 0.01 \\(log\\)"),
        ({"lr": (1e-3, 1e-4)}, "low below high"),
        ({"lr": ()}, "expected values inside"),
        ({"batch_size": (256,)}, "one of 512, 1024, 2048"),
        ({"epochs": (3.5, 10)}, "expected values inside"),
    ],
)
def test_narrowing_beyond_the_space_is_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        SPACE.narrow(**limits)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match="did you mean 'epochs'"):
        SPACE.narrow(epoch=(3, 5))
    with pytest.raises(KeyError, match="has no hyperparameter 'gamma'"):
        SPACE.without("gamma")


def test_a_name_can_be_taken_out():
    assert SPACE.without("clip", "lr").names == ("epochs", "batch_size")


@pytest.mark.parametrize("default", [1.0, 0.0, "fast", True])
def test_a_default_outside_its_domain_is_refused(default):
    with pytest.raises(ValueError, match="lies outside"):
        Hyperparameter(name="clip", domain=FloatDistribution(0.1, 0.4), default=default, source="here")


@pytest.mark.parametrize("made", [[64, 64], (1,), {"a": 1}, object, np.ones(2)])
def test_a_choice_that_is_not_a_scalar_is_refused(made, recwarn):
    with pytest.raises(
        ValueError, match=r"^x: the choice .* expected a number, a text, a truth value or None"
    ):
        choice("x", made, 1, default=1, source="here")
    assert not recwarn.list


def test_numbers_of_numpy_become_pythons_and_none_stays():
    space = choice("x", *np.array([2, 4]), None, default=np.int64(4), source="here")
    assert [type(each) for each in space["x"].domain.choices] == [int, int, type(None)]
    assert type(space.defaults["x"]) is int
    ends = integer("y", np.int64(1), 3.0, default=2, source="here")["y"].domain
    assert (ends.low, ends.high, type(ends.low), type(ends.high)) == (1, 3, int, int)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: log_uniform("lr", 0.0, 1e-3, default=1e-4, source=""),
            "lr from 0 to 0.001 on a log scale: exp",
        ),
        (lambda: log_uniform("lr", -1, 1e-3, default=1e-4, source=""), "expected ends above 0, say 1e-06"),
        (
            lambda: uniform("x", 1.0, 0.0, default=0.5, source=""),
            "x from 1 to 0: expected the lower end first",
        ),
        (lambda: uniform("x", "a", 1, default=0.5, source=""), "x from 'a' to 1: expected finite numbers"),
        (
            lambda: uniform("x", 0, float("inf"), default=0.5, source=""),
            "x from 0 to inf: expected finite numbers",
        ),
        (lambda: uniform("x", True, 2, default=1.5, source=""), "x from True to 2: expected finite numbers"),
        (lambda: integer("n", 1.5, 4, default=2, source=""), "n from 1.5 to 4: expected whole numbers"),
    ],
)
def test_a_domain_that_is_none_is_refused_by_its_hyperparameters_name(make, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        make()


def test_membership_needs_every_name_and_every_value_inside():
    assert SPACE.contains(SPACE.defaults)
    assert not SPACE.contains({**SPACE.defaults, "lr": 1.0})
    assert not SPACE.contains({**SPACE.defaults, "extra": 1})
    assert not SPACE.contains({name: SPACE.defaults[name] for name in ("lr", "clip")})


def test_the_manifest_form_is_json_with_domain_default_and_source():
    recorded = json.loads(json.dumps(SPACE.to_json()))
    assert list(recorded) == list(SPACE.names)
    assert recorded["lr"]["distribution"]["attributes"] == {
        "low": 1e-5,
        "high": 1e-2,
        "log": True,
        "step": None,
    }
    assert recorded["lr"]["default"] == 3e-4
    assert recorded["lr"]["source"] == "here"


def test_an_empty_space_joins_with_anything():
    assert SearchSpace() | LR == LR
    assert len(SearchSpace()) == 0
