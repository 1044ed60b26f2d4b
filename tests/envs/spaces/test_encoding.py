import importlib.util
import json
import pickle
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import envs  # noqa: F401  # registers the ids
from envs.spaces import (
    ActionDecoder,
    Limits,
    ObservationEncoder,
    UnsupportedSpaceError,
    encode,
    encode_vector,
)
from envs.spaces.batching import collate, member, take
from envs.suite.any_space.messages import messages
from envs.suite.any_space.probe_spaces import ACTION_SPACES, OBSERVATION_SPACES

# Test modules cannot import their siblings.
_spec = importlib.util.spec_from_file_location(
    "space_strategies", Path(__file__).with_name("space_strategies.py")
)
random_spaces = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(random_spaces)

ENV_ID = "sweeps/Spaces-v0"
ROOMY = Limits(max_items=64)

many = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def small_enough(space):
    try:
        return ObservationEncoder(space, ROOMY).space.shape[0] < 50_000
    except UnsupportedSpaceError:
        return False


trainable_observations = random_spaces.observation_spaces().filter(small_enough)


def make_vec(lanes, **parameters):
    return gym.make_vec(ENV_ID, lanes, "vector_entry_point", **parameters)


# --- observations ----------------------------------------------------------------------------------------


@many
@given(trainable_observations, st.integers(0, 2**31 - 1))
def test_a_batch_is_encoded_as_its_members_are_one_by_one(space, seed):
    encoder = ObservationEncoder(space, ROOMY)
    observations = random_spaces.members(space, 3, seed)
    batch = encoder.encode_batch(collate(space, observations), 3)
    assert batch.dtype == np.float32
    assert all(encoder.space.contains(row) for row in batch)
    np.testing.assert_array_equal(batch, [encoder.encode(observation) for observation in observations])


@many
@given(trainable_observations, st.integers(0, 2**31 - 1))
def test_different_observations_have_different_codes_and_equal_ones_the_same(space, seed):
    encoder = ObservationEncoder(space, ROOMY)
    first, second = random_spaces.members(space, 2, seed)
    assert np.array_equal(encoder.encode(first), encoder.encode(pickle.loads(pickle.dumps(first))))
    same = np.array_equal(encoder.encode(first), encoder.encode(second))
    assert same == data_equivalence(first, second)


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_no_change_in_a_single_place_is_lost(name):
    space = OBSERVATION_SPACES[name]
    encoder = ObservationEncoder(space, Limits())
    codes = np.stack([encoder.encode(message) for message in messages(space, 1000)])
    assert len(np.unique(codes, axis=0)) == len(codes)


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_codes_are_of_order_one(name):
    space = OBSERVATION_SPACES[name]
    codes = np.stack([ObservationEncoder(space, Limits()).encode(message) for message in messages(space, 50)])
    assert np.abs(codes).max() <= 2


def test_bounded_numbers_reach_from_minus_one_to_one():
    encoder = ObservationEncoder(
        spaces.Box(np.array([0, -50]), np.array([255, 150]), dtype=np.int16), Limits()
    )
    np.testing.assert_allclose(encoder.encode(np.array([0, 150], dtype=np.int16)), [-1, 1])
    np.testing.assert_allclose(encoder.encode(np.array([255, 50], dtype=np.int16)), [1, 0])


def test_floats_of_order_one_stay_as_they_are():
    encoder = ObservationEncoder(spaces.Box(-5.0, 5.0, (2,)), Limits())
    np.testing.assert_array_equal(encoder.encode(np.array([-5.0, 0.25], dtype=np.float32)), [-5.0, 0.25])


@pytest.mark.parametrize("high", [np.inf, 3.4e38])
def test_numbers_without_a_usable_bound_grow_like_their_logarithm(high):
    encoder = ObservationEncoder(spaces.Box(-high, high, (4,), np.float64), Limits())
    code = encoder.encode(np.array([0.0, 0.01, -1e6, 1e30]))
    np.testing.assert_allclose(code, [0.0, np.log(1.01), -np.log(1e6 + 1), np.log(1e30)], rtol=1e-5)


