import json
import math

import pandas as pd
import pytest

from analysis.report.tables import write_frames
from analysis.sweep import schema
from analysis.sweep.loading import NotASweepError, load_sweep


def test_a_finished_sweep_has_one_row_per_run_and_one_per_evaluation(sweep_folder):
    sweep = load_sweep(sweep_folder)
    assert len(sweep.trials) == 32
    assert len(sweep.confirmation) == 25
    assert len(sweep.curves) == sweep.trials["evaluations"].sum() + sweep.confirmation["evaluations"].sum()
    assert list(sweep.trials.columns[:7]) == list(schema.IDENTITY)
    assert set(sweep.confirmation["config_id"]) >= {"default", "rllib"}
    assert set(sweep.confirmation["test_seed"]) == {0, 1, 2, 3, 4}


def test_every_column_of_every_frame_is_in_the_schema(sweep_folder):
    sweep = load_sweep(sweep_folder)
    for frame in (sweep.trials, sweep.curves, sweep.confirmation):
        assert len(frame.columns) >= len(schema.EVALUATION)
        assert all(schema.describe(column) for column in frame.columns)


def test_extras_of_tune_are_ignored(sweep_folder):
    assert not {"training_iteration", "config"} & set(load_sweep(sweep_folder).curves.columns)


def test_a_value_is_the_last_objective_on_disk(sweep_folder):
    lines = (sweep_folder / "search" / "trial_0000" / "result.json").read_text().splitlines()
    trials = load_sweep(sweep_folder).trials
    assert trials.loc[0, "objective"] == json.loads(lines[-1])["objective"]


def test_nan_tokens_are_missing_values(sweep_folder):
    curves = load_sweep(sweep_folder).curves
    first = curves[(curves["trial_id"] == "trial_0000") & (curves["steps"] == 4096)]
    assert math.isnan(first["train/return_mean"].item())


def test_infinite_values_are_missing_values(sweep_folder):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    path.write_text('{"steps": 10, "score": Infinity, "objective": -Infinity, "ppo/kl": "nan"}\n')
    first = load_sweep(sweep_folder).trials.iloc[0]
    assert first[["score", "objective", "ppo/kl"]].isna().all()


def test_a_line_that_is_cut_off_loses_only_itself(sweep_folder):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) - 40])
    assert load_sweep(sweep_folder).trials.loc[0, ["evaluations", "state"]].tolist() == [15, "running"]


def test_a_result_file_cut_anywhere_still_loads(sweep_folder):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    whole = path.read_bytes()
    for end in range(0, len(whole), 997):
        path.write_bytes(whole[:end])
        assert load_sweep(sweep_folder).trials.loc[0, "evaluations"] == whole[:end].count(b"\n")


@pytest.mark.parametrize("name", ["params.json", "state.json", "result.json"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"[1, 2]", b"\xff\xfe\x00"])
def test_a_missing_or_broken_file_leaves_the_run_in_the_table(sweep_folder, name, content):
    path = sweep_folder / "search" / "trial_0001" / name
    path.unlink() if content is None else path.write_bytes(content)
    trials = load_sweep(sweep_folder).trials.set_index("trial_id")
    assert len(trials) == 32
    assert trials.loc["trial_0001", "state"] == "running"
    assert name != "result.json" or math.isnan(trials.loc["trial_0001", "objective"])
    assert name != "params.json" or pd.isna(trials.loc["trial_0001", "config/lr"])


def test_without_params_a_confirmation_run_is_known_by_its_folder(sweep_folder):
    (sweep_folder / "confirm" / "default_seed3" / "params.json").unlink()
    run = load_sweep(sweep_folder).confirmation.set_index("trial_id").loc["default_seed3"]
    assert run["config_id"] == "default"
    assert run["test_seed"] == 3


def test_steps_that_were_trained_again_after_a_checkpoint_count_once(sweep_folder):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    lines = path.read_text().splitlines()
    again = [json.dumps(json.loads(line) | {"score": 0.123}) for line in lines[10:]]
    path.write_text("\n".join(lines + again) + "\n")
    curves = load_sweep(sweep_folder).curves
    curve = curves[curves["trial_id"] == "trial_0000"]
    assert curve["steps"].is_unique
    assert curve["steps"].is_monotonic_increasing
    assert (curve["score"].iloc[10:] == 0.123).all()


