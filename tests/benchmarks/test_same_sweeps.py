"""Two checkouts are the same where they give the same numbers, to the last bit."""

import re

import numpy as np
import pandas as pd
import pytest

from benchmarks import same_sweeps
from benchmarks.same_sweeps import differences


def frame(**changed):
    values = {"trial_id": ["a", "b"], "objective": [0.1, np.nan], "wall_s": [1.0, 2.0], **changed}
    return pd.DataFrame(values)


def test_equal_tables_have_no_differences_whatever_the_clock_says():
    assert not [*differences(frame(), frame(wall_s=[3.0, 4.0]))]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"objective": [np.nextafter(0.1, 1.0), np.nan]},
            "objective: differs in 1 of 2 rows, first in row 0",
        ),
        ({"objective": [0.1, 0.0]}, "objective: differs in 1 of 2 rows, first in row 1"),
        ({"objective": [1, 2]}, "objective: float64 before, int64 after"),
        ({"trial_id": ["a", None]}, "trial_id: differs in 1 of 2 rows, first in row 1"),
        ({"trial_id": ["a", "c"]}, "trial_id: differs in 1 of 2 rows, first in row 1: 'b' before, 'c' after"),
        ({"steps": [1, 2]}, "only after: steps"),
    ],
)
def test_whatever_else_differs_is_named(changed, said):
    assert any(line.startswith(said) for line in differences(frame(), frame(**changed)))


def test_a_negative_zero_is_another_number():
    assert [*differences(frame(objective=[0.0, 1.0]), frame(objective=[-0.0, 1.0]))]


def test_a_missing_row_is_a_difference():
    assert [*differences(frame(), frame().head(1))] == ["2 rows before, 1 after"]


SWEEP = """
import sys
from pathlib import Path
import pandas as pd
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert given["--concurrency"] == "1", given
folder = Path(given["--storage"]) / "demo_sweep" / given["--name"]
folder.mkdir(parents=True)
for name in ("trials", "curves", "confirmation"):
    runs = pd.DataFrame({"seed": [int(given["--seed"])], "objective": [OBJECTIVE]})
    runs.to_parquet(folder / f"{name}.parquet")
"""
ANALYSIS = """
from types import SimpleNamespace
import pandas as pd
def load_sweep(folder):
    return folder
def verdict_on(sweep):
    return SimpleNamespace(
        outcome="better", winner="trial_0001", chosen="trial_0001", beats_default=True, beats_rllib=False,
        sentence="Tuning paid.", notes=(),
        table=pd.DataFrame({"config_id": ["trial_0001"], "mean": [OBJECTIVE]}),
    )
"""


def checkout(folder, objective):
    """Makes a project with one experiment whose every number is the same."""
    files = {
        "experiments/demo_sweep.py": SWEEP,
        "analysis/__init__.py": "",
        "analysis/anywhere.py": ANALYSIS,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content.replace("OBJECTIVE", objective))
    return folder


@pytest.mark.parametrize(("objective", "code"), [("0.5", 0), ("0.5000000000000001", 1)])
def test_two_checkouts_are_compared_by_what_their_own_code_gives(tmp_path, capsys, objective, code):
    before, after = checkout(tmp_path / "before", "0.5"), checkout(tmp_path / "after", objective)
    options = same_sweeps.SameSweepsOptions(
        before=before, after=after, sweeps=("demo_sweep --seed 3",), storage=tmp_path / "results"
    )
    assert same_sweeps.main(options) == code
    out = capsys.readouterr().out
    assert out.count("the same") == (0 if code else 4)
    assert ("trial_0001 mean: 0.5 before, 0.5000000000000001 after" in out) == bool(code)


def test_a_sweep_that_fails_is_one_line_that_says_where_its_output_is(tmp_path, capsys):
    broken = checkout(tmp_path / "broken", "nonsense")
    options = same_sweeps.SameSweepsOptions(
        before=broken, after=broken, sweeps=("demo_sweep --seed 3",), storage=tmp_path / "results"
    )
    assert same_sweeps.main(options) == same_sweeps.EXIT_NO_COMPARISON
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: .* ended with 1: .*nonsense.*demo_sweep\.log", line)
