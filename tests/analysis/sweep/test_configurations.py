"""A configuration is read off its runs, and else off the manifest."""

import pandas as pd
import pytest

from analysis.sweep import Change, Lineage, Manifest, Sweep, configuration, schedule


@pytest.fixture
def sweep_of(writer):
    def make(*, space=(), baselines=None, trials=(), confirmation=()):
        entries = writer.manifest()
        entries |= {"space": {name: entries["space"][name] for name in space}, "baselines": baselines or {}}
        columns = ["config_id", "config/epochs", "config/lr", "config/extra", "config/clip"]
        search, confirm = (pd.DataFrame(list(rows), columns=columns) for rows in (trials, confirmation))
        manifest = Manifest.of(entries)
        return Sweep(
            folder=None, manifest=manifest, trials=search, curves=None, confirmation=confirm, ablation=None
        )

    return make


SPACE = ("lr", "epochs")


def test_values_come_in_the_order_of_the_space_and_then_by_name(sweep_of):
    sweep = sweep_of(
        space=SPACE, trials=[("trial_0001", 3, 1e-3, "x", 0.2), ("trial_0002", 4, 2e-3, "y", 0.1)]
    )
    found = configuration(sweep, "trial_0002")
    assert list(found.items()) == [("lr", 2e-3), ("epochs", 4), ("clip", 0.1), ("extra", "y")]
    assert [type(value) for value in found.values()] == [float, int, float, str]


def test_a_confirmation_run_comes_before_a_trial_and_a_run_without_values_is_passed_over(sweep_of):
    nothing = ("trial_0001", None, None, None, None)
    sweep = sweep_of(
        space=SPACE,
        trials=[("trial_0001", 3, 1e-3, None, None)],
        confirmation=[nothing, ("trial_0001", 5, 1e-4, None, None)],
    )
    assert configuration(sweep, "trial_0001") == {"lr": 1e-4, "epochs": 5}
    only_search = sweep_of(trials=[("trial_0001", 3, 1e-3, None, None)], confirmation=[nothing])
    assert list(configuration(only_search, "trial_0001").items()) == [("epochs", 3), ("lr", 1e-3)]


def test_a_baseline_without_runs_is_what_the_manifest_states(sweep_of):
    sweep = sweep_of(baselines={"default": {"lr": 3e-4}})
    assert configuration(sweep, "default") == {"lr": 3e-4}
    assert configuration(sweep, "rllib") == configuration(sweep_of(), "default") == {}


def test_a_schedule_is_the_first_configuration_and_what_changed():
    def change(steps, **changed):
        return Change(steps=steps, member="trial_0001", donor=None, changed=changed)

    lineage = Lineage(
        copies=(),
        schedules={
            "trial_0001": (
                change(0),
                change(100, lr=(1, 2), clip=(3, 4)),
                change(200),
                change(300, lr=(2, 5)),
            )
        },
        origins={"trial_0001": {"lr": 1}},
    )
    assert schedule(lineage, "trial_0001") == {
        "configuration": {"lr": 1},
        "schedule": [{"from_step": 100, "lr": 2, "clip": 4}, {"from_step": 300, "lr": 5}],
    }
