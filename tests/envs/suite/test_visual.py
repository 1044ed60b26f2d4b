"""Walks end where they should, images show both squares, and the stated returns are those of real walks."""

from collections import deque

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import envs
from envs.suite.grid.env import Visual, VisualParameters
from envs.suite.grid.optimum import MOVES, Grid
from envs.suite.grid.picture import AGENT, FLOOR, LEAST_CELL, LINE, TARGET, WALL, Frames

UP, DOWN, LEFT, RIGHT = range(4)
STEP = -0.1


def walk(agent, target, **parameters):
    """One lane with the agent and the target on given cells (row, column)."""
    visual = Visual(VisualParameters(**parameters), 1)
    visual.begin(np.zeros(1, dtype=np.intp), [np.random.default_rng(0)])
    size = visual.parameters.grid_size
    visual.agent[0], visual.target[0] = agent[0] * size + agent[1], target[0] * size + target[1]
    return visual


def move(visual, *actions):
    return [visual.advance(slice(None), np.array([action])) for action in actions]


def position(visual):
    return divmod(int(visual.agent[0]), visual.parameters.grid_size)


def plain_distances(grid, target):
    """Breadth-first search from one target, written the plain way."""
    found, waiting = {target: 0}, deque([target])
    while waiting:
        cell = waiting.popleft()
        for down, right in MOVES:
            row, column = cell // grid.size + down, cell % grid.size + right
            following = row * grid.size + column
            inside = 0 <= row < grid.size and 0 <= column < grid.size
            if inside and not grid.wall[following] and following not in found:
                found[following] = found[cell] + 1
                waiting.append(following)
    return found


def test_the_four_actions_move_up_down_left_and_right():
    visual = walk((3, 3), (0, 0))
    positions = []
    for action in (UP, DOWN, LEFT, RIGHT):
        move(visual, action)
        positions.append(position(visual))
    assert positions == [(2, 3), (3, 3), (3, 2), (3, 3)]


def test_moves_against_the_edge_and_against_walls_do_nothing():
    visual = walk((0, 0), (7, 7))
    move(visual, UP, LEFT)
    assert position(visual) == (0, 0)
    visual = walk((0, 3), (7, 7), walls=True)
    move(visual, RIGHT)
    assert position(visual) == (0, 3)


def test_the_move_onto_the_target_pays_ten_and_ends_the_episode():
    visual = walk((0, 0), (0, 2))
    first, second = move(visual, RIGHT, RIGHT)
    assert (first.rewards[0], first.terminated[0], first.truncated[0]) == (STEP, False, False)
    assert (second.rewards[0], second.terminated[0], second.truncated[0]) == (10.0, True, False)


def test_the_last_move_truncates_unless_it_reaches_the_target():
    missed = move(walk((0, 0), (0, 2), max_steps=2), DOWN, DOWN)[-1]
    assert (missed.terminated[0], missed.truncated[0]) == (False, True)
    reached = move(walk((0, 0), (0, 2), max_steps=2), RIGHT, RIGHT)[-1]
    assert (reached.terminated[0], reached.truncated[0]) == (True, False)


def test_the_info_tells_a_detour_only_of_those_who_arrived():
    env = gym.make("sweeps/Visual-v0", max_steps=1000, disable_env_checker=True)
    env.reset(seed=1)
    rules = env.unwrapped.dynamics
    move(rules, UP, UP)
    best = rules.parameters.grid.best_moves
    over = False
    while not over:
        *_, over, _, info = env.step(best[rules.target[0], rules.agent[0]])
    assert info == {"reached": 1.0, "detour": 2.0}
    late = gym.make("sweeps/Visual-v0", max_steps=1, disable_env_checker=True)
    late.reset(seed=1)
    info = late.step(UP)[-1]
    assert info["reached"] == 0.0
    assert np.isnan(info["detour"])


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("random_start", [False, True])
def test_starts_and_targets_are_different_open_cells_and_cover_all_of_them(walls, random_start):
    visual = Visual(VisualParameters(grid_size=5, walls=walls, random_start=random_start), 3000)
    visual.begin(np.arange(3000), [np.random.default_rng(seed) for seed in range(3000)])
    open_cells = set(visual.parameters.grid.open_cells.tolist())
    assert (visual.agent != visual.target).all()
    assert set(visual.target.tolist()) == (open_cells if random_start else open_cells - {0})
    assert set(visual.agent.tolist()) == (open_cells if random_start else {0})


