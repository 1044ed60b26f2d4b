"""A scheduler to which the disk is replayed knows what it would have known had it never been stopped."""

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler
from ray.tune.search import Searcher
from rich.console import Console

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.runs import FinishedRun, finished_runs, unfinished_runs
from analysis.sweep.schema import Phase, State
from experiments import Asha, Hyperband, Median
from experiments.core.records import saved_state
from experiments.core.signing import user_key
from experiments.core.terminal.progress import SweepProgress
from experiments.core.tuning.both_phases import BothPhasesScheduler
from experiments.core.tuning.build_schedulers import build_scheduler
from experiments.core.tuning.callbacks import Recorder
from experiments.core.tuning.scheduler_replay import ReplayOnStart, end_stopped_runs, replay_finished

FULL = 1000
STEPS = (130, 260, 390, 520, 650, 780, 910, FULL)
"""No multiple of a rung: a rung is reached between two evaluations."""
CONTROLLER = SimpleNamespace(get_live_trials=list)
"""What the median rule asks of Tune: whether other trials wait."""
SCHEDULERS = {
    declared.name: partial(build_scheduler, declared, steps=FULL, seed=0)
    for declared in (Asha(), Median(min_trials=2), Hyperband(reduction=2))
}


@pytest.fixture(params=SCHEDULERS)
def make(request):
    return SCHEDULERS[request.param]


def trial_of(name):
    return Trial("x", stub=True, trial_id=f"id_of_{name}", config={"config_id": name})


def run_live(scheduler, name, values):
    """Runs a trial as Tune does, and gives what the disk holds of it then."""
    trial, curve = trial_of(name), {}
    scheduler.on_trial_add(None, trial)
    for steps, value in zip(STEPS, values, strict=False):
        result = {"steps": steps, "objective": value}
        curve[steps] = value
        ended = steps == FULL
        if ended or scheduler.on_trial_result(CONTROLLER, trial, result) == "STOP":
            scheduler.on_trial_complete(None, trial, result)
            state = State.COMPLETED if ended else State.PRUNED
            return FinishedRun(name=name, config={}, state=state, curve=curve)
    return trial, curve


def curves(number):
    rng = np.random.default_rng(5)
    return [np.cumsum(rng.normal(0.2, 1.0, len(STEPS))).tolist() for _ in range(number)]


def decisions(scheduler, values):
    """What it decides on a new trial that stays at each value."""
    decided = []
    for number, value in enumerate(values):
        trial = trial_of(f"trial_{100 + number:04d}")
        scheduler.on_trial_add(None, trial)
        decided.append(scheduler.on_trial_result(CONTROLLER, trial, {"steps": 520, "objective": value}))
        if hasattr(scheduler, "_results"):
            del scheduler._results[trial]
    return decided


def rungs(scheduler):
    return [
        [(m, sorted(recorded.values())) for m, recorded in bracket._rungs] for bracket in scheduler._brackets
    ]


def test_the_runs_that_ended_count_as_they_did(make):
    live, rebuilt = make(), make()
    runs = [run_live(live, f"trial_{number:04d}", values) for number, values in enumerate(curves(12))]
    assert {run.state for run in runs} == {State.COMPLETED, State.PRUNED}
    replay_finished(rebuilt, runs)
    if isinstance(live, ASHAScheduler):
        assert rungs(rebuilt) == rungs(live)
    probes = np.linspace(-4, 6, 21)
    assert decisions(rebuilt, probes) == decisions(live, probes)
    assert set(decisions(make(), probes)) == {"CONTINUE"}