def test_a_failed_trial_has_no_value_and_a_diverged_one_what_was_written(sweep_folder):
    trials = load_sweep(sweep_folder).trials.set_index("state")
    assert math.isnan(trials.loc["failed", "objective"])
    assert trials.loc["diverged", "objective"] == 0.0
    assert "not finite" in trials.loc["diverged", "cause"]


@pytest.mark.parametrize("references", [{}, {"floor": None, "optimum": None}], ids=["known", "unknown"])
def test_a_diverged_trial_is_worth_what_was_written_when_it_diverged(writer, tmp_path, references):
    folder = writer.write_sweep(
        tmp_path / "sweep", trials=8, confirm=False, env=writer.manifest()["env"] | references
    )
    path = folder / "search" / "trial_0006" / "result.json"
    path.write_text('{"steps": 10, "score": -5.73, "objective": -5.73}\n')
    trials = load_sweep(folder).trials.set_index("trial_id")
    assert trials.loc["trial_0006", ["score", "objective"]].tolist() == [-5.73, -5.73]


def test_a_folder_with_only_a_manifest_is_a_sweep_without_runs(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=0, confirm=False)
    sweep = load_sweep(folder)
    assert sweep.trials.empty
    assert sweep.confirmation.empty
    assert sweep.curves.empty
    assert list(sweep.curves.columns[:7]) == list(schema.IDENTITY)


def test_trials_come_in_their_order_beyond_four_digits(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=2, confirm=False)
    for name in ("trial_10000", "trial_9999"):
        writer.write_run(folder / "search" / name, writer.DEFAULTS, [0.5])
    assert load_sweep(folder).trials["trial_id"].tolist()[-2:] == ["trial_9999", "trial_10000"]


def test_the_written_frames_read_back_as_they_were(sweep_folder):
    sweep = load_sweep(sweep_folder)
    paths = write_frames(sweep)
    assert {path.name for path in sweep_folder.glob("*.p*")} == {path.name for path in paths.values()}
    for name, path in paths.items():
        pd.testing.assert_frame_equal(pd.read_parquet(path), getattr(sweep, name))


def test_a_name_with_values_of_several_types_becomes_text(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=1, confirm=False)
    writer.write_run(folder / "search" / "trial_0001", {"lr": "low", "flag": True}, [0.5])
    sweep = load_sweep(folder)
    write_frames(sweep)
    assert sweep.trials["config/lr"].tolist() == ["0.0003", "low"]


def test_columns_have_one_type_each_and_missing_is_never_zero(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=0, confirm=False)
    first = {"whole": 3, "half": 3, "flag": True, "mixed": True, "word": "x"}
    writer.write_run(folder / "search" / "trial_0000", first, [0.5], seed=7)
    writer.write_run(folder / "search" / "trial_0001", {"half": 0.5, "flag": False, "mixed": 1}, [0.25, 0.75])
    trials = load_sweep(folder).trials
    types = {name: str(trials[f"config/{name}"].dtype) for name in first}
    text = str(trials["cause"].dtype)
    assert types == {
        "whole": "Int64", "half": "float64", "flag": "boolean", "mixed": text, "word": text,
    }  # fmt: skip
    assert trials["config/half"].tolist() == [3.0, 0.5]
    assert trials["config/mixed"].tolist() == ["true", "1"]
    assert trials.loc[1, ["config/whole", "config/word"]].isna().all()
    assert trials["seed"].tolist() == [7, 1]
    assert [str(trials[name].dtype) for name in ("seed", "test_seed", "evaluations")] == ["Int64"] * 3
    assert trials["test_seed"].isna().all()
    assert trials["evaluations"].tolist() == [1, 2]
    assert trials["phase"].tolist() == ["search"] * 2
    assert trials["cause"].isna().all()


