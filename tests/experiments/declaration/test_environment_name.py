"""What an experiment takes as its environment, and the text that it holds instead."""

import dataclasses
import functools
import sys
import types

import gymnasium as gym
import pytest

from experiments import Budget, Experiment, UserError
from search_spaces import model_layouts


class Walk(gym.Env):
    """An environment at the top level of a module."""

    class Long(gym.Env):
        """One inside another class."""


def make_walk(**parameters):
    return Walk(**parameters)


def declared(env):
    return Experiment(env=env, space=model_layouts.MLP, budget=Budget(trials=2, steps_per_trial=512))


@pytest.mark.parametrize("text", ["CartPole-v1", "my_env:my/Walk-v0", "my_env:Walk"])
def test_text_stays_as_it_is(text):
    assert declared(text).env == text


@pytest.mark.parametrize(
    ("given", "name"), [(Walk, "Walk"), (Walk.Long, "Walk.Long"), (make_walk, "make_walk")]
)
def test_a_class_or_a_function_is_held_as_the_text_that_names_it(given, name):
    experiment = declared(given)
    assert experiment.env == f"{__name__}:{name}"
    assert experiment == declared(f"{__name__}:{name}")
    assert dataclasses.replace(experiment, seed=3).env == experiment.env
    assert f"env='{__name__}:{name}'" in repr(experiment)
    with pytest.raises(dataclasses.FrozenInstanceError):
        experiment.env = "CartPole-v1"


@pytest.mark.parametrize(
    ("spec", "file", "module"),
    [
        (None, "my_sweep.py", "my_sweep"),
        ("lab.sweeps.first", "lab/sweeps/first.py", "lab.sweeps.first"),
        (None, None, "__main__"),  # an interpreter, or a notebook
        (None, "<stdin>", "__main__"),
    ],
)
def test_what_the_program_declares_is_named_by_the_module_that_others_import(
    monkeypatch, tmp_path, spec, file, module
):
    monkeypatch.chdir(tmp_path)
    program = types.ModuleType("__main__")
    if file is not None:
        program.__file__ = file
    if file is not None and not file.startswith("<"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    program.__spec__ = None if spec is None else types.SimpleNamespace(name=spec)
    monkeypatch.setitem(sys.modules, "__main__", program)
    monkeypatch.setattr(Walk, "__module__", "__main__")
    assert declared(Walk).env == f"{module}:Walk"


def local_class():
    class Local(gym.Env):
        pass

    return Local


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "env=3: expected an id, 'module:id', 'module:Class', or a class or a function that makes"),
        (Walk(), "expected an id, 'module:id', 'module:Class', or a class or a function"),
        (functools.partial(Walk), "its keywords go into env_parameters"),
        (lambda: Walk(), "at the top level of a module; write def make_env(**parameters) there"),
        (local_class(), f"env=local_class.<locals>.Local of {__name__}: expected a class or a function at"),
    ],
)
def test_what_has_no_name_to_be_found_by_is_refused_in_one_line(given, message):
    with pytest.raises(UserError) as caught:
        declared(given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_experiment_without_an_environment_is_no_experiment():
    with pytest.raises(TypeError, match="'env'"):
        Experiment(space=model_layouts.MLP, budget=Budget(trials=2, steps_per_trial=512))
