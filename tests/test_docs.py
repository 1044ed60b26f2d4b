"""What the documents name is there: links, files, functions, commands, and the drawing of the rooms."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import architecture

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def anchors(document):
    """The names by which GitHub links to a document's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_within_the_repository_leads_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if not re.match(r"https?:", link):
            name, _, anchor = link.partition("#")
            target = (document.parent / name).resolve() if name else document
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_every_document_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for document in (ROOT / "docs").glob("*.md"):
        assert document.name == "README.md" or f"]({document.name})" in index, document.name


def definitions(tree, prefix=""):
    """The functions, classes, methods and constants of a module, by their dotted names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))


def steps_of_the_ways():
    """Each file that a way passes, with the names that its step says of it."""
    for step in re.findall(r"^\d+\. (.*(?:\n   .*)*)", ARCHITECTURE, re.MULTILINE):
        for file, names in re.findall(r"`([\w/]+\.py)`: ((?:(?!\.py`).)*)", step, re.DOTALL):
            yield file, re.findall(r"`([A-Za-z_][\w.]*)`", names)


def test_the_ways_through_the_code_pass_functions_that_exist():
    steps = [*steps_of_the_ways()]
    assert len(steps) >= 30
    for file, names in steps:
        there = set(definitions(ast.parse((ROOT / file).read_text(encoding="utf-8"))))
        assert names, file
        named = {names[0], *(name for name in names if "_" in name)}
        assert named <= there, f"{file}: {named - there}"


def test_the_drawing_of_the_rooms_is_up_to_date():
    assert architecture.DRAWING.read_text(encoding="utf-8") == architecture.drawing(), "make architecture"
    assert architecture.rooms() in ARCHITECTURE, "make architecture"


def test_arrows_of_the_drawing_imply_all_others():
    arrows = architecture.arrows_of(architecture.CORE)
    drawn = architecture.reduced(arrows)

    def reachable(room):
        return {to for by in drawn[room] for to in (by, *reachable(by))}

    assert sum(map(len, drawn.values())) < sum(map(len, arrows.values()))
    for room, imported in arrows.items():
        assert drawn[room] <= imported <= reachable(room)


def test_every_command_of_the_makefile_that_a_document_names_exists():
    listed = subprocess.run(["make", "-qp"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    targets = set(re.findall(r"^([a-z][\w-]*):", listed, re.MULTILINE))
    for document in DOCUMENTS:
        for command in re.findall(
            r"(?:^|`)make ([a-z][\w-]*)", document.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert command in targets, f"{document.name}: make {command}"
