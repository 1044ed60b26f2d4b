import json
from copy import deepcopy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.utils.env_checker import data_equivalence as equal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import envs
from envs.spaces.text import from_text, to_text
from envs.suite.any_space.answers import Answers
from envs.suite.any_space.env import SpacesParameters
from envs.suite.any_space.messages import messages
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES

ENV_ID = "sweeps/Spaces-v0"

every_observation = pytest.mark.parametrize("name", OBSERVATION_SPACES)
every_action = pytest.mark.parametrize("name", ACTION_SPACES)


def make(**parameters):
    return gym.make(ENV_ID, disable_env_checker=True, **parameters)


# --- the space as a parameter ----------------------------------------------------------------------------


@every_observation
def test_a_space_its_name_and_its_text_are_the_same_parameter(name):
    space = OBSERVATION_SPACES[name]
    text = to_text(space)
    made = [SpacesParameters(observation_space=given) for given in (space, name, text, json.loads(text))]
    assert len({hash(parameters) for parameters in made}) == 1
    assert all(parameters == made[0] for parameters in made)
    assert made[0].observation_space == name


@pytest.mark.parametrize("space", [*OBSERVATION_SPACES.values(), *ACTION_SPACES.values()], ids=str)
def test_a_space_survives_being_written_down(space):
    again = from_text(to_text(space))
    assert again == space
    assert to_text(again) == to_text(space)
    if isinstance(space, spaces.Dict):
        assert list(again) == list(space)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(np.array([-np.inf, 0, 1]), np.array([3, np.inf, 1]), dtype=np.float64),
        spaces.Box(-np.inf, np.inf, (2,), np.int64),
        spaces.Box(0, 1, (2, 1), np.bool_),
        spaces.Box(-(2**62) - 1, 2**62 + 1, (1,), np.int64),
        spaces.Discrete(3, start=-1, dtype=np.int8),
        spaces.MultiDiscrete([3, 4], dtype=np.uint8),
        spaces.MultiBinary([2, 2]),
        spaces.Text(4, min_length=0),
        spaces.Graph(spaces.Discrete(2), spaces.Box(0, 1, (1,))),
    ],
    ids=str,
)
def test_unusual_spaces_survive_being_written_down(space):
    again = from_text(to_text(space))
    assert again == space
    assert again.dtype == space.dtype
    if isinstance(space, spaces.Box):
        np.testing.assert_array_equal(again.bounded_below, space.bounded_below)
        np.testing.assert_array_equal(again.low, space.low)
        np.testing.assert_array_equal(again.high, space.high)


def test_the_spec_of_an_environment_survives_json_when_its_space_is_given_as_text():
    text = to_text(spaces.Tuple([spaces.Discrete(3, start=1), spaces.Text(4)]))
    spec = EnvSpec.from_json(make(observation_space=text).spec.to_json())
    assert gym.make(spec).observation_space == from_text(text)


