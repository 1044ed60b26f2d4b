"""Keywords of an environment are recorded as what they are made again from, or refused by their name."""

from pathlib import Path

import numpy as np
import pytest

from experiments import Budget, Experiment
from experiments.core.declaration.parameters import recorded
from experiments.core.errors import UserError
from search_spaces import ppo


def declared(**changes):
    return Experiment(
        env="CartPole-v1", space=ppo.CORE, budget=Budget(trials=2, steps_per_trial=1024), **changes
    )


def test_paths_and_numbers_of_numpy_are_recorded_and_reach_the_environment_as_they_are():
    given = {
        "file": Path("data") / "tariff.csv",
        "size": np.int64(3),
        "parts": ({"at": Path("x")}, 1.5, None),
    }
    assert declared(env_parameters=given).env_parameters == given
    assert recorded(given) == {"file": "data/tariff.csv", "size": 3, "parts": [{"at": "x"}, 1.5, None]}
    assert type(recorded(given)["size"]) is int


@pytest.mark.parametrize("setting", ["env_parameters", "validation_parameters", "test_parameters"])
@pytest.mark.parametrize("value", [np.array([0.2, 0.8]), object(), {1, 2}, [b"x"], {"deep": [print]}])
def test_what_cannot_be_recorded_is_refused_by_its_name(setting, value):
    with pytest.raises(UserError) as caught:
        declared(**{setting: {"weights": value}})
    assert str(caught.value).startswith(f"{setting}: weights=")
    assert f"of type {type(value).__name__} cannot be recorded" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fixed_number_of_numpys_becomes_pythons():
    fixed = declared(fixed={"batch_size": np.int64(512)}).fixed
    assert type(fixed["batch_size"]) is int
