import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.report.write import write_report
from analysis.sweep.loading import NotASweepError

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """Collects the elements of a page, as a browser would see them."""

    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def elements(html):
    parser = Elements()
    parser.feed(html)
    return parser.tags


@pytest.fixture(scope="module")
def finished(writer, tmp_path_factory):
    folder = writer.write_sweep(tmp_path_factory.mktemp("results") / "sweep")
    return folder, write_report(folder)


def test_a_report_is_one_file_with_figures_tables_and_the_configuration_beside_it(finished):
    folder, report = finished
    assert report.html == folder / "report.html"
    assert {path.suffix for path in report.figures} == {".png", ".svg"}
    assert len(report.figures) == 14
    assert all(path.stat().st_size > 1000 for path in report.figures)
    assert set(report.frames) == {"trials", "curves", "confirmation", "ablation"}
    assert len(pd.read_parquet(report.frames["confirmation"])) == 25
    assert not list(folder.rglob("*.part"))


def test_the_page_opens_with_the_verdict(finished):
    _, report = finished
    html = report.html.read_text()
    assert "<b>Tuning paid</b>" in html
    assert html.index("Tuning paid") < html.index("The confirmation")


def test_the_page_asks_no_other_host_for_anything(finished):
    _, report = finished
    tags = list(elements(report.html.read_text()))
    assert {"html", "script", "table"} <= {tag for tag, _ in tags}
    for tag, attributes in tags:
        assert tag != "iframe"
        assert "src" not in attributes, tag
        assert attributes.get("href", "data:,") == "data:,", tag


def test_failed_and_diverged_trials_are_shown_with_their_cause(finished):
    _, report = finished
    html = report.html.read_text()
    assert "the environment returned a reward of type str" in html
    assert "loss is not finite after 18432 steps" in html


def test_the_best_configuration_is_complete_and_typed(finished, writer):
    _, report = finished
    best = yaml.safe_load(report.best.read_text())
    assert best["config_id"] == report.verdict.winner
    assert best["env"] == "sweeps/TradingMeanReverting-v0"
    assert list(best["configuration"]) == list(writer.SPACE.names)
    assert isinstance(best["configuration"]["batch_size"], int)
    assert isinstance(best["configuration"]["lr"], float)
    assert best["confirmed"]["seeds"] == 5


def test_the_same_folder_gives_the_same_page(finished):
    folder, report = finished
    before = report.html.read_bytes()
    assert write_report(folder, figures=False).html.read_bytes() == before


