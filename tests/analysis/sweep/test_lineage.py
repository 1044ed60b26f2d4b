"""A population's lineage is read, computed and told; a sweep without one says nothing of it."""

import json

import pytest
import yaml

from analysis.report.write import write_report
from analysis.sweep.lineage import copies, line_of, load_lineage, parts, shown_member
from analysis.sweep.loading import load_sweep

BUDGET = {"trials": 4, "steps_per_trial": 65536, "evaluations": 16}
FIRST, SECOND, THIRD = 16384, 32768, 49152


def entry(steps, lr, before=None, **who):
    changed = {} if before is None else {"lr": [before, lr]}
    return {"steps": steps, "configuration": {"lr": lr, "layout": "64x64-tanh"}, "changed": changed, **who}


@pytest.fixture
def folder(writer, tmp_path):
    """At the first interval trial 2 copies 1, at the second 3 copies 2, at the third 2 copies 1 again."""
    folder = writer.write_sweep(
        tmp_path / "x", trials=4, confirm=False, diverged=0, failed=0, budget=BUDGET,
        scheduler={"name": "pbt", "interval": 0.25},
    )  # fmt: skip
    begun = entry(0, 1e-3, member="trial_0001")
    write(
        folder, "trial_0002",
        [entry(0, 5e-3, donor=None), entry(FIRST, 2e-3, 1e-3, donor="trial_0001"),
         entry(THIRD, 4e-3, 1e-3, donor="trial_0001")],
        [begun, entry(THIRD, 4e-3, 1e-3, member="trial_0002")],
    )  # fmt: skip
    write(
        folder, "trial_0003",
        [entry(0, 7e-3, donor=None), entry(SECOND, 3e-3, 2e-3, donor="trial_0002")],
        [begun, entry(FIRST, 2e-3, 1e-3, member="trial_0002"),
         entry(SECOND, 3e-3, 2e-3, member="trial_0003")],
    )  # fmt: skip
    return folder


def write(folder, member, history, schedule):
    text = json.dumps({"history": history, "schedule": schedule})
    (folder / "search" / member / "schedule.json").write_text(text)


def objectives(sweep, member):
    rows = sweep.curves[sweep.curves["trial_id"] == member]
    return dict(zip(rows["steps"], rows["objective"], strict=True))


def test_every_copy_is_found_in_the_order_of_steps(folder):
    lineage = load_lineage(folder)
    assert [(copy.steps, copy.member, copy.donor) for copy in lineage.copies] == [
        (FIRST, "trial_0002", "trial_0001"),
        (SECOND, "trial_0003", "trial_0002"),
        (THIRD, "trial_0002", "trial_0001"),
    ]
    assert lineage.copies[1].changed == {"lr": (2e-3, 3e-3)}


def test_a_copy_shows_what_both_stood_at(folder):
    sweep = load_sweep(folder)
    frame = copies(sweep, load_lineage(folder))
    assert frame["steps"].tolist() == [FIRST, SECOND, THIRD]
    for row in frame.itertuples():
        assert row.objective == objectives(sweep, row.member)[row.steps]
        assert row.donor_objective == objectives(sweep, row.donor)[row.steps]


def test_a_members_part_begins_at_its_donor(folder):
    sweep = load_sweep(folder)
    frame = parts(sweep, load_lineage(folder))
    counts = frame.groupby("part")["steps"].count().to_dict()
    # 16 evaluations, four to each interval, and the donor's one where a part begins with a copy.
    assert counts == {
        "trial_0000 0": 16, "trial_0001 0": 16,
        "trial_0002 0": 4, "trial_0002 1": 9, "trial_0002 2": 5, "trial_0003 0": 8, "trial_0003 1": 9,
    }  # fmt: skip
    begin = frame[frame["part"] == "trial_0003 1"].iloc[0]
    assert begin["steps"] == SECOND
    assert begin["objective"] == objectives(sweep, "trial_0002")[SECOND]


def test_a_line_follows_the_weights_along_the_donors(folder):
    sweep, lineage = load_sweep(folder), load_lineage(folder)
    line = line_of(sweep, lineage, "trial_0003")
    assert line["steps"].tolist() == [4096 * n for n in range(1, 17)]
    trained = ["trial_0001"] * 4 + ["trial_0002"] * 4 + ["trial_0003"] * 8
    expected = [objectives(sweep, m)[s] for m, s in zip(trained, line["steps"], strict=True)]
    assert line["objective"].tolist() == expected
    own = line_of(sweep, lineage, "trial_0001")
    assert own["objective"].tolist() == list(objectives(sweep, "trial_0001").values())


def test_the_shown_member_is_the_winner_or_else_the_best_of_the_search(folder):
    sweep = load_sweep(folder)
    assert shown_member(sweep, "trial_0002") == "trial_0002"
    best = sweep.trials.sort_values("objective")["trial_id"].iloc[-1]
    assert shown_member(sweep, None) == best


def test_the_report_tells_the_lineage_in_words_and_as_a_figure(folder):
    report = write_report(folder)
    html = report.html.read_text()
    assert "<h2>The population</h2>" in html
    assert "Who copied whom" in html
    assert "lr 0.002 → 0.003" in html
    assert "4 members, 3 copies" in html
    assert {path.name for path in report.figures} >= {"population.png", "population.svg"}


def test_what_only_independent_trials_can_tell_is_not_told_from_a_population(folder, sweep_folder):
    found = {f.topic: f for f in write_report(folder, figures=False).findings}
    assert list(found) == [f.topic for f in write_report(sweep_folder, figures=False).findings]
    for topic in ("ranges", "seed noise", "importance", "more trials"):
        assert found[topic].settled is None
        assert "Cannot be told from a population" in found[topic].answer


def test_best_yaml_holds_the_schedule_of_a_member_that_copied(folder):
    for member in ("trial_0000", "trial_0001", "trial_0002"):
        (folder / "search" / member / "state.json").write_text(json.dumps({"state": "pruned", "cause": None}))
    best = yaml.safe_load(write_report(folder, figures=False).best.read_text())
    assert best["config_id"] == "trial_0003"
    assert best["configuration"] == {"lr": 1e-3, "layout": "64x64-tanh"}
    assert best["schedule"] == [{"from_step": FIRST, "lr": 2e-3}, {"from_step": SECOND, "lr": 3e-3}]


def test_a_sweep_without_copies_says_nothing_of_a_population(sweep_folder):
    assert load_lineage(sweep_folder) is None
    report = write_report(sweep_folder)
    assert "The population" not in report.html.read_text()
    assert "schedule" not in yaml.safe_load(report.best.read_text())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"history": [], "schedule": [{"steps": "x"}]}', '{"history": 3}']
)
def test_a_broken_schedule_counts_as_missing(folder, text):
    (folder / "search" / "trial_0003" / "schedule.json").write_text(text)
    lineage = load_lineage(folder)
    assert [copy.member for copy in lineage.copies] == ["trial_0002", "trial_0002"]
    write_report(folder, figures=False)
