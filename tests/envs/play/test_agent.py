"""A policy in a child process: it answers, and when it cannot, one line says why."""

import json
import sys

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

from envs.play.agent import Agent
from envs.suite.any_space.probe_spaces import OBSERVATION_SPACES

ID = "sweeps/PointTargetRandom-v0"
GREETING = f'import json, sys\nprint(json.dumps({{"env": "{ID}", "parameters": {{}}}}), flush=True)\n'
ONTO_TARGET = (
    GREETING
    + """
for line in sys.stdin:
    (x, y), = json.loads(line)["observation"]
    print(json.dumps({"action": [[25 + 19 * x, 25 + 19 * y]]}), flush=True)
"""
)


@pytest.fixture
def serve():
    agents = []

    def start(program):
        agents.append(Agent([sys.executable, "-c", program], ID))
        return agents[-1]

    yield start
    for agent in agents:
        agent.close()


def test_it_answers_observations_with_actions_of_the_space(serve):
    agent = serve(ONTO_TARGET)
    for x in (-1.0, 0.0, 1.0):
        action = agent.act(np.array([x, 0.5], dtype=np.float32))
        assert action.dtype == np.float32
        np.testing.assert_allclose(action, [25 + 19 * x, 34.5])


@pytest.mark.parametrize("talk", ["Loading", "[1]", '{"action": 3}'])
def test_other_talk_on_its_standard_output_is_refused(serve, talk):
    with pytest.raises(ValueError, match=r'expected {"env": \.\.\., "parameters": \.\.\.}'):
        serve(f"print({talk!r})")


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_every_space_travels_both_ways(name):
    # The action is unpacked from what it was packed into: the spaces are made the same for the test.
    agent = serve_spaces(name)
    space = agent._action_space = agent._observation_space
    space.seed(0)
    for _ in range(3):
        value = space.sample()
        assert data_equivalence(agent.act(value), value)
    agent.close()


def serve_spaces(name):
    greeting = {"env": "sweeps/Spaces-v0", "parameters": {"observation_space": name}}
    echo = (
        f"import json, sys\nprint({json.dumps(greeting)!r}, flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'action': json.loads(line)['observation']}), flush=True)\n"
    )
    return Agent([sys.executable, "-c", echo], "sweeps/Spaces-v0")


def test_it_says_what_it_was_trained_with():
    agent = serve_spaces("graph")
    agent.close()
    assert agent.parameters == {"observation_space": "graph"}


def test_parameters_that_the_environment_does_not_take_are_refused(serve):
    with pytest.raises(ValueError, match="has no parameter 'raduis'; did you mean 'radius'"):
        serve(f'print(\'{{"env": "{ID}", "parameters": {{"raduis": 3}}}}\')')


def test_a_policy_of_another_environment_is_refused(serve):
    with pytest.raises(
        ValueError, match="plays sweeps/Other-v0: expected one of sweeps/PointTargetRandom-v0"
    ):
        serve('print(\'{"env": "sweeps/Other-v0", "parameters": {}}\')')


def test_its_own_error_is_passed_on(serve):
    with pytest.raises(ValueError, match="the policy's process: no checkpoint in results/x"):
        serve('print(\'{"error": "no checkpoint in results/x"}\')')


def test_a_process_that_dies_at_the_start_is_quoted(serve):
    with pytest.raises(ValueError, match="ended: ModuleNotFoundError: No module named 'no_such_module'"):
        serve("import no_such_module")


def test_a_process_that_dies_silently_is_named(serve):
    with pytest.raises(ValueError, match="ended: exit status 3, without a word"):
        serve("raise SystemExit(3)")


def test_a_process_that_dies_while_playing_is_quoted(serve):
    agent = serve(GREETING + "sys.stdin.readline(); sys.exit('out of memory')")
    with pytest.raises(ValueError, match="ended: out of memory"):
        agent.act(np.zeros(2, dtype=np.float32))
    with pytest.raises(ValueError, match="ended: out of memory"):
        agent.act(np.zeros(2, dtype=np.float32))


def test_closing_ends_the_process(serve):
    agent = serve(ONTO_TARGET)
    agent.close()
    assert agent._process.returncode == 0
