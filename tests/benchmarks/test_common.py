"""Benchmarks time in turns, judge by goals, and replace no more of a document than their section."""

import itertools
from dataclasses import dataclass

import pytest

from benchmarks import common


@dataclass(frozen=True)
class Options:
    repetitions: int = 3


def test_contestants_take_turns():
    order = []
    measured = common.in_turns({"a": lambda: order.append("a") or 1, "b": lambda: order.append("b") or 2}, 3)
    assert order == ["a", "b"] * 3
    assert measured == {"a": [1, 1, 1], "b": [2, 2, 2]}


def test_the_median_of_the_repetitions_counts():
    assert common.medians({"a": [1.0, 9.0, 2.0], "b": [4.0, 5.0]}) == {"a": 2.0, "b": 4.5}


def test_a_rate_is_what_was_done_over_the_time_that_it_took():
    clock = itertools.count(step=0.25).__next__
    assert common.rate(lambda: 10, seconds=0.6, clock=clock) == 20 / 0.75


def test_a_row_is_printed_as_soon_as_it_is_there(capsys):
    def rows():
        yield ["normal", "2.4%"]
        assert capsys.readouterr().out.splitlines()[-1] == "| normal | 2.4% |"
        yield ["skewed", "1.9%"]

    assert common.shown(["runs", "better"], rows()).splitlines()[2:] == [
        "| normal | 2.4% |",
        "| skewed | 1.9% |",
    ]


def test_a_missed_goal_is_printed_and_fails_the_script(capsys):
    assert common.exit_code([]) == 0
    assert common.exit_code(iter(["2.9 of RLlib, expected at least 4"])) == 1
    assert capsys.readouterr().out == "MISSED 2.9 of RLlib, expected at least 4\n"


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "ROOT", tmp_path)
    path = tmp_path / "speed.md"
    path.write_text("# Speed\n\n<!-- speed -->\n\nold\n\n<!-- /speed -->\n\nThe end.\n", encoding="utf-8")
    return path


def test_a_measurement_replaces_its_section_and_nothing_else(document):
    table = common.table(["name", "steps/s"], [["fast", "30,038"]], texts=1)
    assert common.publish(document, "speed", table, Options())
    assert document.read_text() == (
        "# Speed\n\n<!-- speed -->\n\n| name | steps/s |\n| --- | ---: |\n| fast | 30,038 |\n\n"
        "<!-- /speed -->\n\nThe end.\n"
    )


def test_a_quick_look_does_not_overwrite_what_the_default_options_gave(document, capsys):
    before = document.read_text()
    assert not common.publish(document, "speed", "new", Options(repetitions=1))
    assert document.read_text() == before
    assert "speed.md" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["# Speed\n", "<!-- speed -->\n", "<!-- speed --><!-- /speed -->" * 2])
def test_a_document_without_exactly_one_such_section_is_left_alone(document, content):
    document.write_text(content)
    with pytest.raises(ValueError, match="expected one section"):
        common.write_section(document, "speed", "new")
    assert document.read_text() == content