@pytest.mark.parametrize("walls", [False, True])
@pytest.mark.parametrize("size", range(5, 21))
def test_distances_are_those_of_a_plain_breadth_first_search_and_every_open_cell_is_reached(size, walls):
    grid = Grid(size, walls)
    for target in grid.open_cells[:: max(1, size // 3)].tolist():
        found = plain_distances(grid, target)
        assert len(found) == len(grid.open_cells)
        assert all(grid.distances[target, cell] == moves for cell, moves in found.items())
    assert (grid.distances[grid.wall] == -1).all()


def test_walls_leave_four_rooms_with_a_door_between_neighbours():
    visual = walk((0, 0), (7, 7), walls=True)
    assert visual.describe(0).replace(" ", "").splitlines() == [
        "A...#...",
        "....#...",
        "........",
        "....#...",
        "##.###.#",
        "....#...",
        "........",
        "....#..T",
    ]


def test_the_optimum_is_the_mean_of_ten_less_a_tenth_for_each_move_before_the_last():
    # On 2x2 cells two targets are one move away (10) and one is two (9.9).
    assert envs.references("sweeps/Visual-v0", grid_size=2).optimum == pytest.approx((10 + 10 + 9.9) / 3)
    # With a single move the corner is out of reach.
    assert envs.references("sweeps/Visual-v0", grid_size=2, max_steps=1).optimum == pytest.approx(19.9 / 3)


def test_random_moves_have_the_return_that_one_finds_by_hand():
    # One move on 2x2 cells: each neighbour is hit with probability 1/4, the corner never.
    expected = (2 * (10 / 4 + STEP * 3 / 4) + STEP) / 3
    assert envs.references("sweeps/Visual-v0", grid_size=2, max_steps=1).floor == pytest.approx(expected)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"walls": True},
        {"random_start": True},
        {"walls": True, "random_start": True, "grid_size": 11},
        {"walls": True, "max_steps": 7},
    ],
)
def test_real_walks_earn_what_the_references_state(parameters):
    references = envs.references("sweeps/VisualSymbolic-v0", **parameters)
    for policy in references.policies.values():
        episodes = envs.roll_out("sweeps/VisualSymbolic-v0", policy.act, episodes=4000, seed=7, **parameters)
        assert abs(episodes.mean - policy.expected_return) < 4.5 * episodes.standard_error


def test_the_image_and_the_four_numbers_belong_to_the_same_walk():
    seen, told = (
        gym.make_vec(env_id, num_envs=3, vectorization_mode="vector_entry_point")
        for env_id in ("sweeps/Visual-v0", "sweeps/VisualSymbolic-v0")
    )
    pictures, numbers = seen.reset(seed=4)[0], told.reset(seed=4)[0]
    for step in range(150):
        cells = np.rint((numbers + 1) / 2 * 7).astype(int)
        for picture, (row, column, target_row, target_column) in zip(pictures, cells, strict=True):
            assert tuple(picture[8 * row + 4, 8 * column + 4]) == AGENT
            assert tuple(picture[8 * target_row + 1, 8 * target_column + 1]) == TARGET
        actions = np.array([step % 4, step % 3, 3])
        pictures, *rest = seen.step(actions)
        numbers, *same = told.step(actions)
        for first, second in zip(rest[:3], same[:3], strict=True):
            assert (first == second).all()


@given(size=st.integers(2, 20), extra=st.integers(0, 60), walls=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_both_squares_are_seen_at_every_size_even_on_the_same_cell(size, extra, walls, seed):
    grid = Grid(size, walls and size >= 5)
    frames = Frames(grid, LEAST_CELL * size + extra)
    agent, target = np.random.default_rng(seed).choice(grid.open_cells, (2, 1))
    for where in (target, agent):
        colours, counts = np.unique(frames.paint(agent, where).reshape(-1, 3), axis=0, return_counts=True)
        pixels = dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))
        assert set(pixels) <= {AGENT, TARGET, FLOOR, LINE, WALL}
        assert pixels[AGENT] >= 4
        assert pixels[TARGET] >= 12


def test_frames_are_new_arrays_that_later_steps_do_not_change():
    env = gym.make_vec("sweeps/Visual-v0", num_envs=2, vectorization_mode="vector_entry_point")
    first = env.reset(seed=0)[0]
    kept = first.copy()
    second = env.step(np.array([DOWN, RIGHT]))[0]
    assert (first == kept).all()
    assert not np.shares_memory(first, second)
    assert (first != second).any()


def test_an_image_too_small_is_refused_with_the_smallest_that_would_do():
    with pytest.raises(ValueError, match=r"image_size=39 is too small .* smallest image that would do is 40"):
        VisualParameters(grid_size=10, image_size=39)
    assert VisualParameters(grid_size=10, image_size=40).image_size == 40


def test_the_numbers_need_no_image_size():
    assert VisualParameters(grid_size=20, symbolic=True).grid_size == 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"grid_size": 1}, "grid_size=1: expected a whole number from 2 to 20"),
        ({"grid_size": 4, "walls": True}, "grid_size=4 has no room for walls: expected at least 5"),
        ({"walls": 3}, "walls=3: expected True or False"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"image_size": 300}, "image_size=300: expected a whole number from 1 to 256"),
    ],
)
def test_impossible_parameters_are_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        VisualParameters(**wrong)
