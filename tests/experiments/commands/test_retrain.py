"""What is wrong with a retraining is one line, and nothing is written; seeds are read as they are meant."""

from pathlib import Path

import pytest
from msgspec import UNSET, structs

from analysis.report.write import write_report
from analysis.statistics import NO_INTERVAL, Interval, estimate
from analysis.sweep import BestEvaluation, BestRecord, BestSeeds, BestTraining
from analysis.verdict.reproduction import reproduce
from experiments import UserError, retrain, trading_sweep
from experiments.core.commands.retraining import read_seeds, sentence
from experiments.core.commands.sweep import rllib_settings
from experiments.core.planning.manifest import manifest_of
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.records import write_manifest
from experiments.core.records.schedule import config_at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200-209", list(range(200, 210))),
        ("7", [7]),
        ("200, 205,210-212", [200, 205, 210, 211, 212]),
    ],
)
def test_seeds_are_numbers_and_ranges(text, expected):
    assert read_seeds(text) == expected


@pytest.mark.parametrize("text", ["", "a", "5-", "-5", "9-5", "1,1", "1-3,2", "4096", "1.5", "0-4096"])
def test_seeds_that_mean_nothing_are_one_line(text):
    with pytest.raises(UserError, match="such as 200-209") as caught:
        read_seeds(text)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_sweep_is_one_line(tmp_path):
    with pytest.raises(UserError, match="is not a sweep folder"):
        retrain(trading_sweep.EXPERIMENT, tmp_path, seeds="200-201")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("best", "words"),
    [
        (None, "has no best.yaml"),
        ("", r"best.yaml is damaged \(Expected `object`, got `null`\)"),
        ("config_id: default\ntraining: {steps: 5}\n", "damaged .*missing required field"),
        ("config_id: ../x\n", "damaged .*config_id"),
        ("{", "best.yaml is damaged"),
    ],
)
def test_a_best_yaml_of_another_version_is_one_line(tmp_path, best, words):
    plan = Plan.of(trading_sweep.EXPERIMENT, Options(), name="trading_sweep", question="?")
    write_manifest(tmp_path, manifest_of(plan))
    if best is not None:
        (tmp_path / "best.yaml").write_text(best)
    with pytest.raises(UserError, match=words) as caught:
        retrain(trading_sweep.EXPERIMENT, tmp_path, seeds=[200, 201])
    assert "\n" not in str(caught.value)
    assert f"python -m analysis report {tmp_path} writes it" in str(caught.value)
    assert not (tmp_path / "retrain").exists()


@pytest.mark.parametrize(("seeds", "others"), [("3", "200"), ("3-5", "200-202")])
def test_seeds_that_the_confirmation_used_are_refused_with_others(writer, tmp_path, seeds, others):
    folder = writer.write_sweep(tmp_path / "trading_sweep" / "x", trials=8)
    write_report(folder, figures=False)
    with pytest.raises(UserError, match=f"already; expected others, such as {others}$"):
        retrain(trading_sweep.EXPERIMENT, folder, seeds=seeds)
    assert not (folder / "retrain").exists()


def test_a_cluster_that_is_gone_is_refused_before_anything_is_written(writer, tmp_path, monkeypatch):
    folder = writer.write_sweep(tmp_path / "trading_sweep" / "x", trials=8)
    write_report(folder, figures=False)
    monkeypatch.setenv("RAY_ADDRESS", "no-cluster:6379x")
    with pytest.raises(UserError, match="RAY_ADDRESS=no-cluster:6379x: expected HOST:PORT"):
        retrain(trading_sweep.EXPERIMENT, folder, seeds="200-201")
    assert not list(folder.rglob("retrain/*"))


@pytest.mark.parametrize("options", [Options(seeds="200-201"), Options(retrain=Path())])
def test_a_folder_and_its_seeds_go_together(options):
    with pytest.raises(UserError, match="give both, or neither"):
        options.apply(trading_sweep.EXPERIMENT)


def test_the_comparison_is_said_with_both_intervals():
    confirmed = estimate([0.88, 0.9, 0.92, 0.91, 0.89])
    near = sentence(reproduce(confirmed, [0.9, 0.906], confirmed=Interval(0.88, 0.92)), 2)
    assert near.startswith("Retrained on 2 new seeds: 0.903, within the confirmed interval [0.880, 0.920]")
    assert "Reproduced: the mean of 2 new runs is expected in [0." in near
    far = sentence(reproduce(confirmed, [0.1, 0.2], confirmed=Interval(0.88, 0.92)), 2)
    assert "outside the confirmed interval" in far
    assert "Not reproduced" in far
    alone = sentence(reproduce(estimate([0.9]), [0.9], confirmed=NO_INTERVAL), 1)
    assert alone.startswith("Retrained on 1 new seed: ")
    assert "nothing follows" in alone
    assert "nan" not in alone


def test_a_populations_winner_is_retrained_by_its_schedule():
    best = BestRecord(
        config_id="trial_0003",
        configuration={"lr": 1e-3, "epochs": 4, "layout": "16-tanh"},
        schedule=[{"from_step": 100, "lr": 2e-3}, {"from_step": 200, "epochs": 5}],
        fixed={},
        env="sweeps/Bandit-v0",
        env_parameters={},
        test_parameters={},
        training=BestTraining(steps=300, lanes=8, trainer="fast"),
        evaluation=BestEvaluation(evaluations=4, episodes=8),
        seeds=BestSeeds(root=0),
    )
    trained = best.trained
    assert config_at(trained, 99) == best.configuration
    assert config_at(trained, 100) == {**best.configuration, "lr": 2e-3}
    assert config_at(trained, 200) == {"lr": 2e-3, "epochs": 5, "layout": "16-tanh"}
    assert structs.replace(best, schedule=UNSET).trained == best.configuration


def test_rllib_is_told_the_start_and_every_change_of_a_schedule():
    schedule = [
        {"steps": 0, "configuration": {"lr": 1e-3, "one_minus_gamma": 0.01}},
        {"steps": 100, "configuration": {"lr": 2e-3, "one_minus_gamma": 0.01}},
    ]
    constant = rllib_settings({"lr": 1e-3, "one_minus_gamma": 0.01}, {"epochs": 3})
    changing = rllib_settings({**schedule[0]["configuration"], "schedule": schedule}, {"epochs": 3})
    assert "schedule" not in constant
    assert {name: value for name, value in changing.items() if name != "schedule"} == constant
    (change,) = changing["schedule"]
    assert change["from_step"] == 100
    assert change["training"] == {**constant["training"], "lr": 2e-3}
