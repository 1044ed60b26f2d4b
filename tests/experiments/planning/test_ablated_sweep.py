"""A sweep whose winner is better says which of its changes carry the gain, and its verdict stays the same."""

import json

import pytest
import yaml

from analysis import load_sweep, verdict_on, write_report
from analysis.advice import ablation_of
from analysis.report.figures.ablation import carried, draw
from analysis.sweep import configurations_of
from experiments import Budget, Confirmation, Experiment, Racing
from experiments.core.commands.sweep import _started
from experiments.core.planning import Options, Plan, lacks_runs, next_confirmation_runs
from experiments.core.preflight.estimate import _ablation_runs
from experiments.core.tuning.phases import confirmation_runs
from search_spaces import model_layouts, ppo

SPACE = ppo.CORE | ppo.BATCH | model_layouts.MLP
DEFAULTS = dict(SPACE.defaults)
WINNER = DEFAULTS | {
    "lr": 1e-3, "clip": 0.3, "epochs": 5, "batch_size": 512, "num_minibatches": 4, "layout": "64x64-relu",
}  # fmt: skip


@pytest.fixture
def plan_of(tmp_path):
    def plan(*, steps=200_000, **confirmation):
        experiment = Experiment(
            env="sweeps/Bandit-v0",
            space=SPACE,
            budget=Budget(trials=2, steps_per_trial=steps, evaluations=2),
            confirmation=Confirmation(top_k=1, seeds=Racing(start=5, maximum=10), **confirmation),
        )
        return Plan.of(experiment, Options(storage=str(tmp_path), name="x"), name="some_sweep", question="?")

    return plan


def score(config, seed):
    """What a configuration earns: nearly all of the winner's gain comes with its batch."""
    gain = 0.5 * (config["batch_size"] == 512) + 0.02 * (config["lr"] == 1e-3)
    return 0.2 + gain + 0.01 * ((7 * seed + len(str(config))) % 5)


@pytest.fixture
def swept(plan_of, writer):
    """A sweep whose search is over, and what runs what its confirmation asks for next."""

    def run(plan, *, most=10_000, spoil=None, scored=score, winner=WINNER):
        if not plan.folder.exists():
            plan.folder.mkdir(parents=True)
            _started(plan)
            for number, config in enumerate((DEFAULTS, winner)):
                writer.write_run(plan.folder / f"search/trial_000{number}", config, [scored(config, 0)])
        chosen = {**plan.baselines, "trial_0001": winner}
        possible, asked = confirmation_runs(plan, chosen), []
        while most and (following := next_confirmation_runs(plan, list(chosen), possible)):
            for received in following[:most]:
                config = {k: v for k, v in received.items() if k not in ("config_id", "seed", "test_seed")}
                folder = plan.folder / "confirm" / f"{received['config_id']}_seed{received['test_seed']}"
                value = scored({**DEFAULTS, **config}, received["test_seed"])
                failed = spoil is not None and spoil(config)
                writer.write_run(
                    folder, config, [] if failed else [value], seed=received["seed"],
                    state="failed" if failed else "completed", cause="ValueError: no" if failed else None,
                )  # fmt: skip
                asked.append(folder.name)
            most -= len(following[:most])
        return asked

    return run


def test_the_batch_carries_the_gain_and_best_yaml_offers_the_simpler_configuration(plan_of, swept):
    plan = plan_of()
    asked = swept(plan)
    assert not lacks_runs(plan)
    sweep = load_sweep(plan.folder)
    ablated = ablation_of(sweep)
    assert [ablated.names[step.change] for step in ablated.path.steps] == [("batch_size", "num_minibatches")]
    assert ablated.simpler == ablated.path.steps[-1]
    own = {name for name in asked if name.startswith("ablation_")}
    assert len(own) == len(sweep.ablation) == ablated.spent > 0
    # Only the seeds that the race used, and never more than each once.
    assert len(asked) == len(set(asked))
    assert set(sweep.ablation["test_seed"]) <= set(range(10))
    report = write_report(plan.folder, figures=False)
    assert report.ablation == (
        "batch_size and num_minibatches carry 96% of the gain, and of the 4 other changes nothing can be "
        "seen: with them alone the default is as good as trial_0001 "
        f"({report.ablation.partition('trial_0001 (')[2]}"
    )
    frame = carried(ablated)
    assert frame["label"].tolist() == [
        "default", "+ batch_size 2048 → 512, num_minibatches 32 → 4", "all: trial_0001"
    ]  # fmt: skip
    assert frame["carried"].tolist() == pytest.approx([0.0, 0.96, 1.0], abs=0.01)
    assert len(draw(frame).to_dict()["layer"]) == 2
    best = yaml.safe_load(report.best.read_text())
    assert best["config_id"] == "trial_0001"
    assert best["ablation"]["simpler"]["configuration"] == DEFAULTS | {
        "batch_size": 512,
        "num_minibatches": 4,
    }
    assert best["ablation"]["says"] == report.ablation
    assert report.ablation in report.html.read_text()
    assert "What carries the gain" in report.html.read_text()


