"""The packages know of each other only what they may, and the light ones load without the heavy ones."""

import graphlib
import importlib
import subprocess
import sys
import types
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "envs", "experiments", "search_spaces")
FACES = sorted(path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.pyi"))
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
"""
WALK = """
import importlib, pkgutil
package = importlib.import_module({module!r})
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("envs", ["ray", "torch", "pygame", "scipy", "pandas", "analysis", "search_spaces", "experiments"]),
        ("search_spaces", ["ray", "torch", "envs", "analysis", "experiments"]),
        ("analysis", ["ray", "torch", "envs", "search_spaces", "experiments"]),
        ("experiments.core.declaration", ["ray", "torch"]),
        ("experiments.core.records", ["ray", "torch", "pandas"]),
        ("experiments.core.environments", ["ray", "torch"]),
        ("experiments.core.policy", ["ray", "torch"]),
    ],
)
def test_every_module_of_a_light_part_imports_without_the_heavy_ones(run_python, module, blocked):
    done = run_python("-c", BLOCKED.format(blocked=blocked) + WALK.format(module=module))
    assert done.returncode == 0, done.stderr


def test_the_import_contracts_hold():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "command", [["experiments.trading_sweep", "--help"], ["experiments"], ["analysis", "--help"]]
)
def test_help_and_listing_load_nothing_heavy(run_python, command):
    program = (
        "import runpy, sys\n"
        f"sys.argv = {command!r}\n"
        f"try: runpy.run_module({command[0]!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'ray', 'torch', 'pandas', 'altair', 'gymnasium', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = run_python("-c", program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "usage" in done.stdout or "question" in done.stdout


LIGHT = """
import sys, time
import analysis.sweep, experiments.core.records
for room in (analysis.sweep, experiments.core.records):
    for name in room.__all__:
        if name not in {framed!r}:
            getattr(room, name)
heavy = {{"ray", "torch", "pandas", "numpy", "gymnasium"}} & set(sys.modules)
assert not heavy, heavy
print(time.process_time())
"""
FRAMED = (
    "Change", "Lineage", "Sweep", "configuration", "copies", "line_of", "load_ablation",
    "load_confirmation", "load_lineage",
    "load_sweep", "parts", "schedule", "shown_member",
)  # fmt: skip
"""What analysis.sweep has that gives or takes frames."""


def test_a_sweep_folder_is_read_and_written_at_once_and_without_anything_heavy(run_python):
    done = run_python("-c", LIGHT.format(framed=FRAMED))
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0, "seconds of CPU"


@pytest.fixture(scope="module")
def imports():
    """Every module of the packages, with the modules that it imports at any depth of its code."""
    graph = grimp.build_graph(*PACKAGES)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_import_leads_back_to_where_it_came_from(imports):
    assert len(imports) > 200
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def room_of(module):
    """The innermost folder that a module lies in or is; a package's own top is no room."""
    parts = module.split(".")
    path = ROOT.joinpath(*parts)
    return module if path.is_dir() else ".".join(parts[:-1])


def test_a_room_is_entered_by_its_face_alone(imports):
    inside = [
        f"{module} -> {imported}"
        for module, all_imported in imports.items()
        for imported in all_imported
        if room_of(imported) not in {imported, *PACKAGES, "experiments.core", "envs.suite"}
        and not f"{room_of(module)}.".startswith(f"{room_of(imported)}.")
        and not exported(imported)
    ]
    assert not inside


def exported(module):
    """Whether a room's face exports the module itself, as a namespace."""
    room, _, name = module.rpartition(".")
    return name in getattr(importlib.import_module(room), "__all__", ())


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.relative_to(ROOT).as_posix())
def test_every_name_that_a_face_promises_is_there(face):
    room = importlib.import_module(".".join(face.relative_to(ROOT).parts))
    assert room.__all__
    for name in room.__all__:
        is_a_module = isinstance(getattr(room, name), types.ModuleType)
        # A function named like a file would be hidden by it as soon as the file is imported.
        assert is_a_module == (face / f"{name}.py").exists(), name
