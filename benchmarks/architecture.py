"""Drawing of the packages and their rooms, with the arrows between them, from the real imports.

An arrow says that a room imports another one. Drawn are those that no path of other arrows implies; the table
beside the drawing has them all.

Run:    python -m benchmarks.architecture
Writes docs/pictures/architecture.svg and the table of rooms in docs/architecture.md.
"""

from __future__ import annotations

import ast
import graphlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import grimp

from benchmarks.common import DOCS, ROOT, table, write_section

DRAWING = DOCS / "pictures" / "architecture.svg"
DOCUMENT, SECTION = DOCS / "architecture.md", "rooms"
DECLARATIONS = "*_sweep.py: declarations alone; proposal: new ones, for any environment"
"""What is in experiments besides its core."""
CORE = "experiments.core"
LOWER = ("analysis", "envs", "search_spaces")
"""Packages that know neither each other nor the experiments."""
ROOTS = ("experiments", *LOWER)
SWEEPS = 60
"""Times that the rows of a drawing are put in order, down and up."""

Arrows = Mapping[str, frozenset[str]]
"""Room -> rooms that it imports; by their names below their package."""


class Node(NamedTuple):
    """A room, or a place that an arrow passes on its way through a row."""

    row: int
    room: str
    towards: str = ""
    """The room that a passing arrow leads to."""


def arrows_of(package: str) -> Arrows:
    """Returns which rooms and modules directly below a package import which others of them."""
    graph = grimp.build_graph(*ROOTS)
    children = graph.find_children(package)
    for child in children:
        graph.squash_module(child)
    imported = {
        child: graph.find_modules_directly_imported_by(child) & children for child in sorted(children)
    }
    return {
        child.rpartition(".")[2]: frozenset(name.rpartition(".")[2] for name in others - {child})
        for child, others in imported.items()
    }


def imported_packages(package: str) -> set[str]:
    """Returns the packages that a package imports."""
    graph = grimp.build_graph(*ROOTS)
    for root in ROOTS:
        graph.squash_module(root)
    return graph.find_modules_directly_imported_by(package)


def reduced(arrows: Arrows) -> Arrows:
    """Returns the arrows that are not implied by a path of others."""
    beyond: dict[str, frozenset[str]] = {}
    for room in graphlib.TopologicalSorter(arrows).static_order():
        beyond[room] = arrows[room].union(*(beyond[other] for other in arrows[room]))
    return {
        room: frozenset(to for to in arrows[room] if not any(to in beyond[by] for by in arrows[room] - {to}))
        for room in arrows
    }


def rows_of(arrows: Arrows) -> list[list[Node]]:
    """Returns rooms in rows, each below all that import it, with a place wherever an arrow passes a row."""
    depth: dict[str, int] = {}
    for room in reversed([*graphlib.TopologicalSorter(arrows).static_order()]):
        depth[room] = max((depth[by] + 1 for by in arrows if room in arrows[by]), default=0)
    rows: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for room in arrows:
        rows[depth[room]].append(Node(depth[room], room))
        for to in sorted(arrows[room]):
            for row in range(depth[room] + 1, depth[to]):
                rows[row].append(Node(row, room, to))
    return rows


def links_of(arrows: Arrows, rows: list[list[Node]]) -> Iterator[tuple[Node, Node]]:
    """Yields the parts of every arrow, from row to row."""
    for upper, lower in itertools.pairwise(rows):
        for node, other in itertools.product(upper, lower):
            to = {node.towards} if node.towards else arrows[node.room]
            goes_on = other.room == node.room and other.towards in to
            if goes_on or (not other.towards and other.room in to):
                yield node, other


class Panel:
    """A package drawn as rows of rooms; lengths in px.

    Args:
        package: Its name.
        arrows: Between its rooms.
    """

    ROOM, GAP, BESIDE, HEAD, PAD = 30, 28, 14, 44, 22

    def __init__(self, package: str, arrows: Arrows) -> None:
        self.package = package
        self._arrows = reduced(arrows)
        self._rows = rows_of(self._arrows)
        self._links = [*links_of(self._arrows, self._rows)]
        self._place = self._placed()

    @property
    def width(self) -> float:
        """As far as its rooms reach, and a margin."""
        return max(x + self._width(node) / 2 for node, x in self._place.items()) + self.PAD

    @property
    def height(self) -> float:
        """As many rows as it has, and its title."""
        return self.HEAD + len(self._rows) * (self.ROOM + self.GAP) - self.GAP + self.PAD

    def _placed(self) -> dict[Node, float]:
        """Returns each node's horizontal centre: as near to what it hangs on as its neighbours leave room."""
        place = {node: 40.0 * number for row in self._rows for number, node in enumerate(row)}
        for row in [*self._rows, *reversed(self._rows)] * SWEEPS:
            wish = {node: self._middle(node, place) for node in row}
            row.sort(key=wish.__getitem__)
            # Pushed apart to the right and to the left; the mean of both keeps the distances, too.
            right, left = dict(wish), dict(wish)
            for node, after in itertools.pairwise(row):
                right[after] = max(right[after], right[node] + self._distance(node, after))
            for after, node in itertools.pairwise(reversed(row)):
                left[node] = min(left[node], left[after] - self._distance(node, after))
            place.update({node: (left[node] + right[node]) / 2 for node in row})
        leftmost = min(x - self._width(node) / 2 for node, x in place.items())
        return {node: x - leftmost + self.PAD for node, x in place.items()}

    def _middle(self, node: Node, place: Mapping[Node, float]) -> float:
        """Returns the middle of all that a node is linked to; where it stands if that is nothing."""
        linked = [place[a if b == node else b] for a, b in self._links if node in (a, b)]
        return sum(linked) / len(linked) if linked else place[node]

    def _distance(self, node: Node, after: Node) -> float:
        return (self._width(node) + self._width(after)) / 2 + self.BESIDE

    @staticmethod
    def _width(node: Node) -> float:
        return 0 if node.towards else 7.8 * len(node.room) + 24

    def _top(self, node: Node) -> float:
        return self.HEAD + node.row * (self.ROOM + self.GAP)

    def svg(self, x: float, y: float, width: float) -> Iterator[str]:
        """Yields the panel's elements, its rooms in the middle of a frame at least as wide as it is."""
        yield frame(self.package, x, y, width, self.height)
        yield f'<g transform="translate({x + (width - self.width) / 2:.1f} {y:g})">'
        for node, other in self._links:
            yield self._link(node, other)
        for node, centre in self._place.items():
            if not node.towards:
                yield from self._box(node, centre)
        yield "</g>"

    def _link(self, node: Node, other: Node) -> str:
        x, y = self._place[node], self._top(node) + self.ROOM
        to_x, to_y = self._place[other], self._top(other)
        bend = self.GAP / 2
        path = f"M {x:.1f} {y:g} C {x:.1f} {y + bend:g} {to_x:.1f} {to_y - bend:g} {to_x:.1f} {to_y:g}"
        if other.towards:  # straight through the row
            return f'<path class="arrow" d="{path} v {self.ROOM}"/>'
        return f'<path class="arrow" marker-end="url(#grey)" d="{path}"/>'

    def _box(self, node: Node, centre: float) -> Iterator[str]:
        top, width = self._top(node), self._width(node)
        kind = "room" if (ROOT.joinpath(*self.package.split("."), node.room)).is_dir() else "module"
        yield (
            f'<rect class="{kind}" x="{centre - width / 2:.1f}" y="{top:g}" width="{width:.1f}" '
            f'height="{self.ROOM}" rx="5"/>'
        )
        yield f'<text class="name" x="{centre:.1f}" y="{top + 20:g}">{node.room}</text>'


STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', Arial, 'Liberation Sans', sans-serif; fill: #1c2733; }
.title { font-weight: 600; font-size: 14px; }
.name { text-anchor: middle; }
.note { fill: #5f6c7b; }
.package { fill: #f6f8fa; stroke: #d0d7de; }
.room { fill: #ffffff; stroke: #0072b2; stroke-width: 1.4; }
.module { fill: #ffffff; stroke: #9aa5b1; stroke-dasharray: 4 3; }
.arrow { fill: none; stroke: #5f6c7b; stroke-width: 1.3; }
.between { fill: none; stroke: #0072b2; stroke-width: 2; }
"""


def frame(title: str, x: float, y: float, width: float, height: float) -> str:
    """Returns a package's frame with its name."""
    return (
        f'<rect class="package" x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" rx="10"/>'
        f'<text class="title" x="{x + 18:g}" y="{y + 27:g}">{title}</text>'
    )


def between_packages(path: str) -> str:
    """Returns an arrow from one package to another."""
    return f'<path class="between" marker-end="url(#blue)" d="{path}"/>'


def drawing() -> str:
    """Returns the packages as SVG: the experiments on the left, what they rest on at the right."""
    core, *lower = (Panel(package, arrows_of(package)) for package in (CORE, *LOWER))
    margin, top, between = 20, 52, 76
    right, right_width = margin + core.width + between, max(panel.width for panel in lower)
    width = right + right_width + margin
    core_y = margin + top + 30
    elements = [
        frame("experiments", margin, margin, core.width, top),
        f'<text class="note" x="{margin + 18}" y="{margin + 43}">{DECLARATIONS}</text>',
        between_packages(f"M {margin + core.width / 2:.1f} {margin + top} v 27"),
        *core.svg(margin, core_y, core.width),
    ]
    known, y = imported_packages("experiments"), float(margin)
    for panel in lower:
        elements += panel.svg(right, y, right_width)
        if panel.package in known:
            to = y + panel.height / 2
            start, edge = min(to, core_y + core.height - 24), margin + core.width
            bend = f"C {right - 36:.1f} {start:g} {edge + 36:.1f} {to:g} {right - 3:.1f} {to:g}"
            elements.append(between_packages(f"M {edge:.1f} {start:g} {bend}"))
        y += panel.height + margin
    height = max(core_y + core.height + margin, y)
    tips = (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="{colour}"/></marker>'
        for name, colour in (("grey", "#5f6c7b"), ("blue", "#0072b2"))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}">',
            f"<style>{STYLE}</style>",
            f"<defs>{''.join(tips)}</defs>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *elements,
            "</svg>\n",
        ]
    )


def purpose(package: str, room: str) -> str:
    """Returns the first sentence of a room's docstring."""
    path = ROOT.joinpath(*package.split("."), room)
    source = (path / "__init__.py" if path.is_dir() else Path(f"{path}.py")).read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).removesuffix(".")


def rooms() -> str:
    """Returns the tables of rooms: what each is for, and which others of its package it imports."""
    parts = []
    for package in (CORE, *LOWER):
        arrows = arrows_of(package)
        order = [node.room for row in rows_of(reduced(arrows)) for node in row if not node.towards]
        cells = [
            [f"`{room}`", purpose(package, room), ", ".join(to for to in order if to in arrows[room])]
            for room in order
        ]
        parts.append(f"### {package}\n\n{table(['room', 'what it is', 'imports'], cells, texts=3)}")
    return "\n\n".join(parts)


def main() -> None:
    """Draws and writes."""
    DRAWING.write_text(drawing(), encoding="utf-8")
    write_section(DOCUMENT, SECTION, rooms())


if __name__ == "__main__":
    main()
