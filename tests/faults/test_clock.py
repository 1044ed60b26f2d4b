"""A clock that jumps, as it does when a machine is put to sleep or corrected, changes nothing."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("analysis", "envs", "experiments", "search_spaces")
STAMPS = {
    ("experiments/core/planning/plan.py", "datetime.now"): "the name of a sweep that has none",
    ("experiments/core/planning/manifest.py", "datetime.now"): "when a sweep was started",
    (
        "experiments/core/records/run_log.py",
        "time.time",
    ): "TensorBoard's axis of times, for what is written again",
    ("analysis/sweep/runs.py", "time.time"): "whether a file may change again within its time stamp",
}
"""Where the time of day is asked for, and what for: nothing that is measured, ordered or waited for."""


def asked_for(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}:
                yield name


def test_nothing_is_measured_or_ordered_by_the_time_of_day():
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in asked_for(path)
    }
    assert found == STAMPS.keys()
