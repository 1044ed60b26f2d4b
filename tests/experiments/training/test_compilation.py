"""Gradient steps are compiled where a trial is long enough for it, or where the user says so."""

from dataclasses import replace

import pytest

from experiments import Resources, trading_sweep
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.training.compilation import WORTH_STEPS, is_compiled

SETTINGS = {"epochs": 10, "minibatch_size": 128}
LONG = WORTH_STEPS * 128 // 10


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """A file that can be executed, by the name that torch looks for."""
    program = tmp_path / "some-c++"
    program.touch(mode=0o755)
    monkeypatch.setenv("CXX", program.as_posix())


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    ("choice", "steps", "gpus", "expected"),
    [
        ("auto", LONG, 0, True),
        ("auto", LONG - 128, 0, False),
        ("auto", LONG, 0.5, False),
        ("never", LONG, 0, False),
        ("always", 128, 0, True),
    ],
)
def test_long_trials_on_cores_are_compiled(choice, steps, gpus, expected):
    assert is_compiled(choice, SETTINGS, steps=steps, gpus=gpus) is expected


def test_without_a_compiler_nothing_is_compiled_unasked(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not is_compiled("auto", SETTINGS, steps=LONG, gpus=0)


def test_asked_to_compile_without_a_compiler_is_an_error(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match=r"--compile always: expected a C\+\+ compiler"):
        Options(compile="always").apply(trading_sweep.EXPERIMENT)


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("change", [{"trainer": "rllib"}, {"gpus": 0.5}], ids=str)
def test_asked_to_compile_what_cannot_be_is_an_error(change):
    experiment = replace(trading_sweep.EXPERIMENT, resources=Resources(gpus=change.get("gpus", 0.0)))
    options = Options(compile="always", trainer=change.get("trainer", "fast"))
    with pytest.raises(UserError, match="expected the fast trainer on cores"):
        options.apply(experiment)
