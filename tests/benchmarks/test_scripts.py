"""Every benchmark is run by a target of the Makefile, and has its section where it writes to."""

import ast
import importlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.verdict.group_sequential import follow
from benchmarks import common
from benchmarks.common import shown
from benchmarks.simulations import confirmations, prospect, races

ROOT = Path(__file__).parents[2]
OWN = ("analysis", "envs", "experiments", "search_spaces")
MODULES = sorted((ROOT / "benchmarks").rglob("*.py"))
SCRIPTS = [path for path in MODULES if '__name__ == "__main__"' in path.read_text()]


def test_each_benchmark_script_belongs_to_exactly_one_target():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    lists = re.findall(r"^(?:BENCHMARKS|LONG_BENCHMARKS|COMPARISONS) := (.*)$", makefile, re.MULTILINE)
    named = [name for words in lists for name in words.split()]
    named += re.findall(r"python -m benchmarks\.([\w.]+)", makefile)
    scripts = [".".join(path.relative_to(ROOT / "benchmarks").with_suffix("").parts) for path in SCRIPTS]
    assert sorted(named) == sorted(scripts)


def test_every_section_between_markers_is_written_by_exactly_one_script():
    sources = {path: path.read_text() for path in SCRIPTS}
    documents = {
        name: getattr(common, name).read_text() for name in ("PERFORMANCE", "LABORATORY", "STATISTICS")
    }
    sections = [
        (name, each) for name, text in documents.items() for each in re.findall(r"<!-- ([\w-]+) -->", text)
    ]
    assert len(sections) >= 16
    for name, section in sections:
        assert documents[name].count(f"<!-- /{section} -->") == 1, section
        writers = [path for path, source in sources.items() if f'"{section}"' in source and name in source]
        assert len(writers) == 1, (section, writers)


def test_benchmarks_enter_a_room_by_its_face_where_that_has_the_name():
    around = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OWN:
                room = importlib.import_module(node.module.rpartition(".")[0] or node.module)
                exported = set(getattr(room, "__all__", ())) if room.__name__ != node.module else set()
                around += [
                    f"{path}: {node.module}.{name.name}" for name in node.names if name.name in exported
                ]
    assert not around


def test_simulated_confirmations_are_judged_as_the_package_judges_them():
    rng = np.random.default_rng(0)
    sweeps = confirmations.simulate(rng, 5, 8, 1.0, confirmations.skewed, confirmations.normal)
    decisions = confirmations.decide_all(sweeps)
    confirmations.check_against_decide(sweeps, decisions, checked=5)  # raises where they differ
    wrong = replace(decisions, winner_mean_w=decisions.winner_mean_w + 0.001)
    with pytest.raises(AssertionError):
        confirmations.check_against_decide(sweeps, wrong, checked=5)


def test_simulated_races_are_judged_as_the_package_judges_them():
    x_cs = np.random.default_rng(0).normal(size=(1, confirmations.CONTENDERS + 2, races.INTERIM_ANALYSES[-1]))
    x_cs[:, 1:-1] += 1.0
    outcome = follow(x_cs[:, :-1], races.INTERIM_ANALYSES)
    judged = races.judge(x_cs[0], outcome, 0)
    races.check_against_decide(x_cs[0], outcome, 0, judged)  # raises where they differ
    with pytest.raises(AssertionError):
        races.check_against_decide(x_cs[0] + 0.001, outcome, 0, judged)


def test_a_table_of_simulations_has_a_cell_for_each_column(capsys):
    cells = prospect.row("normal", trials=32, noise_share=0.3, searches=2)
    text = shown(prospect.HEADER, [cells])
    assert {line.count("|") for line in text.splitlines()} == {len(prospect.HEADER) + 1}
    assert capsys.readouterr().out == f"{text}\n"
