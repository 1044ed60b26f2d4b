"""Numbers that are drawn ahead are those that every episode would have drawn by itself."""

import pickle

import numpy as np

from envs.base.random_blocks import EPISODES, DrawnAhead


def generators(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


def test_each_lane_gets_its_generators_numbers_in_order_beyond_the_first_block():
    draws, rngs = DrawnAhead(2, 3), generators(1, 2)
    drawn = np.array([draws.take(np.arange(2), rngs) for _ in range(2 * EPISODES + 5)])
    for lane, rng in enumerate(generators(1, 2)):
        assert (drawn[:, lane] == rng.random((2 * EPISODES + 5, 3))).all()


def test_lanes_that_begin_more_often_do_not_disturb_the_others():
    draws, rngs = DrawnAhead(2, 1), generators(1, 2)
    for _ in range(7):
        draws.take(np.array([1]), rngs[1:])
    expected = [rng.random(8)[number] for rng, number in zip(generators(1, 2), (0, 7), strict=True)]
    assert draws.take(np.arange(2), rngs)[:, 0].tolist() == expected


def test_a_new_generator_begins_a_new_block_in_its_lane_only():
    draws, rngs = DrawnAhead(2, 1), generators(1, 2)
    draws.take(np.arange(2), rngs)
    reseeded = [*generators(9), rngs[1]]
    expected = [generators(9)[0].random(), generators(2)[0].random(2)[1]]
    assert draws.take(np.arange(2), reseeded)[:, 0].tolist() == expected


def test_numbers_are_prepared_block_by_block():
    draws = DrawnAhead(1, 2, lambda drawn: drawn.sum(axis=1, keepdims=True))
    assert draws.take(np.arange(1), generators(4)).tolist() == [[generators(4)[0].random(2).sum()]]


def test_a_pickled_copy_goes_on_with_the_same_block():
    draws, rngs = DrawnAhead(1, 1), generators(3)
    draws.take(np.arange(1), rngs)
    copy, copied_rngs = pickle.loads(pickle.dumps((draws, rngs)))
    assert copy.take(np.arange(1), copied_rngs) == draws.take(np.arange(1), rngs)
