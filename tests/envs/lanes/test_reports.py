"""Whatever an environment puts in its info, its numbers are found with their value, and nothing else."""

import enum
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from envs.lanes import number_of, reported, reported_by_lane


class Colour(enum.Enum):
    RED = 1


class Opaque:
    """Its text is its place in memory."""


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2, 2.0),
        (1.5, 1.5),
        (True, 1.0),
        (np.bool_(False), 0.0),
        (np.float32(1.5), 1.5),
        (np.int8(-3), -3.0),
        (np.array(4), 4.0),
        (np.array([[2.5]], np.float16), 2.5),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (torch.tensor([0.5]), 0.5),
        (float("inf"), float("inf")),
    ],
)
def test_numbers_of_every_kind_keep_their_value(value, number):
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value",
    [
        None,
        "1.5",
        b"2",
        np.str_("1.5"),
        np.array(["1"]),
        np.array([1.0, 2.0]),
        np.array([]),
        np.array([None]),
        np.datetime64("2020-01-01"),
        [1.0],
        {"a": 1.0},
        1 + 2j,
        10**400,
        torch.zeros(3),
        Opaque(),
        lambda: 1,
    ],
)
def test_what_is_no_number_is_left_out(value):
    assert number_of(value) is None
    assert reported({"x": value}) == {}


def test_keys_of_any_kind_become_text_and_private_ones_are_left_out():
    info = {0: 1.5, (1, "a"): 2.0, Colour.RED: 3.0, None: 4.0, "_hidden": 5.0, Opaque(): 6.0, b"x": 7.0}
    assert reported(info) == {"0": 1.5, "(1, 'a')": 2.0, "Colour.RED": 3.0, "None": 4.0, "b'x'": 7.0}


@pytest.mark.parametrize("info", [None, "won", 3, [], [("a", 1)]])
def test_an_info_that_is_no_dict_reports_nothing(info):
    assert reported(info) == {}


def test_a_missing_number_stays_missing():
    assert np.isnan(reported({"x": float("nan")})["x"])


def test_of_a_vector_environments_infos_each_lane_has_what_its_mask_says():
    ended = np.array([True, False, True])
    infos = {
        "speed": np.array([1.5, 9.0, 2.5]),
        "_speed": np.array([True, True, False]),
        "outcome": np.array(["won", None, 4], dtype=object),
        "_outcome": np.array([True, False, True]),
        "where": np.ones((3, 2)),
        "_where": np.ones(3, bool),
        "one": np.array([[1], [2], [3]]),
        "_one": np.ones(3, bool),
        "nested": {"x": np.ones(3)},
        "_nested": np.ones(3, bool),
        "unmasked": np.ones(3),
        7: np.arange(3),
        "_7": np.ones(3, bool),
    }
    found = reported_by_lane(infos, ended)
    assert found == [(0, {"speed": 1.5, "one": 1.0, "7": 0.0}), (2, {"outcome": 4.0, "one": 3.0, "7": 2.0})]


@pytest.mark.parametrize("infos", [None, "x", 5, [{}]])
def test_infos_of_another_form_report_nothing(infos):
    assert reported_by_lane(infos, np.array([True, True])) == []


def test_one_info_a_lane_is_read_as_well():
    infos = [{"x": 1}, None, {"x": 2.5}]
    assert reported_by_lane(infos, np.array([True, True, True])) == [
        (0, {"x": 1.0}),
        (1, {}),
        (2, {"x": 2.5}),
    ]
