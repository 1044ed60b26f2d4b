"""Whatever a sweep folder's files hold, it is read, or one line says which file is damaged."""

import json
import os
import tempfile
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.report import write_report
from analysis.sweep import (
    DamagedError,
    FinishedRun,
    NotASweepError,
    Phase,
    damaged_runs,
    finished_runs,
    load_lineage,
    load_sweep,
    read_best,
    read_manifest,
    read_runs,
    refusal_of,
    results_of,
    rllib_settings,
    saved_head,
    unfinished_runs,
)

RUN = f"{Phase.SEARCH}/trial_0001"
OF_A_RUN = ("params.json", "state.json", "result.json", "schedule.json", "unfinished.ckpt")
FILES = ("manifest.json", "best.yaml", "rllib.json", *(f"{RUN}/{name}" for name in OF_A_RUN))
SETTINGS = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXT = st.text(st.characters(codec=None, categories=None), max_size=8)
"""Also halves of characters, which JSON can hold and UTF-8 cannot."""
WORDS = st.sampled_from(
    ["default", "trial_0001", "../trial_0001", "failed", "running", "nan", "", "\n", "\0", "a" * 999]
)
NUMBERS = st.sampled_from([0, -1, 1, 2**63, -(2**63), 10**400, 0.5, 1e308, float("nan"), float("-inf")])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NUMBERS | WORDS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | WORDS, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def whole(writer, tmp_path_factory):
    """A folder in which every file is there, and what each one holds."""
    folder = writer.write_sweep(tmp_path_factory.mktemp("whole") / "x", trials=2, seeds=1, top_k=1)
    segments = [
        {"steps": 0, "configuration": {"lr": 1e-3}, "member": "trial_0000", "donor": None, "changed": {}}
    ]
    segments += [
        {"steps": 9000, "configuration": {"lr": 2e-3}, "member": "trial_0001", "donor": "trial_0000",
         "changed": {"lr": [1e-3, 2e-3]}}
    ]  # fmt: skip
    (folder / RUN / "schedule.json").write_text(json.dumps({"schedule": segments, "history": segments}))
    head = {"written_by": {"ray": "2"}, "results": [{"steps": 1, "wall_s": 1.0, "objective": 0.5}]}
    (folder / RUN / "unfinished.ckpt").write_bytes(json.dumps(head).encode() + b"\nthe trainer's state")
    (folder / "rllib.json").write_text(json.dumps({"default": {"lr": 3e-4}, "trial_0001": {"lr": 1e-3}}))
    write_report(folder, figures=False)
    return {path: (folder / path).read_bytes() for path in files_of(folder)}


def files_of(folder):
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def read_all(folder):
    """Reads all that can be read, and returns the one-line refusals."""
    refusals = []
    for read in (read_manifest, read_best, lambda folder: saved_head(folder / RUN)):
        try:
            read(folder)
        except (DamagedError, NotASweepError) as error:
            refusals.append(str(error))
    rllib_settings(folder, "trial_0001")
    results_of(folder / RUN)
    refusal_of(folder / RUN)
    load_lineage(folder)
    for phase in Phase:
        runs = read_runs(folder / phase)
        ended, cut_off = finished_runs(folder / phase), unfinished_runs(folder / phase)
        assert {run.name for run in (*ended, *cut_off)} == {str(run.name) for run in runs if run.params}
        assert all(isinstance(run.objective, float | None) and run.repetition for run in ended)
        refusals += [str(damage) for run in damaged_runs(folder / phase) for damage in run.damage]
        assert not any(isinstance(run.run, FinishedRun) for run in damaged_runs(folder / phase))
    try:
        load_sweep(folder)
    except NotASweepError as error:
        refusals.append(str(error))
    return refusals


def spoilt(whole, name, content):
    """Reads a folder one file of which holds something else."""
    with tempfile.TemporaryDirectory() as folder:
        for path, usual in whole.items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if path == name else usual)
        refusals = read_all(Path(folder))
        assert all("\n" not in said and said.isprintable() and len(said) < 400 for said in refusals), refusals
        return [said.replace(folder, "FOLDER") for said in refusals]


