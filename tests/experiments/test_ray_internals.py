"""Connectors that are built the short way are those that are built the long way."""

import inspect

import gymnasium as gym
import pytest
from ray.rllib.connectors import connector_v2
from ray.rllib.connectors.common import (
    AddObservationsFromEpisodesToBatch,
    BatchIndividualItems,
    NumpyToTensor,
)
from ray.rllib.connectors.env_to_module import FlattenObservations

from experiments.core.ray_internals import without_source_lookup

SPACES = (gym.spaces.Box(0.0, 1.0, (2,)), gym.spaces.Discrete(3))


@pytest.mark.parametrize(
    ("connector", "arguments"),
    [
        (AddObservationsFromEpisodesToBatch, {"as_learner_connector": True}),
        (BatchIndividualItems, {"multi_agent": True}),
        (NumpyToTensor, {"pin_memory": True, "device": "cpu"}),
        (FlattenObservations, {"multi_agent": False}),
    ],
)
def test_a_connector_knows_the_same_arguments_of_its_own(connector, arguments):
    long = connector(*SPACES, **arguments)
    with without_source_lookup():
        short = connector(*SPACES, **arguments)
    assert short._ctor_kwargs == long._ctor_kwargs
    assert arguments.items() <= short._ctor_kwargs.items()
    assert short._ctor_kwargs["input_observation_space"] is SPACES[0]


def test_rllib_is_left_as_it_was():
    with without_source_lookup():
        assert connector_v2.inspect is not inspect
    assert connector_v2.inspect is inspect
    with pytest.raises(ZeroDivisionError), without_source_lookup():
        raise ZeroDivisionError
    assert connector_v2.inspect is inspect
