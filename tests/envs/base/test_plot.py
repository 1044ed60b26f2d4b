"""Charts: data points land where their scale says, numbers on the axes are round."""

import numpy as np
import pytest

from envs.base.plot import Plot, padded, ticks
from envs.base.rendering import BLUE, Canvas


def test_the_corners_of_the_data_are_the_corners_of_the_box():
    plot = Plot(Canvas((100, 100)), (10, 20, 50, 40), (0, 5), (-1, 1))
    assert plot.at(0, -1) == (10, 60)
    assert plot.at(5, 1) == (60, 20)
    assert plot.at(2.5, 0) == (35, 40)


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (0, 200, 4, [0, 50, 100, 150, 200]),
        (0.1, 0.9, 4, [0.2, 0.4, 0.6, 0.8]),
        (-3, 3, 3, [-2, 0, 2]),
        (9_480, 10_510, 3, [9_500, 10_000, 10_500]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low, high, count, expected):
    assert ticks(low, high, count=count) == pytest.approx(expected)


def test_a_padded_range_holds_the_values_and_is_never_empty():
    low, high = padded([1.0, 3.0])
    assert low < 1 < 3 < high
    for flat in (0.0, 7.0, -7.0):
        low, high = padded([flat])
        assert low < flat < high


def test_a_gap_in_the_data_is_a_gap_in_the_curve():
    canvas = Canvas((100, 20))
    plot = Plot(canvas, (0, 0, 100, 20), (0, 10), (0, 2))
    plot.line(np.arange(11), [1, 1, 1, np.nan, np.nan, np.nan, np.nan, np.nan, 1, 1, 1], BLUE)
    drawn = (canvas.pixels() != 255).any(axis=(0, 2))
    assert drawn[5:18].all()
    assert not drawn[25:75].any()
    assert drawn[85:95].all()
