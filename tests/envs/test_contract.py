"""Every registered id keeps the contract that trainers, the analysis and the other ids rely on."""

import dataclasses
import json
import pickle
import typing

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils import seeding
from gymnasium.vector.utils import iterate
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import envs
from envs.check import check_single_env, check_vector_env
from envs.checking.compare import difference
from envs.checking.vector_runs import play, take_step

HEADINGS = (
    "Action Space",
    "Observation Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Arguments",
    "References",
    "Version History",
)
EPISODES = 400
STEPS_CHECKED = 450

every_id = pytest.mark.parametrize("env_id", envs.ids())


@pytest.fixture(autouse=True)
def _no_window(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")


def make(env_id, **parameters):
    return gym.make(env_id, disable_env_checker=True, **parameters)


def make_vec(env_id, num_envs, **parameters):
    return gym.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point", **parameters)


def script(space, steps, lanes, seed=0):
    space = pickle.loads(pickle.dumps(space))
    space.seed(seed)
    return [[space.sample() for _ in range(lanes)] for _ in range(steps)]


def problems(results):
    return [f"{result.name}: {result.problem}" for result in results if not result.passed]


def numeric_ranges(parameters):
    """The range that each numeric field is checked against, learnt from the checks themselves."""
    ranges = {}

    class Recording(type(parameters)):
        def check(self, name, low, high=np.inf, **options):
            ranges[name] = (low, high)
            super().check(name, low, high, **options)

    Recording(**{field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)})
    return ranges


def values_of(parameters):
    """A strategy for each field that hypothesis can vary: numbers within their range, flags and choices."""
    kinds = typing.get_type_hints(type(parameters))
    strategies = {}
    for name, (low, high) in numeric_ranges(parameters).items():
        default = getattr(parameters, name)
        if kinds[name] is int:
            # Long episodes and large boards only cost time here.
            strategies[name] = st.integers(int(low), int(min(high, max(2 * default, low + 10))))
        else:
            largest = min(high, max(10 * abs(default), low + 10))
            strategies[name] = st.floats(low, largest, allow_nan=False)
    for name, kind in kinds.items():
        if kind is bool:
            strategies[name] = st.booleans()
        elif typing.get_origin(kind) is typing.Literal:
            strategies[name] = st.sampled_from(typing.get_args(kind))
    return strategies


def extreme_actions(space):
    """Constant actions at the edges of a space, or samples of it where it has none."""
    if isinstance(space, gym.spaces.Discrete):
        return [np.int64(space.start + choice) for choice in range(space.n)]
    if isinstance(space, gym.spaces.Box):
        # Trainers explore beyond a box, so an environment must survive that too.
        return [space.low, space.high, 1e6 * space.high, -1e6 * np.abs(space.high)]
    return [space.sample() for _ in range(3)]


@every_id
def test_gymnasiums_checker_and_strict_types_pass_without_a_warning(env_id):
    assert not problems(check_single_env(lambda: make(env_id), steps=STEPS_CHECKED))


@every_id
def test_batched_lanes_equal_single_environments_bit_for_bit_across_autoresets(env_id):
    results = check_vector_env(
        lambda lanes: make_vec(env_id, lanes), make_single=lambda: make(env_id), steps=STEPS_CHECKED
    )
    assert not problems(results)


@every_id
def test_different_seeds_differ_where_the_environment_is_random(env_id):
    env = make(env_id)
    actions = script(env.action_space, 40, 1)

    def trun_race(seed):
        rng = seeding.np_random(seed)[0]
        env.reset(seed=seed)
        drew = env.np_random.bit_generator.state != rng.bit_generator.state
        return drew, [frame._asdict() for frame in play(make_vec(env_id, 1), actions, seed)]

    drew, first = trun_race(0)
    differs = any(difference(first, trun_race(seed)[1]) is not None for seed in range(1, 20))
    assert differs == drew


@every_id
def test_a_pickled_copy_goes_on_exactly_like_the_original(env_id):
    env = make_vec(env_id, 2)
    actions = script(env.single_action_space, 60, 2)
    env.reset(seed=5)
    for step in actions[:7]:
        take_step(env, step)
    copy = pickle.loads(pickle.dumps(env))
    original, copied = ([take_step(twin, step) for step in actions[7:]] for twin in (env, copy))
    assert difference(original, copied) is None


@every_id
def test_the_spec_survives_json_and_still_makes_the_same_environment(env_id):
    spec = make(env_id).spec
    again = EnvSpec.from_json(spec.to_json())
    assert again.kwargs == spec.kwargs
    assert difference(make(env_id).reset(seed=3), gym.make(again).reset(seed=3)) is None


