"""Random Gymnasium spaces, nested a few levels deep, and members of them."""

import numpy as np
from gymnasium import spaces
from hypothesis import strategies as st

DTYPES = (np.float32, np.float64, np.uint8, np.int8, np.int32, np.int64)


@st.composite
def boxes(draw, max_rank=3):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(st.lists(st.integers(1, 3), max_size=max_rank).map(tuple))
    if dtype.kind != "f" and shape == ():
        # Gymnasium's own sample of a whole-number Box of rank 0 is not a member of it.
        shape = (1,)
    if dtype.kind == "f":
        low = draw(st.one_of(st.just(-np.inf), st.floats(-1e4, 1e4, width=32)))
        high = draw(st.one_of(st.just(np.inf), st.floats(0, 1e4, width=32).map(lambda width: low + width)))
        high = np.inf if low == -np.inf else high
    else:
        low = draw(st.integers(0 if dtype.kind == "u" else -100, 100))
        high = draw(st.integers(low, 127))
    return spaces.Box(dtype.type(low), dtype.type(high), shape, dtype.type)


def discretes(start=True):
    starts = st.integers(-5, 5) if start else st.just(0)
    return st.builds(lambda n, first: spaces.Discrete(n, start=first), st.integers(1, 6), starts)


@st.composite
def multi_discretes(draw):
    shape = draw(st.sampled_from([(1,), (3,), (2, 2)]))
    size = int(np.prod(shape))
    counts = draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
    starts = draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    return spaces.MultiDiscrete(np.reshape(counts, shape), start=np.reshape(starts, shape))


def multi_binaries():
    return st.sampled_from([1, 4, (2, 3)]).map(spaces.MultiBinary)


def array_spaces():
    return st.one_of(boxes(), discretes(), multi_discretes(), multi_binaries())


@st.composite
def texts(draw):
    shortest = draw(st.integers(0, 3))
    longest = draw(st.integers(max(shortest, 1), 5))
    return spaces.Text(longest, min_length=shortest, charset=draw(st.sampled_from(["a", "01", "abcxyz"])))


@st.composite
def graphs(draw):
    # Gymnasium's own sample of a Graph ignores the start of a Discrete.
    parts = st.one_of(boxes(max_rank=2), discretes(start=False))
    return spaces.Graph(draw(parts), draw(st.one_of(st.none(), parts)))


def composites(inner):
    """Dict and Tuple of other spaces."""
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        parts.map(spaces.Tuple),
        parts.map(lambda made: spaces.Dict({f"part {i}": part for i, part in enumerate(made)})),
    )


def action_spaces():
    return st.recursive(array_spaces(), composites, max_leaves=4)


def observation_spaces():
    def grow(inner):
        return st.one_of(
            composites(inner),
            st.lists(inner, min_size=1, max_size=3).map(spaces.OneOf),
            st.builds(lambda item, stack: spaces.Sequence(item, stack=stack), inner, st.booleans()),
        )

    return st.recursive(st.one_of(array_spaces(), texts(), graphs()), grow, max_leaves=4)


def members(space, count, seed):
    """Samples of a space that depend on the seed alone."""
    space.seed(seed)
    return [space.sample() for _ in range(count)]
