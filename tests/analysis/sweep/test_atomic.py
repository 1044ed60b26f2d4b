"""The atomic write: a file is whole or not there, whoever dies or writes meanwhile."""

import math

import pytest

from analysis.sweep.atomic import is_partial, write_json, written_whole


def cut_short(path):
    with written_whole(path) as partial:
        partial.write_text("half")
        raise OSError("no space left")


def test_a_write_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    before = path.read_bytes()
    with pytest.raises(OSError, match="no space left"):
        cut_short(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_written_a_file_has_another_name_for_each_writer(tmp_path):
    path = tmp_path / "a.json"
    with written_whole(path) as one, written_whole(path) as other:
        assert one != other
        assert is_partial(one)
        assert not is_partial(path)
        one.write_text("one")
        other.write_text("other")
        assert not path.exists()
    assert path.read_text() == "one"


def test_json_keeps_every_digit_and_nan(tmp_path):
    assert write_json(tmp_path / "a.json", [0.1 + 0.2, math.nan]).read_text() == (
        "[\n 0.30000000000000004,\n NaN\n]\n"
    )