def test_what_a_sweep_writes_is_not_damaged(whole):
    assert spoilt(whole, None, b"") == []


@pytest.mark.parametrize("name", FILES)
@given(content=st.binary(max_size=200))
@SETTINGS
def test_any_bytes(whole, name, content):
    assert all(f"FOLDER/{name} " in said for said in spoilt(whole, name, content))


@pytest.mark.parametrize("name", FILES)
@given(value=VALUES)
@SETTINGS
def test_any_value(whole, name, value):
    written = yaml.safe_dump(value) if name == "best.yaml" else json.dumps(value)
    assert all(f"FOLDER/{name} " in said for said in spoilt(whole, name, written.encode("utf-8", "replace")))


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@SETTINGS
def test_a_file_cut_off_or_changed_anywhere(whole, name, data):
    content = bytearray(whole[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    spoilt(whole, name, bytes(content[: data.draw(st.integers(0, len(content)))]))


def changed(value, data):
    """Returns a value in which something at some depth is another, missing or new."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 7)):
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        place = data.draw(st.sampled_from(places))
        copy = value.copy()
        copy[place] = changed(value[place], data)
        return copy
    if isinstance(value, dict) and data.draw(st.booleans()):
        return value | {data.draw(TEXT | WORDS): data.draw(VALUES)}
    return data.draw(VALUES)


def parsed(name, content):
    """What a file holds, and how to write it back."""
    if name == "best.yaml":
        return yaml.safe_load(content), lambda value: yaml.safe_dump(value)
    if name.endswith("result.json"):
        lines = [json.loads(line) for line in content.splitlines()]
        return lines, lambda value: "\n".join(map(json.dumps, value if isinstance(value, list) else [value]))
    if name.endswith(".ckpt"):
        return json.loads(content.splitlines()[0]), lambda value: json.dumps(value) + "\nthe trainer's state"
    return json.loads(content), json.dumps


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(SETTINGS, max_examples=50)
def test_a_value_that_is_another_one_somewhere(whole, name, data):
    value, written = parsed(name, whole[name])
    spoilt(whole, name, written(changed(value, data)).encode("utf-8", "replace"))


@pytest.mark.parametrize("name", ["manifest.json", f"{RUN}/params.json", f"{RUN}/result.json"])
@given(data=st.data())
@settings(SETTINGS, max_examples=8)
def test_what_can_be_read_can_be_reported(whole, name, data):
    value, written = parsed(name, whole[name])
    content = written(changed(value, data)).encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder:
        for path, usual in whole.items():
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if path == name else usual)
        try:
            load_sweep(folder)
        except NotASweepError:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert write_report(folder, figures=False).html.stat().st_size


@pytest.mark.parametrize(
    "value", [False, "false", "", [1.0], {"a": 1.0}, 10**400, float("inf"), None], ids=repr
)
def test_a_hyperparameter_that_is_none_of_its_domain_ends_no_report(whole, tmp_path, value):
    for path, usual in whole.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(usual)
    params = json.loads(whole[f"{RUN}/params.json"])
    space = json.loads(whole["manifest.json"])["space"]
    one_of_each_kind = {str(entry["distribution"]["name"]): name for name, entry in space.items()}
    for name in {"lr", *one_of_each_kind.values()}:
        (tmp_path / RUN / "params.json").write_text(json.dumps(params | {name: value}))
        assert write_report(tmp_path, figures=False).html.stat().st_size, name


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_damaged_and_nobody_waits_for_it(whole, tmp_path, name):
    for path, usual in whole.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(usual)
    for make in (Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)):
        (tmp_path / name).unlink()
        make(tmp_path / name)
        refusals = read_all(tmp_path)
        assert name == "rllib.json" or any(f"{tmp_path / name} is damaged (" in said for said in refusals)
        if (tmp_path / name).is_dir():
            (tmp_path / name).rmdir()
            (tmp_path / name).touch()


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"1e999", b'"\\ud800"'])
@pytest.mark.parametrize("name", FILES)
def test_what_is_too_deep_too_long_or_no_text_is_damaged(whole, name, content):
    refusals = spoilt(whole, name, content)
    assert name == "rllib.json" or any(f"FOLDER/{name} is damaged (" in said for said in refusals)
