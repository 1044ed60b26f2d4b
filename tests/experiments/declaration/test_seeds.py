"""No two purposes of a sweep ever share a seed, and each really depends on the root."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from experiments.core.declaration.seeds import BLOCKS, INDICES, LANES, Seeds

indices = st.integers(0, INDICES - 1)


@given(root=st.integers(0, 10**6), trial=indices, test_seed=indices)
def test_the_lanes_of_different_purposes_never_overlap(root, trial, test_seed):
    seeds = Seeds(root)
    starts = [
        seeds.sampler,
        seeds.training(trial),
        seeds.evaluation,
        seeds.test_training(test_seed),
        seeds.test_evaluation(test_seed),
    ]
    starts.sort()
    assert all(later - earlier >= LANES for earlier, later in itertools.pairwise(starts))
    assert 0 <= starts[0] <= starts[-1] + LANES <= 2**32


@given(root=st.integers(0, 10**6), first=indices, second=indices)
def test_different_indices_have_lanes_of_their_own(root, first, second):
    seeds = Seeds(root)
    gap = abs(seeds.test_evaluation(first) - seeds.test_evaluation(second))
    assert gap == abs(first - second) * LANES


def test_neighbouring_roots_share_nothing():
    first, second = Seeds(0), Seeds(1)
    assert abs(first.sampler - second.sampler) > 5 * LANES * INDICES


@given(root=st.integers(0, 10**6), first=st.integers(0, BLOCKS - 1), second=st.integers(0, BLOCKS - 1))
def test_blocks_of_test_seeds_share_nothing_and_only_test_seeds_have_blocks(root, first, second):
    one, other = Seeds(root, first), Seeds(root, second)
    for name in ("test_training", "test_evaluation"):
        starts = [getattr(seeds, name)(index) for seeds in (one, other) for index in (0, INDICES - 1)]
        assert (abs(starts[0] - starts[2]) >= INDICES * LANES) == (first != second)
        assert 0 <= min(starts) <= max(starts) + LANES <= 2**32
    assert (one.sampler, one.training(3), one.evaluation) == (
        other.sampler,
        other.training(3),
        other.evaluation,
    )


def test_the_manifest_names_every_seed():
    recorded = Seeds(3).to_json(test_seeds=5)
    assert (recorded["root"], recorded["block"]) == (3, 0)
    assert recorded["test_training"] == [Seeds(3).test_training(k) for k in range(5)]
    assert recorded["test_evaluation"] == [Seeds(3).test_evaluation(k) for k in range(5)]