@every_id
def test_parameters_are_plain_values_that_json_carries(env_id):
    parameters = envs.entry(env_id).parameters()
    values = {field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)}
    assert type(parameters).from_mapping(json.loads(json.dumps(values))) == parameters


@every_id
def test_the_docstring_is_the_specification_and_names_every_info(env_id):
    dynamics = envs.entry(env_id).dynamics
    assert [heading for heading in HEADINGS if f"## {heading}\n" not in dynamics.__doc__] == []
    assert dynamics.return_unit
    env = make_vec(env_id, 4)
    frames = play(env, script(env.single_action_space, STEPS_CHECKED, 4), seed=0)
    named = {name.removeprefix("_") for frame in frames for name in frame.infos}
    assert [name for name in sorted(named) if f"| {name} |" not in dynamics.__doc__] == []


@every_id
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_observations_stay_in_bounds_whatever_the_parameters_and_the_policy(env_id, data):
    found = envs.entry(env_id)
    strategies = values_of(found.parameters())
    names = (
        st.lists(st.sampled_from(sorted(strategies)), unique=True, max_size=3) if strategies else st.just([])
    )
    chosen = {name: data.draw(strategies[name], label=name) for name in data.draw(names)}
    try:
        env = make_vec(env_id, 2, **chosen)
    except ValueError:
        reject()
    space = env.single_action_space
    policy = data.draw(st.sampled_from([None, *extreme_actions(space)]), label="policy")
    steps = script(space, 40, 2) if policy is None else [[policy, policy]] * 40
    frames = play(env, steps, seed=data.draw(st.integers(0, 1000), label="seed"))
    assert frames
    for frame in frames:
        lanes = iterate(env.observation_space, frame.observations)
        assert all(env.single_observation_space.contains(observation) for observation in lanes)
        assert np.isfinite(frame.rewards).all()


@every_id
def test_box_observations_have_finite_bounds_of_order_one_or_are_images(env_id):
    space = make(env_id).observation_space
    if isinstance(space, gym.spaces.Box):
        assert space.dtype in (np.float32, np.uint8)
        assert np.isfinite([space.low, space.high]).all()
        assert space.dtype == np.uint8 or np.abs([space.low, space.high]).max() <= 10


@every_id
def test_every_stated_reference_is_what_its_policy_earns(env_id):
    references = envs.references(env_id)
    span = references.optimum - references.floor
    assert {references.floor_policy, references.optimal_policy} <= set(references.policies)
    for name, policy in references.policies.items():
        episodes = envs.roll_out(env_id, policy.act, episodes=EPISODES, seed=0)
        error = abs(episodes.mean - policy.expected_return)
        # Four standard errors, and what divisible quantities in a computed optimum may leave.
        assert error <= 4 * episodes.standard_error + 1e-3 * span, (
            name,
            episodes.mean,
            policy.expected_return,
        )
        assert policy.expected_return <= references.optimum + 1e-9 * span, name


@every_id
def test_the_score_is_zero_at_the_floor_and_one_at_the_optimum(env_id):
    references = envs.references(env_id)
    assert references.score([references.floor, references.optimum]).tolist() == [0.0, 1.0]
    assert references.source


@every_id
@pytest.mark.parametrize("maker", [make, make_vec, envs.references], ids=["make", "make_vec", "references"])
def test_an_unknown_parameter_is_refused_with_the_nearest_valid_one(env_id, maker):
    lanes = (2,) if maker is make_vec else ()
    for field in dataclasses.fields(envs.entry(env_id).parameters()):
        with pytest.raises(
            ValueError, match=f"no parameter '{field.name}x'; did you mean '{field.name}'"
        ) as error:
            maker(env_id, *lanes, **{f"{field.name}x": 1})
        assert "\n" not in str(error.value)


@every_id
def test_an_invalid_value_is_refused_in_one_line_that_names_it(env_id):
    found = envs.entry(env_id)
    ranges = numeric_ranges(found.parameters())
    assert ranges
    for name, (low, high) in ranges.items():
        beyond = [high + 1] if np.isfinite(high) else []
        for wrong in (low - 1, *beyond, float("nan"), float("inf"), float("-inf"), "many", None, [1], True):
            with pytest.raises(ValueError, match=name) as error:
                found.parameters(**{name: wrong})
            assert "\n" not in str(error.value)
            assert repr(wrong) in str(error.value)