def test_references_of_equal_spaces_are_computed_once():
    by_space = envs.references(ENV_ID, observation_space=spaces.Discrete(5))
    assert envs.references(ENV_ID, observation_space="discrete") is by_space


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"observation_space": "grahp"}, "'grahp': expected a Gymnasium space.*graph"),
        ({"observation_space": "{not json"}, "no JSON"),
        ({"observation_space": {"Blob": {}}}, "kind 'Blob': expected one of Box"),
        ({"observation_space": {"Discrete": {"m": 3}}}, "cannot be made"),
        ({"observation_space": spaces.Discrete(1)}, "at least two different members"),
        ({"observation_space": spaces.Dict({1: spaces.Discrete(2)})}, "key 1: expected text"),
        ({"action_space": spaces.Text(3)}, "PPO cannot act in Text.*use a MultiDiscrete"),
        ({"action_space": spaces.OneOf([spaces.Discrete(2)])}, "PPO cannot act in OneOf.*use a Tuple"),
        ({"max_messages": 1}, "max_messages=1: expected a whole number from 2"),
        ({"observation_spce": "text"}, "did you mean 'observation_space'"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_one_line(parameters, words):
    with pytest.raises(ValueError, match=words) as refusal:
        make(**parameters)
    assert "\n" not in str(refusal.value)


def test_an_action_that_is_always_right_leaves_nothing_to_score():
    with pytest.raises(ValueError, match="every policy is as good as any other"):
        envs.references(ENV_ID, action_space=spaces.Discrete(1))


# --- the task --------------------------------------------------------------------------------------------


@every_observation
def test_messages_are_different_members_of_the_space(name):
    space = OBSERVATION_SPACES[name]
    shown = messages(space, 1000)
    assert all(space.contains(message) for message in shown)
    assert not any(equal(one, other) for i, one in enumerate(shown[:40]) for other in shown[:i])
    assert 2 <= len(messages(space, 16)) <= 16


def test_every_part_of_a_nested_space_carries_messages():
    plain, *others = messages(OBSERVATION_SPACES["nested"], 16)
    changed = {key for message in others for key in plain if not equal(message[key], plain[key])}
    assert changed == set(plain)


def test_messages_do_not_depend_on_the_order_of_a_set_of_characters():
    assert messages(spaces.Text(2, charset=frozenset("ba")), 4) == ["aa", "ba", "a", "ab"]


def test_the_places_of_an_image_that_carry_messages_are_spread_over_it():
    plain, *others = messages(OBSERVATION_SPACES["image"], 16)
    rows = {int(np.argwhere(message != plain)[0][0]) for message in others}
    assert len(rows) >= 6


def test_right_and_wrong_choices_and_numbers_earn_what_the_specification_says():
    answers = Answers.of(spaces.Tuple([spaces.Discrete(3, start=5), spaces.Box(0.0, 8.0, (1,))]))
    targets = answers.targets(2)
    assert targets.tolist() == [[5, 6], [6, 2]]
    actions = (np.array([5, 5]), np.array([[2.0], [10.0]]))
    # A right choice and half the range off; a wrong choice and, cut at 8, three quarters of it off.
    np.testing.assert_allclose(answers.closeness(actions, targets), [(1 + 0.75) / 2, (0 + 1 - 0.5625) / 2])


def test_a_number_without_bounds_is_asked_for_between_minus_two_and_two():
    answers = Answers.of(ACTION_SPACES["box-unbounded"])
    assert set(answers.targets(4).ravel()) == {-1.0, 1.0}


@every_action
def test_the_stated_references_are_what_the_policies_earn(name):
    parameters = {"observation_space": "sequence", "action_space": name, "max_messages": 7}
    stated = envs.references(ENV_ID, **parameters)
    assert stated.optimum == 1.0
    assert stated.floor <= stated.policies["blind"].expected_return + 1e-12
    assert stated.policies["blind"].expected_return < 1
    for policy in stated.policies.values():
        earned = envs.roll_out(ENV_ID, policy.act, episodes=3000, seed=1, **parameters)
        assert abs(earned.mean - policy.expected_return) <= 4.5 * earned.standard_error + 1e-9
        assert (earned.lengths == 1).all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 30), st.integers(-100, 100))
def test_the_floor_of_whole_numbers_is_the_mean_over_all_of_them(width, low):
    answers = Answers.of(spaces.Box(low, low + width, (1,), np.int32))
    targets = answers.targets(2)
    values = np.arange(low, low + width + 1.0)[:, None, None]
    assert answers.random_closeness(targets) == pytest.approx(
        answers.element_closeness(values, targets).mean()
    )


# Some spaces here have no bounds, and some no symmetric ones, on purpose.
loose_bounds = pytest.mark.filterwarnings(
    "ignore:.*(symmetric and normalized space|infinity. This is probably)"
)


@every_observation
@loose_bounds
def test_gymnasiums_checker_passes_without_a_warning(name):
    check_env(make(observation_space=name).unwrapped, skip_render_check=True)


@every_action
@loose_bounds
def test_gymnasiums_checker_passes_in_every_action_space(name):
    check_env(make(action_space=name).unwrapped, skip_render_check=True)


@every_observation
def test_observations_are_the_callers_to_keep_and_to_write_into(name):
    assert equal(play(name), play(name, write_into=True))


def play(name, *, write_into=False):
    """Four lanes' observations over thirty steps, which stay what they were when they were returned."""
    env = gym.make_vec(ENV_ID, 4, "vector_entry_point", observation_space=name)
    returned, kept = [], []
    observations, _ = env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(30):
        returned.append(deepcopy(observations))
        kept.append(observations)
        if write_into:
            for array in arrays(observations):
                array.fill(1)
        observations, *_ = env.step(env.action_space.sample())
    assert write_into or equal(kept, returned)
    return returned


def arrays(observations):
    if isinstance(observations, np.ndarray):
        return [observations]
    parts = observations.values() if isinstance(observations, dict) else observations
    return [a for part in parts if isinstance(part, np.ndarray | dict | tuple) for a in arrays(part)]


def test_an_episode_is_one_step_and_keeps_showing_its_observation():
    env = make(observation_space="graph")
    shown, _ = env.reset(seed=3)
    after, _, terminated, truncated, info = env.step(-2)
    assert terminated
    assert not truncated
    assert not info
    assert equal(shown, after)


def test_text_shows_what_is_right_and_what_was_answered():
    env = make(render_mode="ansi", action_space="tuple", observation_space="text")
    env.reset(seed=0)
    assert "nothing yet" in env.render()
    env.step((np.array([1, 0], dtype=np.int8), np.int64(2)))
    assert "answered  ([1, 0], 2) (reward" in env.render()


@pytest.mark.parametrize("name", ["nested", "image"])
def test_a_picture_is_drawn_before_and_after_the_answer(name):
    env = make(render_mode="rgb_array", observation_space=name)
    env.reset(seed=0)
    before = env.render()
    env.step(0)
    after = env.render()
    assert before.shape == after.shape == (420, 720, 3)
    assert (before != after).any()
