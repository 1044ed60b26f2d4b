"""Names in a sweep folder: each is spelt in one place, and a run is known by its folder's."""

import ast
import re
from pathlib import Path

import pytest

from analysis.sweep import layout
from analysis.sweep.layout import RunName, is_trial, run_folders, run_name, trial_name, trial_number

ROOT = Path(__file__).parents[3]
PACKAGES = ("analysis", "benchmarks", "envs", "experiments", "search_spaces")
FILES = [value for name, value in vars(layout).items() if name.endswith("_FILE")]
SPELT = re.compile(
    "|".join([*map(re.escape, {*FILES, *layout.TABLE_FILES.values(), *layout.TUNES_FILES} - {".lock"}),
              r"^\.lock$", r"^trial_\d*$", r"^_seed\d*$", r"^replica_\d*$", r"checkpoint_[*\d]", r"\.part$",
              "^figures$", "^retrain$"])
)  # fmt: skip
"""What a string contains that names something in a sweep folder."""
OTHERS = {
    ("analysis/report/write.py", "report.html.jinja"),  # the report's template
}


def strings(path):
    """The string literals in a module, f-strings' parts included, docstrings not."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_other_module_spells_a_name_of_the_folder():
    found = {
        (path.relative_to(ROOT).as_posix(), string)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path != Path(layout.__file__)
        for string in strings(path)
        if SPELT.search(string)
    }
    assert found == OTHERS | {("analysis/sweep/atomic.py", ".part")}


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("trial_0012", RunName("trial_0012")),
        ("trial_12345", RunName("trial_12345")),
        ("default_seed3", RunName("default", 3)),
        ("trial_0001_seed12", RunName("trial_0001", 12)),
        ("rllib_seed200", RunName("rllib", 200)),
        ("adapted_seed0", RunName("adapted", 0)),
        ("ablation_00_seed3", RunName("ablation_00", 3)),
        ("ablation_123_seed3", RunName("ablation_123", 3)),
    ],
)
def test_a_run_is_known_by_its_folder(folder, name):
    assert RunName.parse(folder) == name
    assert str(name) == folder


@pytest.mark.parametrize(
    "folder",
    ["notes", "x_seed", "mine_seed0", "default", "rllib", "adapted", "ablation_00", "ablation_0_seed0",
     "ablation_012_seed0", "ablation__seed0", "ablation_99999_seed0", "trial_", "trial_7", "trial_00007",
     "trial_0001_seed", "trial_0001_seed03", "trial_0001.set-aside-1", "trial_0001_seed1_seed2", "trial_٠٠٠١",
     "trial_0001\n", f"trial_{9**99}", f"default_seed{9**99}"],
)  # fmt: skip
def test_other_folders_are_no_runs(folder):
    assert RunName.parse(folder) is None


def test_runs_come_in_the_order_of_their_numbers_after_the_baselines(tmp_path):
    names = [
        "default_seed2",
        "default_seed10",
        "rllib_seed0",
        "trial_9999",
        "trial_9999_seed0",
        "trial_10000",
    ]
    for name in [*reversed(names), "notes"]:
        (tmp_path / name).mkdir()
    (tmp_path / "trial_0005").touch()
    assert [str(name) for name in run_folders(tmp_path)] == names
    assert [path.name for path in run_folders(tmp_path).values()] == names
    assert run_folders(tmp_path / "nowhere") == {}


def test_what_a_trainable_receives_names_its_run():
    assert run_name({"lr": 0.1, "config_id": "trial_0003", "seed": 1}) == "trial_0003"
    assert run_name({"config_id": "default", "seed": 1, "test_seed": 0}) == "default_seed0"
    assert [is_trial(name) for name in ("trial_0003", "default", "rllib")] == [True, False, False]
    assert [trial_number(trial_name(number)) for number in (0, 12345)] == [0, 12345]


def test_checkpoints_come_oldest_first_and_replicas_by_their_numbers(tmp_path):
    for number in (2, 0, 1):
        (tmp_path / f"checkpoint_{number:06d}").mkdir()
    (tmp_path / "notes").mkdir()
    checkpoints = layout.checkpoints_in(tmp_path)
    assert [path.name for path in checkpoints] == [f"checkpoint_{number:06d}" for number in range(3)]
    assert layout.replica_folders(checkpoints[0]) == []
    for replica in range(11):
        layout.replica_folder(checkpoints[0], replica).mkdir()
    assert [path.name for path in layout.replica_folders(checkpoints[0])] == [
        f"replica_{r}" for r in range(11)
    ]


def test_a_configuration_is_what_a_trainable_receives_without_what_names_the_run():
    config = {"lr": 0.1, "seed": 3, "config_id": "default", "test_seed": 2, "schedule": [], "clip": 0.2}
    assert layout.configuration_of(config) == {"lr": 0.1, "clip": 0.2}
