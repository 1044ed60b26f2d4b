"""Sweeps of one experiment are compared by their winners, sweeps of several on the common score."""

import json
import re
import shutil

import pandas as pd
import pytest

import analysis
from analysis import CannotCompareError, NotASweepError, compare, write_comparison
from analysis.comparison import ExperimentsCompared, SweepsCompared
from analysis.comparison.page import figures_of

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def versions(writer, tmp_path_factory):
    """Three sweeps of one experiment: as it was, of other code on other seeds, one that found little."""
    results = tmp_path_factory.mktemp("results") / "trading_sweep"
    seeds = {"test_training": [7, 8, 9, 10, 11, 12, 13, 14], "test_evaluation": [17] * 8}
    common = {"trials": 10, "seeds": 8, "experiment": "trading_sweep"}
    other = {"trainer": "rllib", "git": {"commit": "f" * 40}, "seeds_record": seeds}
    writer.write_sweep(results / "before", seed=3, **common)
    writer.write_sweep(results / "after", seed=4, **common)
    writer.write_sweep(results / "poor", seed=29, **common | {"trials": 2}, failed=0, diverged=0)
    manifest = results / "after" / "manifest.json"
    entries = json.loads(manifest.read_text())
    entries["seeds"] |= other.pop("seeds_record")
    manifest.write_text(json.dumps(entries | other))
    return [results / name for name in ("before", "after", "poor")]


@pytest.fixture(scope="module")
def experiments(writer, tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    for number, name in enumerate(("bandit_sweep", "grid_sweep", "trading_sweep")):
        folder = results / name / "one"
        writer.write_sweep(folder, trials=16, seeds=8, seed=13 + number, experiment=name, sweep="one")
    return sorted(results.glob("*/one"))


@pytest.fixture(scope="module")
def of_versions(versions):
    return compare(*versions)


@pytest.fixture(scope="module")
def of_experiments(experiments):
    return compare(*experiments)


def row(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    (found,) = frame.to_dict("records")
    return found


def test_winners_are_paired_where_test_seeds_are_shared_and_else_not(of_versions):
    assert isinstance(of_versions, SweepsCompared)
    winners = of_versions.pairs[of_versions.pairs["role"] == "tuned"]
    assert winners[["sweep", "other", "test", "pairs"]].to_numpy().tolist() == [
        ["before", "after", "Welch", 0],
        ["before", "poor", "paired", 8],
        ["after", "poor", "Welch", 0],
    ]


def test_what_is_claimed_is_said_and_excludes_zero(of_versions):
    claimed = of_versions.claims
    assert {(one, other) for one, other in zip(claimed["sweep"], claimed["other"], strict=True)} == {
        ("before", "poor"),
        ("after", "poor"),
    }
    assert (claimed["low"] > 0).all()
    assert of_versions.sentence.startswith("The winners differ: before (trial_")
    assert "on 8 shared test seeds" in of_versions.sentence
    assert "after (trial" in of_versions.sentence.split("before", 2)[-1]
    assert "for all 3 pairs" in of_versions.sentence


def test_baselines_are_compared_in_families_of_their_own(of_versions):
    assert of_versions.pairs.groupby("role").size().to_dict() == {"default": 3, "rllib": 3, "tuned": 3}


def test_more_sweeps_make_every_interval_wider(versions, of_versions):
    alone = row(compare(versions[0], versions[2]).pairs, role="tuned")
    beside = row(of_versions.pairs, role="tuned", sweep="before", other="poor")
    assert alone["difference"] == beside["difference"]
    assert alone["high"] - alone["low"] < beside["high"] - beside["low"]


def test_two_copies_of_a_sweep_have_no_difference(versions, tmp_path):
    shutil.copytree(versions[0], tmp_path / "before")
    compared = compare(versions[0], tmp_path / "before")
    assert compared.claims.empty
    assert compared.pairs["difference"].tolist() == [0.0] * 3
    assert compared.sentence.startswith("The winners of 2 sweeps are alike: all of them score 0.9")
    labels = [contestant.label for contestant in compared.contestants]
    assert labels == ["trading_sweep/before", f"{tmp_path.name}/before"]
    assert compared.differences.empty


def test_what_differs_between_manifests_is_listed_and_nothing_else(of_versions):
    listed = of_versions.differences.set_index("entry")
    assert listed.loc["trainer"].tolist() == ["fast", "rllib", "fast"]
    assert listed.loc["git commit"].tolist()[1] == "f" * 40
    assert not [entry for entry in listed.index if entry.startswith(("space", "versions", "budget"))]


def test_a_changed_space_is_told_with_bounds_and_default(versions, tmp_path):
    folder = shutil.copytree(versions[0], tmp_path / "narrow")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["space"]["lr"]["distribution"]["attributes"]["high"] = 0.001
    del manifest["space"]["clip"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    listed = compare(versions[0], folder).differences.set_index("entry")
    assert listed.loc["space lr"].tolist() == [
        "1e-05 to 0.01, log; default 0.0003",
        "1e-05 to 0.001, log; default 0.0003",
    ]
    assert listed.loc["space clip"].tolist() == ["0.1 to 0.4; default 0.2", "–"]


def test_curves_lie_on_steps_seconds_and_core_seconds(versions, tmp_path):
    folder = shutil.copytree(versions[0], tmp_path / "four_cores")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"resources": {"cpus": 4}}))
    compared = compare(versions[0], folder)
    curves = compared.curves
    assert set(curves["role"]) == {"tuned", "default"}
    assert (curves["wall_s"] > 0).all()
    four = curves["sweep"] == "four_cores"
    assert (curves.loc[four, "core_s"] == 4 * curves.loc[four, "wall_s"]).all()
    assert (curves.loc[~four, "core_s"] == curves.loc[~four, "wall_s"]).all()
    spent = compared.incumbents.groupby("sweep")["core_s"].max()
    assert spent["four_cores"] == pytest.approx(4 * spent["before"])
    names = [figure.name for figure in figures_of(compared)]
    assert "curves_over_core_seconds" in names
    assert "curves_over_core_seconds" not in [figure.name for figure in figures_of(compare(*versions[:2]))]


