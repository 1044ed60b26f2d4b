"""What the rooms below the commands may not do: print, end the process, open a console."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "experiments" / "core"
ABOVE = {"commands"}
"""Rooms that turn values into text and exit codes."""
DRAWS = {"terminal"}
"""Rooms that may open a console, for the commands to say what is printed on it."""
MODULES = sorted(path for path in CORE.rglob("*.py") if path.relative_to(CORE).parts[0] not in ABOVE)
ENDS = {"exit", "quit", "SystemExit", "sys.exit", "os._exit", "os.abort"}
PRINTS = {"print", "input", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "rich.print"}


def named(tree):
    """Every name, and every attribute of a name, that code reads; what is flushed was printed elsewhere."""
    flushed = {n.value for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "flush"}
    for node in ast.walk(tree):
        if node in flushed or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        if isinstance(node, ast.Name):
            yield node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def opened(tree):
    """Every class or function that code calls by its plain name."""
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(CORE).as_posix())
def test_below_the_commands_nothing_is_printed_and_nothing_ends_the_process(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not set(named(tree)) & (ENDS | PRINTS)
    if path.relative_to(CORE).parts[0] not in DRAWS:
        assert "Console" not in opened(tree)


def test_all_rooms_were_looked_at():
    rooms = {path.relative_to(CORE).parts[0] for path in MODULES}
    assert {"preflight", "planning", "policy", "records", "terminal", "training", "tuning"} <= rooms
    assert len(MODULES) > 100
