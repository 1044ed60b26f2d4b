"""A sweep takes over the best configurations of another one, as far as its space can take them."""

import pytest

from analysis.sweep.loading import load_sweep
from analysis.sweep.manifest import Manifest, read_manifest
from analysis.verdict.decision import decide
from experiments.core.declaration.experiment import Budget, Experiment
from experiments.core.errors import UserError
from experiments.core.planning.manifest import manifest_of
from experiments.core.planning.options import Options
from experiments.core.planning.plan import Plan
from experiments.core.planning.warm_start import read_warm_start
from experiments.core.records import write_manifest
from search_spaces import model_layouts, ppo

SPACE = ppo.CORE.without("kl_coeff", "kl_target") | model_layouts.MLP


@pytest.fixture
def add_run(writer):
    """Adds a run of one evaluation to a sweep."""

    def add(folder, phase, name, objective, *, state="completed", **config):
        writer.write_run(folder / phase / name, {**SPACE.defaults, **config}, [objective], state=state)

    return add


@pytest.fixture
def begin(writer):
    """Makes a folder that of a sweep."""
    return lambda folder: write_manifest(folder, Manifest.of(writer.manifest()))


@pytest.fixture
def other(tmp_path, add_run, begin):
    """A sweep whose search score and confirmed score disagree, with a pruned and a failed trial."""
    folder = tmp_path / "experiment" / "other"
    add_run(folder, "search", "trial_0000", 0.5)
    add_run(folder, "search", "trial_0001", 0.9, lr=5e-3)
    add_run(folder, "search", "trial_0002", 0.8, lr=2e-3)
    add_run(folder, "search", "trial_0003", 0.7, lr=1e-4)
    add_run(folder, "search", "trial_0004", 2.0, state="pruned")
    add_run(folder, "search", "trial_0005", 2.0, state="failed")
    for seed in (0, 1):
        add_run(folder, "confirm", f"trial_0001_seed{seed}", 0.6 + seed / 10)
        add_run(folder, "confirm", f"trial_0002_seed{seed}", 0.75 + seed / 10)
        add_run(folder, "confirm", f"rllib_seed{seed}", 3.0)
    begin(folder)
    return folder


def test_the_confirmed_ones_come_first_and_pruned_and_failed_ones_not_at_all(other):
    taken = read_warm_start(other, SPACE, trials=40, option="--warm-start")
    assert list(taken.configurations) == ["trial_0002", "trial_0001", "trial_0003"]
    assert taken.configurations["trial_0002"]["lr"] == 2e-3
    assert taken.left_out == {}


def test_a_quarter_of_the_trials_at_most_is_taken_over(other):
    assert len(read_warm_start(other, SPACE, trials=8, option="x").configurations) == 2
    assert len(read_warm_start(other, SPACE, trials=1, option="x").configurations) == 1


def test_a_confirmation_run_that_diverged_counts_with_the_floor_as_it_does_for_the_verdict(
    tmp_path, add_run, begin
):
    for name, lr in (("trial_0001", 1e-3), ("trial_0002", 2e-3)):
        add_run(tmp_path, "search", name, 0.9, lr=lr)
    for seed in range(5):
        add_run(tmp_path, "confirm", f"trial_0001_seed{seed}", 0.9)
        state, objective = ("completed", 0.95) if seed == 0 else ("diverged", 0.0)
        add_run(tmp_path, "confirm", f"trial_0002_seed{seed}", objective, state=state)
    begin(tmp_path)
    taken = read_warm_start(tmp_path, SPACE, trials=40, option="x")
    assert list(taken.configurations) == ["trial_0001", "trial_0002"]
    judged = decide(load_sweep(tmp_path).confirmation)
    assert judged.row("trial_0002")["mean"] == pytest.approx(0.19)


def test_the_other_sweeps_default_takes_no_place_where_it_is_this_spaces_too(other, add_run, begin):
    add_run(other, "search", "trial_0006", 5.0)
    found = read_warm_start(other, SPACE, trials=16, option="x")
    assert list(found.configurations) == ["trial_0002", "trial_0001", "trial_0003"]
    moved = SPACE.narrow(lr=(1e-5, 2e-4))
    assert "trial_0000" in read_warm_start(other, moved, trials=40, option="x").left_out
    alone = other.parent / "alone"
    add_run(alone, "search", "trial_0000", 0.5)
    begin(alone)
    nothing = read_warm_start(alone, SPACE, trials=16, option="x")
    assert str(nothing) == f"warm start from {alone.as_posix()}: nothing fits besides the default"


