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

ALLOWED = {
    # The process of a run ends itself where it is stuck.
    "training/watch.py": {"os._exit"},
    # A process of its own speaks where the command's no longer can.
    "preflight/witness.py": {"print", "sys.stderr", "sys.__stderr__"},
    # Nothing is printed on it: it is asked whether 1 and 2 are other code's alone.
    "records/terminal_output.py": {"sys.__stdout__"},
    # The console is given the stream that it prints on.
    "terminal/console.py": {"sys.stdout"},
}


def named(tree):
    """Every name, and every attribute of a name, that code reads to print or to end the process.

    What is flushed was printed elsewhere, what is caught was raised elsewhere, and asking a stream for an
    attribute that it may have prints nothing.
    """
    flushed = {n.value for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "flush"}
    caught = {
        name
        for n in ast.walk(tree)
        if isinstance(n, ast.ExceptHandler) and n.type is not None
        for name in ast.walk(n.type)
    }
    asked = {
        n.args[0]
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "getattr"
    }
    for node in ast.walk(tree):
        if node in flushed | caught | asked or not isinstance(getattr(node, "ctx", None), ast.Load):
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
    place = path.relative_to(CORE).as_posix()
    allowed = ALLOWED.get(place, set())
    assert set(named(tree)) & (ENDS | PRINTS) == allowed
    if path.relative_to(CORE).parts[0] not in DRAWS:
        assert "Console" not in opened(tree)


def test_all_rooms_were_looked_at():
    rooms = {path.relative_to(CORE).parts[0] for path in MODULES}
    assert {"preflight", "planning", "policy", "records", "terminal", "training", "tuning"} <= rooms
    assert len(MODULES) > 100
