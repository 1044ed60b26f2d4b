"""What is tried first lies in the space, whatever the space is."""

import importlib
from pathlib import Path

import pytest

import experiments
from search_spaces import SearchSpace, log_uniform, model_layouts, ppo
from search_spaces.starting_points import SHORT_BUDGET, starting_points

MODULES = sorted(path.stem for path in Path(experiments.__file__).parent.glob("*_sweep.py"))


@pytest.mark.parametrize("module", MODULES)
def test_every_experiment_starts_from_a_configuration_of_its_space(module):
    space = importlib.import_module(f"experiments.{module}").EXPERIMENT.space
    (point,) = starting_points(space)
    assert space.contains(point)
    assert point != space.defaults
    for name in set(point) - set(SHORT_BUDGET):
        assert point[name] == space.defaults[name], "other names stay at the default"


def test_values_outside_a_domain_stay_at_the_default():
    space = ppo.CORE.narrow(lr=(1e-5, 1e-4)) | ppo.BATCH.narrow(batch_size=(2048, 4096)) | model_layouts.MLP
    (point,) = starting_points(space)
    assert point == {**space.defaults, **SHORT_BUDGET, "lr": 1e-4, "batch_size": 2048}


@pytest.mark.parametrize(
    "space",
    [
        SearchSpace(),
        log_uniform("kl_coeff", 0.1, 1.0, default=0.2, source="a test"),
        log_uniform("lr", 1e-4, 1e-2, default=SHORT_BUDGET["lr"], source="a test"),
    ],
    ids=["empty", "other names", "the default is it"],
)
def test_a_space_without_these_names_has_nothing_to_start_from_but_its_default(space):
    assert starting_points(space) == []
