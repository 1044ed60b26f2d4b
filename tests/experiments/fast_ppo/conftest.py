"""Gives the tests environments whose every step is known; test modules cannot import siblings."""

import importlib.util
from pathlib import Path

import pytest
import torch
from ray import tune

# As in a trial: more threads only wait for each other at these sizes.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def scripted_module():
    """The module of scripted environments."""
    spec = importlib.util.spec_from_file_location("scripted_env", Path(__file__).with_name("scripted_env.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scripted(scripted_module):
    """The same, registered as "scripted" (batched) and "single" in the Ray session of the test."""
    tune.register_env("scripted", lambda context: scripted_module.ScriptedEnv(**context))
    tune.register_env("single", lambda _: scripted_module.ScriptedSingleEnv())
    return scripted_module