def test_the_ablation_changes_nothing_of_the_verdict(plan_of, swept):
    plan = plan_of()
    swept(plan)
    with_it = verdict_on(load_sweep(plan.folder))
    for run in plan.folder.glob("confirm/ablation_*"):
        run.rename(plan.folder / run.name)
    without = verdict_on(load_sweep(plan.folder))
    assert with_it.sentence == without.sentence
    assert with_it.outcome == "better"
    assert with_it.table.equals(without.table)
    assert lacks_runs(plan), "and is missed where it is gone"


@pytest.mark.parametrize("most", [1, 40])
def test_an_ablation_that_was_cut_off_goes_on_to_the_same_end(plan_of, swept, most):
    plan, asked = plan_of(), []
    while part := swept(plan, most=most):
        asked += part
        if most == 1 and len(asked) > 30:
            break
    asked += swept(plan)
    assert len(asked) == len(set(asked))
    ablated = ablation_of(load_sweep(plan.folder))
    assert [ablated.names[step.change][0] for step in ablated.path.steps] == ["batch_size"]
    configs = configurations_of(plan.folder / "confirm")
    values = [json.dumps(config, sort_keys=True) for config in configs.values()]
    assert len(values) == len(set(values)), "no configuration under two ids"


def test_none_is_run_where_the_experiment_asks_for_none(plan_of, swept):
    plan = plan_of(ablation=0)
    assert not any(name.startswith("ablation_") for name in swept(plan))
    assert ablation_of(load_sweep(plan.folder)) is None
    assert write_report(plan.folder, figures=False).ablation is None


def test_none_is_run_where_nothing_is_better(plan_of, swept):
    plan = plan_of()
    assert not any(name.startswith("ablation_") for name in swept(plan, scored=lambda _, seed: 0.1 * seed))
    assert not lacks_runs(plan)


def test_a_change_that_fails_is_never_taken_over(plan_of, swept):
    plan = plan_of()
    swept(plan, spoil=lambda config: config != WINNER and config["lr"] == 1e-3)
    ablated = ablation_of(load_sweep(plan.folder))
    assert ("lr",) not in [ablated.names[step.change] for step in ablated.path.steps]
    assert (load_sweep(plan.folder).ablation["state"] == "failed").any()


def test_the_adapted_default_is_a_step_that_costs_nothing(plan_of, swept):
    plan = plan_of(steps=16_384)
    assert plan.baselines["adapted"] == DEFAULTS | {"batch_size": 512, "num_minibatches": 8}
    winner = WINNER | {"num_minibatches": 8}
    asked = swept(
        plan, winner=winner, scored=lambda config, seed: score(config, seed) + (config == winner) * 0.2
    )
    ablated = ablation_of(load_sweep(plan.folder))
    assert ablated.names[ablated.path.steps[0].change] == ("batch_size", "num_minibatches")
    assert ablated.ids[ablated.path.steps[0].changes] == "adapted"
    assert len([name for name in asked if name.startswith("ablation_")]) == ablated.spent
    assert DEFAULTS | {"batch_size": 512, "num_minibatches": 8} not in [
        config
        for name, config in configurations_of(plan.folder / "confirm").items()
        if name.startswith("ablation_")
    ]


@pytest.mark.parametrize("done", [0, 3])
def test_an_estimate_has_the_runs_that_the_ablation_may_take_yet(plan_of, swept, writer, done):
    plan = plan_of()
    swept(plan, most=5)
    for seed in range(done):
        writer.write_run(plan.folder / f"confirm/ablation_00_seed{seed}", DEFAULTS, [0.5])
    assert _ablation_runs(plan) == 150 - done


def test_the_budget_is_never_exceeded(plan_of, swept):
    plan = plan_of(ablation=20)
    own = [name for name in swept(plan) if name.startswith("ablation_")]
    assert len(own) == 15  # five changes on three seeds; three of them on three more would be too many
    sweep = load_sweep(plan.folder)
    assert ablation_of(sweep).sentence(sweep.scale) == (
        "Ablation of trial_0001: its budget is too small for a first step (15 of 20 runs)."
    )