def test_every_whole_number_of_24_bits_keeps_a_code_of_its_own():
    encoder = ObservationEncoder(spaces.Box(0, 2**24, (1,), np.int64), Limits())
    ends = np.concatenate([np.arange(1000), 2**24 - np.arange(1000)])[:, None]
    assert len(np.unique(encoder.encode_batch(ends, len(ends)))) == len(ends)


def test_a_choice_among_very_many_is_coded_in_binary_digits():
    encoder = ObservationEncoder(spaces.Discrete(10**12, start=5), Limits())
    assert encoder.space.shape == (40,)
    digits = encoder.encode(np.int64(5 + 0b1011))
    assert digits[:4].tolist() == [1, 1, 0, 1]
    assert not digits[4:].any()


def test_text_is_spelt_character_by_character_and_its_end_is_seen():
    encoder = ObservationEncoder(spaces.Text(3, charset="cab"), Limits())
    assert encoder.encode("ca").reshape(3, 3).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_a_sequence_has_a_mask_for_each_item():
    encoder = ObservationEncoder(spaces.Sequence(spaces.Discrete(2)), Limits(max_items=3))
    assert encoder.encode((1, 0)).reshape(3, 3).tolist() == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert not encoder.encode(()).any()


def test_a_graph_shows_its_nodes_and_which_of_them_are_linked():
    space = spaces.Graph(spaces.Box(-1.0, 1.0, (1,)), spaces.Discrete(2))
    encoder = ObservationEncoder(space, Limits(max_nodes=2, max_edges=2))
    nodes = np.array([[0.5], [-0.5]], dtype=np.float32)
    code = encoder.encode(spaces.GraphInstance(nodes, np.array([1]), np.array([[1, 0]])))
    assert code[:4].tolist() == [1, 0.5, 1, -0.5]
    assert code[4:].reshape(2, 7).tolist() == [[1, 0, 1, 0, 1, 1, 0], [0] * 7]


def test_one_of_shows_the_branch_and_leaves_the_others_empty():
    encoder = ObservationEncoder(spaces.OneOf([spaces.Discrete(2), spaces.Box(-1.0, 1.0, (2,))]), Limits())
    assert encoder.encode((1, np.array([0.5, -1.0], dtype=np.float32))).tolist() == [0, 1, 0, 0, 0.5, -1]


