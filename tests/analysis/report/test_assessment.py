"""A report is known for that of a folder's records without being drawn, and for no other."""

import json
import subprocess
import sys

import pytest

from analysis.report import kept_report, write_report


@pytest.fixture
def reported(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=4)
    return folder, write_report(folder)


def test_a_kept_report_is_the_one_that_was_written(reported):
    folder, written = reported
    kept = kept_report(folder)
    assert (kept.html, kept.best, kept.frames) == (written.html, written.best, written.frames)
    assert set(kept.figures) == set(written.figures)
    assert kept.verdict.sentence == written.verdict.sentence
    assert kept.findings == written.findings


def test_a_report_is_not_kept_once_a_record_has_changed(reported):
    folder, _ = reported
    record = next(folder.glob("search/*/result.json"))
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    lines[-1]["score"] += 1e-9
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert kept_report(folder) is None


@pytest.mark.parametrize(
    "name",
    ["report.html", "best.yaml", "trials.parquet", "curves.parquet", "confirmation.parquet", "figures"],
)
def test_a_report_of_which_something_is_missing_is_not_kept(reported, name):
    folder, _ = reported
    (folder / name).rename(folder / "elsewhere")
    assert kept_report(folder) is None


def test_a_report_of_another_manifest_is_not_kept(reported):
    folder, _ = reported
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["question"] = "Another one?"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert kept_report(folder) is None


def test_reading_a_kept_report_draws_nothing(reported):
    folder, _ = reported
    seen = "import sys; from analysis.report import kept_report; report = kept_report(sys.argv[1]); "
    seen += "print(report is not None, sorted({'altair', 'vl_convert', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", seen, folder], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"
