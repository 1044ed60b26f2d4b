"""What is proposed for an environment follows from what a moment of play in it shows."""

import gymnasium as gym
import numpy as np
import pytest

from experiments.core.preflight import Play
from experiments.proposal import proposed, source_of

VECTOR = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)


def played(*, space=VECTOR, observations=None, rewards=(1.0, 0.0), step_s=1e-5, lengths=(20, 40)):
    if observations is None:
        observations = [np.full(space.shape, value, space.dtype) for value in (0, 1)]
    return Play(
        observation_space=space, action_space=gym.spaces.Discrete(2), observations=observations,
        rewards=rewards, make_s=0.01, step_s=step_s, lengths=lengths, has_action_mask=False, left_out={},
    )  # fmt: skip


def image(*shape):
    return gym.spaces.Box(0, 255, shape, np.uint8)


def test_numbers_of_order_one_are_taken_as_they_are():
    found = proposed("CartPole-v1", played())
    assert dict(found.experiment.fixed) == {}
    assert found.experiment.vectorization == "auto"
    assert found.experiment.max_evaluation_steps is None
    assert found.layouts == "model_layouts.MLP"
    assert found.episode_steps == (30 + 500) / 2


@pytest.mark.parametrize(
    ("observations", "rewards", "fixed"),
    [
        ([np.array([0.0, 0.0, -80.0])] * 2, (1.0,), {"normalise_observations"}),
        ([np.array([0.0, 0.0, 0.0]), np.array([1.0, 1.0, 0.001])], (1.0,), {"normalise_observations"}),
        (None, (-100.0, 1.0), {"scale_rewards"}),
        (None, (0.0, 0.01), {"scale_rewards"}),
        (None, (0.0, 0.0), set()),
        ([np.array([0.0, 0.0, 9.0])], (9.0,), {"normalise_observations", "scale_rewards"}),
    ],
)
def test_numbers_far_from_order_one_are_scaled_and_the_reason_is_given(observations, rewards, fixed):
    found = proposed("CartPole-v1", played(observations=observations, rewards=rewards))
    assert set(found.experiment.fixed) == fixed == set(found.reasons) - {"space"}


@pytest.mark.parametrize(
    ("shape", "layouts"),
    [((84, 84, 4), "model_layouts.CNN"), ((36, 36, 3), "model_layouts.CNN"), ((8, 8, 3), "narrow(")],
)
def test_images_are_looked_at_by_layouts_that_fit_them(shape, layouts):
    space = image(*shape)
    found = proposed("CartPole-v1", played(space=space))
    assert layouts in found.layouts
    from search_spaces import model_layouts

    for layout in found.experiment.space["layout"].domain.choices:
        model_layouts.check_fits(layout, shape)


def test_lanes_of_a_slow_environment_are_processes():
    assert proposed("CartPole-v1", played(step_s=0.02)).experiment.vectorization == "async"


def test_episodes_that_never_end_are_cut_off_in_evaluations():
    gym.register("tests/Endless-v0", entry_point="gymnasium.envs.classic_control:PendulumEnv")
    try:
        found = proposed("tests/Endless-v0", played(lengths=()))
    finally:
        del gym.registry["tests/Endless-v0"]
    assert found.experiment.max_evaluation_steps == found.episode_steps == 1000


@pytest.mark.parametrize("space", [VECTOR, image(8, 8, 3), image(84, 84, 3)])
def test_the_source_declares_what_is_proposed(space):
    found = proposed("CartPole-v1", played(space=space, rewards=(50.0,), step_s=0.02))
    text = source_of(found, question="Why?", command="python x.py", cost="1 s", spent="So much.")
    assert max(map(len, text.splitlines())) <= 110
    program = {"__name__": "declared"}
    exec(compile(text, "x_sweep.py", "exec"), program)  # what a user would run
    assert program["EXPERIMENT"] == found.experiment
    assert program["__doc__"].startswith("Why?\n")
