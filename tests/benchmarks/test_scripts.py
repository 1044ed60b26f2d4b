"""Every benchmark is run by a target of the Makefile, and has its section where it writes to."""

import ast
import importlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import common
from benchmarks.common import shown
from benchmarks.simulations import confirmations, judging, prospect, verdict

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


@pytest.mark.parametrize("adapted", [None, 0.0, 2.0], ids=["one default", "as good", "worse"])
@pytest.mark.parametrize("analyses", [(5, 8, 13), (7,)], ids=["race", "fixed"])
@pytest.mark.parametrize(
    "name",
    ["contenders skewed, baselines mirrored", "10% of contenders' bad runs crash", "collapse in 1 of 5"],
)
def test_simulated_confirmations_are_judged_as_the_package_judges_them(name, analyses, adapted):
    cell = next(cell for cell in confirmations.CELLS if cell.name == name)
    confirmed = confirmations.simulate(cell, 5, analyses[-1], gain=1.0, adapted=adapted)
    judged = judging.judge(confirmed, analyses)
    judging.check_against_decide(confirmed, analyses, judged, checked=5)  # raises where they differ
    for wrong in ({"winner_mean_w": judged.winner_mean_w + 0.001}, {"better_w": ~judged.better_w}):
        with pytest.raises(AssertionError):
            judging.check_against_decide(confirmed, analyses, replace(judged, **wrong), checked=5)


@pytest.mark.parametrize("cell", confirmations.CELLS, ids=lambda cell: cell.name)
def test_simulated_noise_has_the_mean_zero_and_so_no_configuration_is_better(cell):
    whole = replace(cell, lost=0.0, crashes=0.0, baseline_crashes=0.0)
    x_wcs = confirmations.simulate(whole, 1000, 20).x_wcs
    mean_c, error_c = x_wcs.mean(axis=(0, 2)), x_wcs.std(axis=(0, 2)) / np.sqrt(20_000)
    if cell.contenders is not confirmations.heavy:  # which has no variance
        assert (np.abs(mean_c) < 6 * error_c).all()
    assert np.isnan(confirmations.simulate(cell, 50, 20).x_wcs).any() == (whole != cell)


def test_every_table_of_the_verdict_has_a_cell_for_each_column():
    options = verdict.VerdictOptions(sweeps=60, checked=0, draws=3)
    for header, rows in (
        (verdict.CLAIMS_HEADER, verdict.claims),
        (verdict.POWER_HEADER, verdict.power),
        (verdict.COVERAGE_HEADER, verdict.coverage),
        (verdict.TESTS_HEADER, verdict.tests),
        (verdict.FIXED_HEADER, verdict.fixed),
    ):
        assert len(next(iter(rows(options)))) == len(header)


def test_a_table_of_simulations_has_a_cell_for_each_column(capsys):
    cells = prospect.row("normal", trials=32, noise_share=0.3, searches=2)
    text = shown(prospect.HEADER, [cells])
    assert {line.count("|") for line in text.splitlines()} == {len(prospect.HEADER) + 1}
    assert capsys.readouterr().out == f"{text}\n"
