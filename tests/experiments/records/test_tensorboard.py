"""TensorBoard reads a run's curves on a step axis, and its configuration in the HPARAMS tab."""

import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from experiments.core.records.tensorboard import TensorBoardLog

CONFIG = {"lr": 1e-3, "layout": "64x64-tanh", "normalise": True, "grad_clip": None}


@pytest.fixture
def read(tmp_path):
    """Writes a run of two evaluations and reads back what TensorBoard sees of it."""

    def write_and_read(last):
        log = TensorBoardLog(tmp_path)
        for step in (100, 200):
            log.scalars({"steps": step, "objective": step / 1000, "ppo/kl": math.nan}, step=step)
        log.hyperparameters(CONFIG, last)
        log.close()
        run = EventAccumulator(str(tmp_path))
        run.Reload()
        return run

    return write_and_read


def recorded(run, tag):
    return run.SummaryMetadata(tag).plugin_data.content


def test_a_curve_has_one_point_an_evaluation_and_nothing_where_there_was_nothing_to_measure(read):
    run = read({"objective": 0.2})
    assert run.Tags()["scalars"] == ["objective"]
    assert [(point.step, round(point.value, 6)) for point in run.Scalars("objective")] == [
        (100, 0.1), (200, 0.2),
    ]  # fmt: skip


def test_the_hparams_tab_lists_the_values_that_are_set_and_compares_by_the_objective(read, tmp_path):
    run = read({"objective": 0.2})
    start = metadata.parse_session_start_info_plugin_data(recorded(run, metadata.SESSION_START_INFO_TAG))
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
    assert values == {"lr": 1e-3, "layout": "64x64-tanh", "normalise": True}
    experiment = metadata.parse_experiment_plugin_data(recorded(run, metadata.EXPERIMENT_TAG))
    assert [info.name.tag for info in experiment.metric_infos] == ["objective"]
    assert metadata.SESSION_END_INFO_TAG in run.summary_metadata
    assert len(list(tmp_path.iterdir())) == 1, "it is part of the run's own file"


def test_a_run_without_an_evaluation_is_listed_all_the_same(read):
    assert metadata.SESSION_START_INFO_TAG in read({}).summary_metadata
