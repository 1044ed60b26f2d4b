"""Scores read as returns, and numbers that are read together are written alike."""

import math

import pytest

from analysis.sweep import Manifest, Scale

POINTS = Scale(floor=-10.0, optimum=90.0, unit="points", floor_policy="random")


def test_zero_is_the_floor_and_one_the_optimum():
    assert [POINTS.to_return(score) for score in (0.0, 0.5, 1.0, -0.1)] == [-10.0, 40.0, 90.0, -20.0]
    assert POINTS.difference_to_return(0.25) == 25.0


@pytest.mark.parametrize(
    "scale",
    [Scale(), Scale(floor=1.0), Scale(optimum=1.0), Scale(floor=2.0, optimum=2.0)],
    ids=["nothing", "floor", "optimum", "equal"],
)
def test_without_two_references_a_score_is_the_return(scale):
    assert not scale.has_references
    assert scale.to_return(0.3) == 0.3
    assert scale.difference_to_return(0.3) == 0.3
    assert (scale.noun, scale.axis_title) == ("return", "Return")


def test_an_axis_names_what_it_shows():
    assert (POINTS.noun, POINTS.axis_title) == ("score", "Score (0 = random policy, 1 = optimum)")
    assert Scale(floor=0.0, optimum=1.0).axis_title == "Score (0 = floor policy, 1 = optimum)"
    assert Scale(unit="points").axis_title == "Return (points)"


def test_scores_have_two_decimals_or_three_where_one_would_become_zero():
    assert POINTS.text(0.123, 1.0) == ["0.12", "1.00"]
    assert POINTS.text(0.123, 0.0049) == ["0.123", "0.005"]
    assert POINTS.text(0.123, -0.0049) == ["0.123", "-0.005"]
    assert POINTS.text(0.123, 0.005, 0.0) == ["0.12", "0.01", "0.00"]
    assert POINTS.text(0.123, -0.5, signed=True) == ["+0.12", "-0.50"]


def test_returns_have_four_digits():
    assert Scale().text(123.456, 0.00123456) == ["123.5", "0.001235"]
    assert Scale().text(123.456, signed=True) == ["+123.5"]


def test_an_interval_is_written_or_said_to_be_missing():
    assert POINTS.interval_text(0.1, 0.25) == "[0.10, 0.25]"
    assert POINTS.interval_text(-0.1, 0.25, signed=True) == "[-0.10, +0.25]"
    for low, high in [(math.nan, 1.0), (0.0, math.nan)]:
        assert POINTS.interval_text(low, high) == "[no interval]"


def test_a_manifest_gives_what_it_knows(writer):
    def scale_of(**env):
        return Scale.from_manifest(Manifest.of(writer.manifest() | {"env": {"id": "x"} | env}))

    known = {"floor": -10, "optimum": 90.0, "return_unit": "points", "floor_policy": "random"}
    assert scale_of(**known) == POINTS
    assert scale_of() == scale_of(floor_policy=None) == Scale()
    for value in (math.nan, math.inf, None):
        assert scale_of(**known | {"floor": value}).floor is None
        assert scale_of(**known | {"optimum": value}).optimum is None


def test_different_numbers_never_look_alike_and_an_interval_without_width_is_none():
    score, unit = Scale(floor=0.0, optimum=1.0), Scale(unit="points")
    assert score.text(0.9, 0.9001, 0.9002) == ["0.9000", "0.9001", "0.9002"]
    assert unit.text(1000.01, 1000.02) == ["1000.01", "1000.02"]
    assert score.text(0.5, 0.5) == ["0.50", "0.50"]
    assert score.interval_text(0.9, 0.9) == "[no interval]"
    assert score.interval_text(0.9, 0.9001) == "[0.9000, 0.9001]"