@pytest.mark.parametrize(
    ("space", "observation", "words"),
    [
        (spaces.Sequence(spaces.Discrete(2)), (0,) * 40, "40 items.*at most 32.*larger max_items"),
        (spaces.Graph(spaces.Discrete(2), None), None, "11 nodes.*at most 10.*larger max_nodes"),
        (spaces.Text(3, charset="ab"), "abz", "'abz'.*member of Text"),
        (spaces.Discrete(3), np.int64(3), "observation 3 .*member of Discrete"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(space, observation, words):
    if observation is None:
        observation = spaces.GraphInstance(np.zeros(11, dtype=np.int64), None, None)
    with pytest.raises(ValueError, match=words) as refusal:
        ObservationEncoder(space, Limits()).encode(observation)
    assert "\n" not in str(refusal.value)


class Colour(gym.Space):
    """A space that Gymnasium does not know."""


class Simplex(gym.Space):
    """A space that Gymnasium does not know, of arrays."""

    def __init__(self):
        super().__init__((2, 2), np.float64)


def test_parts_of_an_unknown_kind_are_left_out_and_named_where_others_have_a_code():
    place = spaces.Tuple([Colour(), spaces.Discrete(3)])
    space = spaces.Dict({"colour": Colour(), "none": spaces.Dict({"a": Colour()}), "place": place})
    encoder = ObservationEncoder(space, Limits())
    assert encoder.encode({"colour": "red", "none": {"a": "b"}, "place": ("blue", 1)}).tolist() == [0, 1, 0]
    kind = f"{Colour.__module__}.Colour"
    assert encoder.left_out == {"colour": kind, "none": kind, "place.0": kind}


def test_an_unknown_kind_that_states_shape_and_type_of_numbers_is_encoded_as_numbers():
    value = np.array([[0.0, np.e - 1], [1 - np.e, 0.0]])
    encoder = ObservationEncoder(Simplex(), Limits())
    assert encoder.encode(value).tolist() == pytest.approx([0.0, 1.0, -1.0, 0.0])
    assert ObservationEncoder(spaces.Dict({"a": Simplex()}), Limits()).left_out == {}


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (Colour(), "no encoding.*Colour.*Box or a Dict"),
        (spaces.Dict({"a": spaces.Tuple([Colour()])}), "no encoding.*Colour"),
        (spaces.Box(0, 1, (2000, 2000)), "4,000,000 numbers.*at most"),
        (spaces.Sequence(spaces.Sequence(spaces.Box(0, 1, (3000,)))), "numbers.*lower max_items"),
        (spaces.Dict({}), "shows nothing"),
    ],
)
def test_an_observation_space_without_an_encoding_is_refused_with_the_way_out(space, words):
    with pytest.raises(UnsupportedSpaceError, match=words) as refusal:
        ObservationEncoder(space, Limits())
    assert "\n" not in str(refusal.value)


def test_limits_must_be_whole_and_positive():
    with pytest.raises(ValueError, match="max_items=0"):
        encode(gym.make(ENV_ID), max_items=0)


# --- actions ---------------------------------------------------------------------------------------------


def code_of(space, action):
    """The choices and numbers that stand for an action: the decoder's inverse, up to rounding."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        keys = space.spaces if isinstance(space, spaces.Dict) else range(len(space))
        codes = [code_of(space[key], action[key]) for key in keys]
        return [c for choices, _ in codes for c in choices], [x for _, numbers in codes for x in numbers]
    flat = np.ravel(action)
    if not isinstance(space, spaces.Box):
        start = np.ravel(getattr(space, "start", np.zeros(len(flat))))
        return [int(choice) for choice in flat - start], []
    low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
    whole = space.dtype.kind != "f"
    if whole and (high - low).max() < 32:
        return [int(choice) for choice in flat - low], []
    numbers = []
    for value, lowest, highest in zip(flat.astype(float), low, high, strict=True):
        if np.isfinite(highest - lowest):
            margin = 0.5 if whole else 0.0
            share = (value - lowest + margin) / (highest - lowest + 2 * margin) if highest > lowest else 0.5
            numbers.append(2 * share - 1)
        elif np.isfinite(lowest):
            numbers.append(np.log(np.expm1(max(value - lowest, 1e-12))))
        else:
            numbers.append(value)
    return [], numbers


@many
@given(random_spaces.action_spaces(), st.integers(0, 2**31 - 1))
def test_every_action_can_be_reached(space, seed):
    (action,) = random_spaces.members(space, 1, seed)
    decoder = ActionDecoder(space)
    choices, numbers = code_of(space, action)
    code = np.array(choices, dtype=np.int64) if choices else np.array(numbers, dtype=np.float64)
    if len(choices) == 1:
        code = code[0]
    reached = decoder.decode((code, np.array(numbers)) if choices and numbers else code)
    assert space.contains(reached)
    _assert_close(space, reached, action)


def _assert_close(space, reached, action):
    if isinstance(space, spaces.Dict | spaces.Tuple):
        for key in space.spaces if isinstance(space, spaces.Dict) else range(len(space)):
            _assert_close(space[key], reached[key], action[key])
    else:
        exact = space.dtype.kind != "f"
        np.testing.assert_allclose(reached, action, rtol=0 if exact else 1e-5, atol=0 if exact else 1e-3)
        assert np.asarray(reached).dtype == space.dtype


@many
@given(random_spaces.action_spaces(), st.integers(0, 2**31 - 1))
def test_a_batch_is_decoded_as_its_members_are_one_by_one(space, seed):
    decoder = ActionDecoder(space)
    codes = random_spaces.members(decoder.space, 3, seed)
    batch = decoder.decode_batch(collate(decoder.space, codes))
    for lane, code in enumerate(codes):
        action = decoder.decode(code)
        assert space.contains(action)
        assert data_equivalence(action, member(space, batch, lane))


@pytest.mark.parametrize("name", ACTION_SPACES)
def test_the_offered_space_is_one_that_rllib_takes(name):
    def plain(space):
        if isinstance(space, spaces.Discrete):
            return space.start == 0
        if isinstance(space, spaces.MultiDiscrete):
            return space.nvec.ndim == 1 and not space.start.any()
        return isinstance(space, spaces.Box) and space.dtype == np.float32 and len(space.shape) == 1

    offered = ActionDecoder(ACTION_SPACES[name]).space
    assert all(map(plain, offered.spaces if isinstance(offered, spaces.Tuple) else [offered]))


def test_whole_numbers_take_equal_shares_of_the_policys_range():
    decoder = ActionDecoder(spaces.Box(0, 255, (1,), np.uint8))
    shares = np.linspace(-1, 1, 256_001)[:, None]
    values, counts = np.unique(decoder.decode_batch(shares), return_counts=True)
    assert values.tolist() == list(range(256))
    assert counts.min() >= 999
    assert counts.max() <= 1001


def test_numbers_beyond_the_policys_range_stand_for_the_nearer_bound():
    decoder = ActionDecoder(spaces.Box(np.float32(-30.0), np.float32(0.1), (2,)))
    np.testing.assert_array_equal(decoder.decode(np.array([-7.0, 9.0])), np.array([-30.0, 0.1], np.float32))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_bound_at_the_end_of_a_type_is_none(dtype):
    decoder = ActionDecoder(spaces.Box(-np.inf, np.inf, (3,), dtype))
    assert decoder.decode(np.array([0.4, -2.6, 1e30]))[:2].tolist() == [0, -3]
    assert np.isposinf(decoder.space.high).all()


def test_nan_is_refused():
    with pytest.raises(ValueError, match="lane 1 is not a number"):
        ActionDecoder(spaces.Box(-5.0, 5.0, (1,))).decode_batch(np.array([[0.0], [np.nan]]))


def test_actions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3\).*expected one Box"):
        ActionDecoder(spaces.Box(-5.0, 5.0, (2, 2))).decode_batch(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("space", "instead"),
    [
        (spaces.Text(3), "use a MultiDiscrete"),
        (spaces.Sequence(spaces.Discrete(2)), "use a Tuple of Discrete"),
        (spaces.Graph(spaces.Discrete(2), None), "use a MultiBinary matrix"),
        (spaces.OneOf([spaces.Discrete(2)]), "use a Tuple of Discrete"),
        (spaces.Dict({"word": spaces.Tuple([spaces.Text(3)])}), "use a MultiDiscrete"),
        (spaces.Discrete(10**6), "1,000,000 values.*use a MultiDiscrete of its digits"),
        (spaces.Tuple([]), "nothing to do"),
        (Colour(), "use a Box"),
    ],
)
def test_a_space_that_ppo_cannot_act_in_is_refused_with_what_to_use_instead(space, instead):
    with pytest.raises(UnsupportedSpaceError, match=instead) as refusal:
        ActionDecoder(space)
    assert "\n" not in str(refusal.value)


# --- environments ----------------------------------------------------------------------------------------


def rollout(env, actions, seed):
    frames = [env.reset(seed=seed)]
    frames.extend(env.step(action) for action in actions)
    return frames


@pytest.mark.parametrize("name", OBSERVATION_SPACES)
def test_encoded_lanes_equal_encoded_single_environments_across_autoresets(name):
    parameters = {"observation_space": name, "action_space": "nested"}
    vector = encode_vector(make_vec(3, **parameters))
    vector.action_space.seed(0)
    batches = [vector.action_space.sample() for _ in range(4)]
    frames = rollout(vector, batches, 7)
    in_sync = encode_vector(SyncVectorEnv([lambda: gym.make(ENV_ID, **parameters)] * 3))
    for ours, theirs in zip(frames, rollout(in_sync, batches, 7), strict=True):
        assert data_equivalence(ours[:-1], theirs[:-1])
    for lane in range(3):
        single = encode(gym.make(ENV_ID, **parameters))
        observation, _ = single.reset(seed=7 + lane)
        np.testing.assert_array_equal(frames[0][0][lane], observation)
        for batch, frame in zip(batches[::2], frames[1::2], strict=True):
            observation, reward, terminated, _, _ = single.step(member(single.action_space, batch, lane))
            np.testing.assert_array_equal(frame[0][lane], observation)
            assert (frame[1][lane], frame[2][lane]) == (reward, terminated)
            observation, _ = single.reset()
        np.testing.assert_array_equal(frames[-1][0][lane], observation)


def test_autoreset_stays_in_next_step_mode():
    env = encode_vector(make_vec(2))
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    env.reset(seed=0)
    _, _, terminated, _, _ = env.step(np.zeros(2, dtype=np.int64))
    _, rewards, after, _, _ = env.step(np.zeros(2, dtype=np.int64))
    assert terminated.all()
    assert not after.any()
    assert not rewards.any()


def test_an_environment_that_resets_within_a_step_is_refused():
    env = SyncVectorEnv([lambda: gym.make(ENV_ID)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match=r"SAME_STEP.*expected AutoresetMode\.NEXT_STEP"):
        encode_vector(env)


def test_an_environment_whose_spaces_fit_already_comes_back_as_it_is():
    env = gym.make("sweeps/Trading-v0")
    assert encode(env) is env
    lanes = gym.make_vec("sweeps/Trading-v0", 2, "vector_entry_point")
    assert encode_vector(lanes) is lanes


def test_a_vector_without_bounds_is_squashed_although_its_space_stays_the_same():
    env = gym.make(ENV_ID, observation_space=spaces.Box(-np.inf, np.inf, (3,)), action_space="discrete")
    assert encode(env).observation_space == env.observation_space
    assert encode(env) is not env


def test_the_spec_of_an_encoded_environment_survives_json():
    env = encode(gym.make(ENV_ID, observation_space="graph"), max_nodes=4)
    spec = EnvSpec.from_json(env.spec.to_json())
    again = gym.make(spec)
    assert again.observation_space == env.observation_space
    assert json.loads(env.spec.to_json())["kwargs"] == {"observation_space": "graph"}


def test_an_encoded_vector_environment_can_be_pickled():
    env = encode_vector(make_vec(2, observation_space="nested"))
    env.reset(seed=3)
    copy = pickle.loads(pickle.dumps(env))
    actions = np.zeros(2, dtype=np.int64)
    for _ in range(3):
        assert data_equivalence(env.step(actions), copy.step(actions))


# --- batches ---------------------------------------------------------------------------------------------


# Gymnasium itself takes the rank-0 members of a Graph or of a stacked Sequence for no arrays.
@pytest.mark.filterwarnings("ignore:.*Casting input x")
@many
@given(random_spaces.observation_spaces(), st.integers(0, 2**31 - 1))
def test_members_survive_being_batched_and_taken_out_again(space, seed):
    observations = random_spaces.members(space, 3, seed)
    batch = collate(space, observations)
    swapped = take(space, batch, np.array([2, 0]))
    for lane, observation in enumerate(observations):
        out = member(space, batch, lane)
        assert data_equivalence(out, observation)
        assert space.contains(out)
    assert data_equivalence(member(space, swapped, 0), observations[2])
