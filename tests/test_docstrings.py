"""Modules open by saying what they are, names are given once, and nothing grows past what is read at once."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "benchmarks", "envs", "experiments", "search_spaces")
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
EXPERIMENTS = {name for name in MODULES if name.startswith("experiments/") and name.endswith("_sweep.py")}
"""Declarations, whose first line is the question that they answer."""

LINES, FUNCTION_LINES, FILES = 300, 60, 14
ROOMS = {"experiments/core": 12, "analysis": 8, "envs": 11}
"""House -> rooms that it may have. A room is a folder with an `__init__.py`, at any depth below the house."""
CROWDED = {"experiments/core/fast_ppo": "one algorithm inside RLlib, whose parts are read together"}
"""Room that may hold more files than others, and why."""

SENTENCE = {
    "a", "an", "the", "its", "their", "what", "which", "who", "whom", "how", "whether", "where",
    "when", "every", "each", "all", "any", "it", "them", "one", "two", "no",
}  # fmt: skip
"""What follows a verb, and not a noun in the plural: "Runs a sweep", but "Runs of a sweep"."""
QUESTIONS = {
    "who", "whom", "whose", "what", "when", "where", "which", "why", "how", "whether", "if", "is",
    "are", "was", "does", "do", "did", "can", "could", "may", "should", "will", "has", "have",
}  # fmt: skip
CLAUSES = {
    "every",
    "each",
    "no",
    "nobody",
    "nothing",
    "everything",
    "there",
    "it",
    "this",
    "that",
    "here",
    "we",
    "you",
}
"""What opens a sentence, not a noun phrase."""
VERBS = {
    "add", "ask", "build", "call", "check", "choose", "compare", "compute", "convert", "count",
    "create", "decide", "declare", "define", "describe", "do", "draw", "estimate", "find", "get",
    "give", "handle", "hold", "implement", "keep", "let", "list", "load", "make", "measure",
    "parse", "play", "print", "provide", "put", "read", "record", "register", "remove", "return",
    "run", "save", "say", "search", "set", "show", "start", "take", "tell", "test", "train",
    "translate", "turn", "use", "wrap", "write",
}  # fmt: skip
"""Verbs that a docstring might open with in the imperative."""
NOUNS_TOO = {
    "check",
    "estimate",
    "list",
    "measure",
    "record",
    "run",
    "search",
    "set",
    "start",
    "test",
    "train",
}
"""Those that open noun phrases as well: "Record of a run", but "Record the run"."""


def first_line(path):
    """A module's docstring: its first line and whether it is a paragraph of its own."""
    said = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
    return (said[0] if said else ""), len(said) < 2 or not said[1]


def opens_wrongly(line):
    """What is wrong with how a line opens; None if it may be a noun phrase."""
    first, second, *_ = [*(word.strip("`,.:;?!").lower() for word in line.split()), "", ""]
    if first in QUESTIONS:
        return "a question"
    if first in CLAUSES:
        return "a sentence"
    base = first.removesuffix("s")
    known = {first, base, first.removesuffix("es")} & VERBS
    if known - NOUNS_TOO and not first.endswith("ing"):
        return "a verb"
    if (known or (first.endswith("s") and first != base)) and second in SENTENCE:
        return "a verb"
    return None


@pytest.mark.parametrize("name", sorted(MODULES.keys() - EXPERIMENTS))
def test_a_module_opens_with_a_noun_phrase_on_one_line(name):
    line, alone = first_line(MODULES[name])
    assert line.endswith("."), f"{name}: {line!r}"
    assert alone, f"{name}: the first line goes on in the second"
    assert opens_wrongly(line) is None, f"{name} opens with {opens_wrongly(line)}: {line}"
    assert "?" not in line, f"{name}: {line}"


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_an_experiment_opens_with_its_question(name):
    line, alone = first_line(MODULES[name])
    assert line.endswith("?"), f"{name}: {line!r}"
    assert alone


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("What came of it.", "a question"),
        ("How a score reads.", "a question"),
        ("Writes what happens to a run.", "a verb"),
        ("Return the score.", "a verb"),
        ("Runs a sweep.", "a verb"),
        ("Runs of a sweep as their folders tell of them.", None),
        ("Every folder loads.", "a sentence"),
        ("Records of a run as typed values.", None),
        ("Record the run.", "a verb"),
        ("Classes that are shared.", None),
        ("The atomic write: whole, or not there.", None),
        ("Training of one run.", None),
    ],
)
def test_questions_verbs_and_sentences_are_told_from_noun_phrases(line, wrong):
    assert opens_wrongly(line) == wrong


def test_no_class_name_is_given_twice():
    found = defaultdict(set)
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(name)
    assert len(found) > 100
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_and_functions_are_short(name):
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES} == {}


def rooms(house):
    """The packages below a folder, as paths from the root."""
    return sorted(
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / house).glob("*/**/__init__.py")
    )


@pytest.mark.parametrize("house", ROOMS)
def test_a_house_has_few_rooms(house):
    assert 0 < len(rooms(house)) <= ROOMS[house], rooms(house)


def test_a_room_has_few_files():
    folders = [room for package in PACKAGES for room in (package, *rooms(package))]
    # An `__init__.py` and its stub only list names of the other files.
    files = {room: [p for p in (ROOT / room).glob("*.py") if p.name != "__init__.py"] for room in folders}
    assert {room for room, found in files.items() if len(found) > FILES} == CROWDED.keys()