def test_values_from_disk_cannot_become_markup(writer, tmp_path):
    env = writer.manifest()["env"] | {"id": HOSTILE, "return_unit": HOSTILE, "floor_policy": HOSTILE}
    space = writer.manifest()["space"] | {HOSTILE: writer.manifest()["space"]["lr"]}
    changes = dict.fromkeys(["experiment", "sweep", "question", "command", "scheduler"], HOSTILE)
    folder = writer.write_sweep(tmp_path / "sweep", trials=9, seeds=2, env=env, space=space, **changes)
    for path in folder.glob("*/*/params.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"layout": HOSTILE, HOSTILE: 0.5}))
    (folder / "search" / "trial_0002" / "state.json").write_text(
        json.dumps({"state": "failed", "cause": HOSTILE})
    )
    html = write_report(folder, figures=False).html.read_text()
    tags = elements(html)
    assert not [tag for tag, _ in tags if tag in ("img", "iframe")]
    plots = len(re.findall(r'class="plot"', html))
    assert [tag for tag, _ in tags].count("script") == plots + 1
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_before_the_confirmation_the_best_trial_is_named_as_unconfirmed(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=10, confirm=False)
    report = write_report(folder, figures=False)
    assert report.verdict.outcome == "not confirmed"
    best = yaml.safe_load(report.best.read_text())
    assert best["reason"] == "best of the search, not confirmed"
    assert best["confirmed"] is None
    assert "No verdict yet" in report.html.read_text()


def test_a_folder_with_nothing_but_a_manifest_has_a_report_and_no_best_configuration(writer, tmp_path):
    report = write_report(writer.write_sweep(tmp_path / "sweep", trials=0, confirm=False))
    assert report.best is None
    assert report.figures == ()
    assert report.html.exists()


def test_only_what_beat_the_default_is_called_the_winner(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep")
    assert '<span class="badge">winner</span>' in write_report(folder, figures=False).html.read_text()
    poor = writer.write_sweep(tmp_path / "poor", trials=10, confirmation={"top_k": 3, "looks": [2]})
    html = write_report(poor, figures=False).html.read_text()
    assert '<span class="badge">best tuned</span>' in html
    assert '<span class="badge">winner</span>' not in html


def test_the_page_says_when_a_sweep_went_on(writer, tmp_path):
    starts = [{"started": "2026-01-02T03:04:05"}, {"started": "2026-01-03T03:04:05"}]
    folder = writer.write_sweep(tmp_path / "sweep", trials=4, confirm=False, continued=starts)
    html = write_report(folder, figures=False).html.read_text()
    assert "2026-01-02T03:04:05, 2026-01-03T03:04:05" in html


def test_a_sweep_whose_environment_states_no_references_reports_returns(writer, tmp_path):
    env = writer.manifest()["env"] | {"floor": None, "optimum": None}
    folder = writer.write_sweep(tmp_path / "sweep", trials=8, env=env)
    html = write_report(folder, figures=False).html.read_text()
    assert "Confirmed return" in html
    assert "Return (fraction of the initial cash)" in html


def test_missing_runs_are_said_beside_the_verdict(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=10, seeds=6)
    state = folder / "confirm" / "default_seed2" / "state.json"
    state.write_text(json.dumps({"state": "failed", "cause": "killed: out of memory"}))
    html = write_report(folder, figures=False).html.read_text()
    assert "default: 1 confirmation run failed or unfinished" in html
    assert "killed: out of memory" in html


def test_how_the_race_went_is_information_and_only_missing_runs_are_a_warning(writer, tmp_path):
    interim_analyses = {"confirmation": {"top_k": 3, "looks": [5, 8]}}
    folder = writer.write_sweep(tmp_path / "sweep", trials=10, seeds=8, **interim_analyses)
    assert '<ul class="notes">' not in write_report(folder, figures=False).html.read_text()
    (folder / "confirm" / "default_seed2" / "state.json").write_text(json.dumps({"state": "failed"}))
    html = write_report(folder, figures=False).html.read_text()
    warnings = re.search(r'<ul class="notes">(.*?)</ul>', html, flags=re.DOTALL).group(1)
    assert "default: 1 confirmation run failed" in warnings
    assert "The race spent" not in warnings
    assert '<p class="race">The race spent' in html


def test_the_page_says_how_the_winners_interval_was_made(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "one", trials=10, top_k=1)
    assert "The best one was picked for its mean" not in write_report(folder, figures=False).html.read_text()
    report = write_report(writer.write_sweep(tmp_path / "three", trials=10), figures=False)
    text = report.html.read_text()
    assert "Student&#39;s t with the spread of all contenders&#39; runs, corrected for their skewness" in text
    assert ("that might as well have been picked" in text) == (report.verdict.picked.choice > 1)


def test_nothing_is_written_into_a_folder_that_is_no_sweep(tmp_path):
    with pytest.raises(NotASweepError):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_report_needs_no_ray_no_torch_and_none_of_the_other_packages(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=10)
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        absent = ('ray', 'torch', 'gymnasium', 'envs', 'search_spaces', 'experiments')\n"
        "        if name.split('.')[0] in absent:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import analysis\n"
        "from analysis.report.write import write_report\n"
        f"print(write_report({str(folder)!r}, figures=False).verdict.outcome)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("better", "not better")