class Listener(Searcher):
    """A searcher that notes what is reported to it."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def on_trial_result(self, trial_id, result):
        self.heard.append((trial_id, result["steps"], result["objective"]))


def test_a_run_that_goes_on_is_judged_as_if_it_had_never_been_cut_off(make, tmp_path):
    live, rebuilt = make(), make()
    ended = [run_live(live, f"trial_{number:04d}", values) for number, values in enumerate(curves(6))]
    trial, curve = run_live(live, "trial_0009", [5.0, 5.1, 5.2])
    replay_finished(rebuilt, ended)
    results = [{"steps": steps, "objective": value, "wall_s": 1.0} for steps, value in curve.items()]
    (tmp_path / "trial_0009").mkdir()
    saved_state.save(tmp_path / "trial_0009", results, "state", key=user_key())
    again = Trial("x", stub=True, trial_id="another_id", config=trial.config)
    scheduler, searcher = BothPhasesScheduler(rebuilt, 1), Listener()
    judged = scheduler.judged(again)
    rebuilt.on_trial_add(None, judged)
    told = ReplayOnStart(tmp_path, scheduler, searcher)
    told.on_trial_start(0, [], again)
    told.on_trial_start(1, [], again)  # Tune may start a trial twice; it is told once
    third = Trial("x", stub=True, trial_id="third_id", config=trial.config)  # the same run, after a loss
    told.on_trial_start(2, [], third)
    assert scheduler.judged(third) is judged
    assert searcher.heard == [("another_id", steps, value) for steps, value in curve.items()]
    if isinstance(live, ASHAScheduler):
        assert rungs(rebuilt) == rungs(live)
    for steps, value in ((520, 5.0), (780, -9.0)):
        result = {"steps": steps, "objective": value}
        expected = live.on_trial_result(CONTROLLER, trial, result)
        assert rebuilt.on_trial_result(CONTROLLER, judged, result) == expected


def cut_off(folder, name, curve):
    """What a kill leaves of a run, once `tidy` has been there: its configuration and what it had saved."""
    (folder / name).mkdir(parents=True)
    (folder / name / "params.json").write_text(json.dumps({"lr": 0.1, "config_id": name, "seed": 1}))
    results = [{"steps": steps, "objective": value, "wall_s": 1.0} for steps, value in curve.items()]
    saved_state.save(folder / name, results, "state", key=user_key())


def test_a_stop_that_the_kill_kept_from_being_written_down_still_ends_the_run(make, tmp_path):
    live, rebuilt, folder = make(), make(), tmp_path / Phase.SEARCH
    ended = [run_live(live, f"trial_{number:04d}", values) for number, values in enumerate(curves(6))]
    _, going_on = run_live(live, "trial_0007", [9.0] * 4)
    stopped = run_live(live, "trial_0009", [-9.0] * 4)
    assert stopped.state is State.PRUNED
    cut_off(folder, "trial_0000", stopped.curve)  # the default, which is never stopped
    cut_off(folder, "trial_0007", going_on)
    cut_off(folder, "trial_0009", stopped.curve)
    display = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: 9})
    display.begin(Phase.SEARCH, 9)
    replay_finished(rebuilt, ended)
    end_stopped_runs(folder, rebuilt, [Recorder(tmp_path, FULL, display)])
    (found,) = finished_runs(folder)
    assert found == replace(stopped, config={"lr": 0.1})
    assert [run.name for run in unfinished_runs(folder)] == ["trial_0000", "trial_0007"]
    assert not (folder / "trial_0009" / UNFINISHED_FILE).exists()
    assert display.count(Phase.SEARCH, State.PRUNED) == 1


def test_what_a_run_had_reported_that_restarts_is_replayed_to_nobody(make, tmp_path):
    scheduler, searcher, trial = make(), Listener(), trial_of("trial_0009")
    (tmp_path / "trial_0009").mkdir()
    saved_state.save(
        tmp_path / "trial_0009", [{"steps": 520, "wall_s": 1.0, "objective": 9.0}], "state", key=user_key()
    )
    saved_state.refuse(tmp_path / "trial_0009", "its state cannot be restored")
    scheduler.on_trial_add(None, trial)
    ReplayOnStart(tmp_path, BothPhasesScheduler(scheduler, 1), searcher).on_trial_start(0, [], trial)
    assert searcher.heard == []
    assert decisions(scheduler, [-9.0]) == ["CONTINUE"]


def test_failed_runs_and_other_schedulers_change_nothing():
    run = FinishedRun(name="trial_0001", config={}, state=State.FAILED, curve={500: 9.0})
    asha, fifo = SCHEDULERS["asha"](), FIFOScheduler()
    replay_finished(asha, [run])
    replay_finished(fifo, [run])
    assert rungs(asha) == rungs(SCHEDULERS["asha"]())
