"""Results count as the same only to the bit, and the first difference is named."""

import numpy as np
import pytest

from envs.checking.compare import difference


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        None,
        "text",
        np.array([1.0, np.nan]),
        np.array([None, "a"], dtype=object),
        {"a": (1, [np.float32(2)])},
        {"a": np.zeros((2, 0))},
    ],
)
def test_a_value_equals_itself_nan_too(value):
    assert difference(value, value) is None


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        (1, 1.0, ": int 1 against float 1.0"),
        ({"a": 1}, {"b": 1}, ": names ['a'] against ['b']"),
        ({"a": (1, 2)}, {"a": (1, 3)}, "['a'][1]: 2 against 3"),
        ([1], [1, 2], ": 1 parts against 2"),
        (np.zeros(2, np.float32), np.zeros(2), ": float32[2] against float64[2]"),
        (np.zeros((1, 2)), np.zeros(2), ": float64[1, 2] against float64[2]"),
        (np.array([[0, 1]]), np.array([[0, 2]]), "[0][1]: 1 against 2"),
        (np.array([np.nan, 1.0]), np.array([1.0, 1.0]), "[0]: nan against 1.0"),
    ],
)
def test_the_first_difference_is_named(first, second, where):
    assert difference(first, second) == where