def test_an_incumbent_is_the_best_completed_trial_by_what_was_spent_with_it(of_versions):
    own = of_versions.incumbents[of_versions.incumbents["sweep"] == "before"]
    trials = of_versions.contestants[0].sweep.trials
    assert own["steps"].tolist() == trials["steps"].fillna(0).cumsum().tolist()
    completed = trials[trials["state"] == "completed"]
    assert own["search_score"].iloc[-1] == completed["objective"].max()
    assert own["incumbent"].iloc[-1] == completed.loc[completed["objective"].idxmax(), "config_id"]
    default = of_versions.contestants[0].runs("default")
    assert own["confirmed_score"].iloc[0] == pytest.approx(default.mean())


def test_an_unfinished_confirmation_claims_nothing(versions, tmp_path):
    folders = [shutil.copytree(folder, tmp_path / folder.name) for folder in (versions[0], versions[2])]
    manifest = json.loads((folders[0] / "manifest.json").read_text())
    manifest["confirmation"]["looks"] = [8, 20]
    (folders[0] / "manifest.json").write_text(json.dumps(manifest))
    compared = compare(*folders)
    assert compared.contestants[0].verdict.evidence.is_unfinished
    assert compared.claims.empty
    assert "before: its confirmation is unfinished, so nothing is claimed of it." in compared.notes


def test_several_experiments_have_a_table_with_the_optimum_and_gains(of_experiments):
    assert isinstance(of_experiments, ExperimentsCompared)
    table = of_experiments.table
    assert table["role"].tolist() == ["tuned", "default", "rllib", "optimum"] * 3
    assert set(table.loc[table["role"] == "optimum", "mean"]) == {1.0}
    scores = table.pivot_table(index="experiment", columns="role", values="mean")
    for gain in of_experiments.gains.to_dict("records"):
        own = scores.loc[gain["experiment"]]
        assert gain["difference"] == pytest.approx(own["tuned"] - own["default"])
    assert of_experiments.gain == pytest.approx(of_experiments.gains["difference"].mean())


def test_whether_tuning_pays_is_one_sentence_with_its_interval(of_experiments):
    low, high = of_experiments.interval
    assert of_experiments.pays
    assert of_experiments.sentence.startswith(
        "Tuning pays over 3 experiments: the winners' mean gain over the defaults is "
        f"{of_experiments.gain:+.2f} [{low:+.2f}, {high:+.2f}] in score. For certain in "
    )


def test_aggregates_profiles_and_improvement_are_of_every_role(of_experiments):
    roles = ["tuned", "default", "rllib"]
    table = of_experiments.aggregates
    assert table["aggregate"].unique().tolist() == ["interquartile mean", "mean", "optimality gap"]
    assert table["role"].tolist() == roles * 3
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert of_experiments.profiles["role"].unique().tolist() == roles
    assert of_experiments.improvement["over"].tolist() == roles[1:]


def test_a_role_that_one_experiment_lacks_is_in_no_aggregate_and_a_note_says_so(experiments, tmp_path):
    lacking = shutil.copytree(experiments[0], tmp_path / "lacking")
    for run in lacking.glob("confirm/rllib_*"):
        shutil.rmtree(run)
    compared = compare(lacking, *experiments[1:])
    assert "rllib: not confirmed in every experiment, so in no aggregate." in compared.notes
    assert "rllib" not in set(compared.aggregates["role"])