def test_what_environment_and_seeds_report_comes_before_the_configuration_and_as_numbers(writer, tmp_path):
    folder = writer.write_sweep(tmp_path / "sweep", trials=1, confirm=False)
    path = folder / "search" / "trial_0000" / "result.json"
    row = {"steps": 10, "objective": 1, "env/b": 2, "env/a": None, "seeds/score_0": 0.5, "other": 3}
    path.write_text(json.dumps(row) + "\n")
    sweep = load_sweep(folder)
    extras = [name for name in sweep.trials.columns if name not in schema.EVALUATION][10:]
    configured = sorted(f"config/{name}" for name in writer.DEFAULTS)
    assert extras == ["env/a", "env/b", *configured, "seeds/score_0"]
    first = sweep.trials.iloc[0]
    assert first[["env/b", "seeds/score_0", "objective"]].tolist() == [2.0, 0.5, 1.0]
    assert first[["env/a", "score"]].isna().all()
    assert sweep.curves["experiment"].tolist() == ["trading_sweep"]
    assert sweep.curves.loc[0, ["phase", "trial_id", "config_id"]].tolist() == [
        "search",
        "trial_0000",
        "trial_0000",
    ]


def test_evaluations_come_in_the_order_of_their_steps(sweep_folder):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    path.write_text("".join(f'{{"steps": {steps}, "objective": {steps}}}\n' for steps in (30, 10, 20)))
    sweep = load_sweep(sweep_folder)
    assert sweep.curves.loc[sweep.curves["trial_id"] == "trial_0000", "steps"].tolist() == [10, 20, 30]
    assert sweep.trials.loc[0, "objective"] == 30


@pytest.mark.parametrize(
    "line", ["3", '{"objective": 1}', '{"steps": "x", "objective": 1}', '{"steps": NaN}']
)
def test_a_line_without_steps_makes_its_run_an_unfinished_one(sweep_folder, line):
    path = sweep_folder / "search" / "trial_0000" / "result.json"
    path.write_text(line + "\n" + path.read_text())
    assert load_sweep(sweep_folder).trials.loc[0, ["evaluations", "state"]].tolist() == [16, "running"]


def test_a_state_that_nobody_knows_is_unfinished_and_a_failure_needs_no_evaluation(sweep_folder):
    run = sweep_folder / "search" / "trial_0000"
    for ending in ({"state": "finished"}, {"state": "running"}, {"state": "failed", "cause": 3}):
        (run / "state.json").write_text(json.dumps(ending))
        first = load_sweep(sweep_folder).trials.iloc[0]
        assert first["state"] == "running"
        assert pd.isna(first["cause"])
    (run / "result.json").write_text("")
    for state, expected in [("failed", "failed"), ("completed", "running"), ("pruned", "running")]:
        (run / "state.json").write_text(json.dumps({"state": state}))
        assert load_sweep(sweep_folder).trials.loc[0, "state"] == expected


def test_the_looks_of_a_race_are_in_the_manifest(writer, tmp_path):
    fixed = load_sweep(writer.write_sweep(tmp_path / "a", trials=0, seeds=5, confirm=False))
    assert fixed.interim_analyses == (5,)
    looks = {"top_k": 3, "looks": [5, 8]}
    raced = writer.write_sweep(tmp_path / "b", trials=0, confirm=False, confirmation=looks)
    assert load_sweep(raced).interim_analyses == (5, 8)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(NotASweepError, match="nowhere does not exist; expected a sweep folder"):
        load_sweep(tmp_path / "nowhere")


def test_a_file_is_not_a_sweep(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(NotASweepError, match="file is a file"):
        load_sweep(path)


def test_a_folder_above_a_sweep_names_the_sweep(sweep_folder):
    with pytest.raises(NotASweepError, match=r"did you mean .*2026-11-20_19-42-06"):
        load_sweep(sweep_folder.parent)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_manifest_is_no_sweep(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(NotASweepError, match=r"manifest\.json is damaged"):
        load_sweep(tmp_path)


def test_a_manifest_of_another_version_says_which(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema_version": 99}')
    with pytest.raises(NotASweepError, match="schema_version 99"):
        load_sweep(tmp_path)


def test_every_message_is_one_line(tmp_path):
    with pytest.raises(NotASweepError) as error:
        load_sweep(tmp_path)
    assert "\n" not in str(error.value)