def test_what_does_not_fit_is_named_with_the_reason(other):
    space = SPACE.narrow(lr=(1e-4, 2e-3))
    taken = read_warm_start(other, space, trials=40, option="x")
    assert list(taken.configurations) == ["trial_0002", "trial_0003"]
    assert taken.left_out == {"trial_0001": "lr=0.005 is not in 0.0001 to 0.002 (log)"}
    assert str(taken) == (
        f"warm start from {other.as_posix()}: trial_0002, trial_0003; "
        "left out trial_0001: lr=0.005 is not in 0.0001 to 0.002 (log)"
    )


def test_names_that_were_not_searched_are_left_to_the_sampler_and_names_that_are_gone_to_the_trainer(other):
    space = SPACE.without("clip") | ppo.BATCH
    taken = read_warm_start(other, space, trials=40, option="x")
    assert set(taken.configurations) == {"trial_0001", "trial_0002", "trial_0003"}
    for config in taken.configurations.values():
        assert set(config) == set(space.names) - set(ppo.BATCH.names)


def test_a_space_with_no_name_in_common_takes_nothing(other):
    taken = read_warm_start(other, ppo.BATCH, trials=4, option="x")
    assert taken.configurations == {}
    assert taken.left_out == {"trial_0002": "it has no hyperparameter in common with the space"}


def test_a_folder_without_completed_trials_is_refused(tmp_path, begin):
    with pytest.raises(UserError, match=r"--warm-start: .* is not a sweep"):
        read_warm_start(tmp_path, SPACE, trials=4, option="--warm-start")
    begin(tmp_path)
    with pytest.raises(UserError, match="has no completed trial to start from"):
        read_warm_start(tmp_path, SPACE, trials=4, option="--warm-start")


def test_it_is_written_down_and_kept_when_the_sweep_goes_on(tmp_path, other, add_run):
    experiment = Experiment(env="CartPole-v1", space=SPACE, budget=Budget(trials=8, steps_per_trial=100))

    def plan(**options):
        return Plan.of(experiment, Options(storage=str(tmp_path), **options), name="experiment", question="")

    assert plan(name="fresh").warm_start is None
    first = plan(name="other", new_name="fresh")
    assert first.sweep == "fresh"
    assert first.folder == tmp_path / "experiment" / "fresh"
    expected = read_warm_start(other, SPACE, trials=8, option="--name")
    assert first.warm_start == expected == plan(name="fresh", warm_start=str(other)).warm_start
    write_manifest(first.folder, manifest_of(first))
    assert read_manifest(first.folder).warm_start == expected
    # The other sweep has moved on meanwhile; this one keeps what it took.
    add_run(other, "search", "trial_0009", 9.0)
    assert plan(name="fresh").warm_start == expected
    assert plan(name="other", new_name="fresh").warm_start == expected


def plan_of(storage, of, **options):
    experiment = Experiment(
        env="sweeps/Bandit-v0", space=SPACE, budget=Budget(trials=8, steps_per_trial=4096)
    )
    return Plan.of(experiment, Options(storage=str(storage), **options), name=of, question="")


def test_a_new_sweep_takes_test_seeds_that_none_of_its_experiment_has_seen_and_keeps_them(tmp_path, other):
    # `other` was confirmed before there was a ledger.
    first = plan_of(tmp_path, "experiment", name="first").looking()
    assert (first.look.block, first.look.looks) == (1, 2)
    write_manifest(first.folder, manifest_of(first))
    assert plan_of(tmp_path, "experiment", name="second").looking().look.block == 2
    same = plan_of(tmp_path, "experiment", name="first").looking()
    assert same.look == first.look, "a sweep that goes on keeps its own"
    assert manifest_of(same).seeds == manifest_of(first).seeds
    unseen = Plan.of(first.experiment, first.options, name="experiment", question="")
    assert manifest_of(first).seeds.test_training != manifest_of(unseen).seeds.test_training


@pytest.mark.parametrize(("starts_from_it", "block"), [(False, 0), (True, 1)])
def test_a_sweep_that_starts_from_another_experiments_takes_none_of_that_ones_test_seeds(
    tmp_path, other, starts_from_it, block
):
    plan = plan_of(tmp_path, "another", warm_start=str(other) if starts_from_it else None)
    assert plan.looking().look.block == block


def test_a_smoke_test_is_no_look(tmp_path):
    assert plan_of(tmp_path, "another", smoke=True).looking().look == (0, 1)
    assert not list(tmp_path.rglob("*.json"))