def test_the_same_folders_give_the_same_numbers(experiments, of_experiments):
    again = compare(*experiments)
    for name, frame in of_experiments.frames().items():
        pd.testing.assert_frame_equal(frame, again.frames()[name])


@pytest.fixture(scope="module")
def unscaled(writer, tmp_path_factory):
    env = {"floor": None, "optimum": None, "references": {}}
    folder = tmp_path_factory.mktemp("results") / "own_sweep" / "one"
    return writer.write_sweep(folder, trials=6, seeds=5, experiment="own_sweep", env=env)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda v, e, u, t: [v[0]], "was given: expected two sweep folders or more"),
        (lambda v, e, u, t: [v[0], v[0]], "was given twice: give each sweep folder once"),
        (lambda v, e, u, t: [v[0], t], "is not a sweep folder: it has no manifest.json"),
        (lambda v, e, u, t: [v[0], t / "unconfirmed"], "has no confirmed tuned configuration"),
        (lambda v, e, u, t: [v[0], t / "damaged"], "manifest.json"),
        (lambda v, e, u, t: [u, e[0]], "states no floor and optimum, so it has no score that it shares"),
        (
            lambda v, e, u, t: [v[0], v[1], e[0]],
            "2 sweeps of trading_sweep were given beside another experiment",
        ),
    ],
    ids=["one", "twice", "no sweep", "unconfirmed", "damaged", "no common score", "mixed"],
)
def test_what_cannot_be_compared_is_one_line(
    writer, versions, experiments, unscaled, tmp_path, given, message
):
    writer.write_sweep(tmp_path / "unconfirmed", trials=4, confirm=False)
    damaged = shutil.copytree(versions[0], tmp_path / "damaged")
    (damaged / "manifest.json").write_text("{")
    with pytest.raises((CannotCompareError, NotASweepError), match=re.escape(message)) as raised:
        compare(*given(versions, experiments, unscaled, tmp_path))
    assert "\n" not in str(raised.value)


def test_sweeps_of_one_experiment_without_references_are_compared_by_their_returns(unscaled, tmp_path):
    compared = compare(unscaled, shutil.copytree(unscaled, tmp_path / "two"))
    assert compared.claims.empty
    assert compared.scale.noun == "return"


@pytest.mark.parametrize("kind", ["of_versions", "of_experiments"])
def test_a_comparison_is_one_page_with_figures_and_tables_beside_it(request, tmp_path, kind):
    compared = request.getfixturevalue(kind)
    html = write_comparison(compared, tmp_path / "out").read_text()
    assert "<b>" in html
    assert 'src="' not in html.partition("<script>")[0]
    for name, frame in compared.frames().items():
        written = pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert written.shape == frame.shape, name
    figures = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    assert len(figures) >= 5
    for name in figures:
        svg = (tmp_path / "out" / "figures" / f"{name}.svg").read_text()
        assert "NaN" not in svg
        assert (tmp_path / "out" / "figures" / f"{name}.png").stat().st_size > 1000
    assert not list(tmp_path.rglob("*.part"))


def test_a_comparison_does_not_overwrite_a_sweeps_own_figures(versions, of_versions):
    with pytest.raises(CannotCompareError, match="is a sweep folder: give another one"):
        write_comparison(of_versions, versions[0])


def test_names_from_manifests_cannot_become_markup(versions, tmp_path):
    folder = shutil.copytree(versions[0], tmp_path / "hostile")
    for path in (folder, versions[1]):
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["sampler"], manifest["experiment"] = HOSTILE + path.name, HOSTILE
        target = shutil.copytree(path, tmp_path / f"h_{path.name}")
        (target / "manifest.json").write_text(json.dumps(manifest))
    html = write_comparison(compare(*tmp_path.glob("h_*")), tmp_path / "out").read_text()
    page, *_ = html.partition("<script>")
    assert "<img" not in page
    assert page.count("&lt;img") > 2
    assert page.count("<script") == page.count('<script type="application/json"')


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("several", [False, True])
def test_too_few_seeds_claim_nothing_and_are_drawn_all_the_same(writer, tmp_path, seeds, several):
    folders = []
    for number in range(2):
        experiment = f"sweep_{number if several else 0}"
        folder = tmp_path / experiment / str(number)
        folders.append(writer.write_sweep(folder, trials=6, seeds=seeds, seed=number, experiment=experiment))
    compared = compare(*folders)
    assert not (compared.gains["pays"] if several else compared.pairs["claimed"]).any()
    assert "nan" not in compared.sentence
    html = write_comparison(compared, tmp_path / "out").read_text()
    assert "nan" not in html.partition("<h2>")[0].lower().partition("<body>")[2].partition("<script")[0]


def test_the_public_names_are_there():
    assert {"compare", "write_comparison", "SweepsCompared", "ExperimentsCompared"} <= set(analysis.__all__)
