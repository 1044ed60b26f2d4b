"""What a run's records say of its end."""

from types import SimpleNamespace

import pytest
from rich.console import Console

from analysis.schema import Phase
from experiments.core.progress import SweepProgress
from experiments.core.recorder import Recorder
from experiments.core.resume import finished_runs, unfinished_runs


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_whose_process_dies_with_the_sweep_is_unfinished_and_any_other_has_failed(
    tmp_path, interrupted
):
    display = SweepProgress(Console(quiet=True), totals={Phase.SEARCH: 1})
    display.begin(Phase.SEARCH, 1)
    recorder = Recorder(tmp_path, 100, display)
    trial = SimpleNamespace(
        trial_id="a", config={"config_id": "trial_0001", "seed": 1, "lr": 0.1}, error_file=None
    )
    recorder.on_trial_start(0, [], trial)
    recorder.interrupted = interrupted
    recorder.on_trial_error(0, [], trial)
    assert [run.name for run in unfinished_runs(tmp_path)] == ["trial_0001"] * interrupted
    assert [run.state for run in finished_runs(tmp_path)] == ["failed"] * (not interrupted)
