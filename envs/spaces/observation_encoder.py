"""Encoder from observations of every Gymnasium space to float vectors, without loss of what has a code.

| space | code |
| --- | --- |
| Box | one number an element, see :class:`NumberPart` |
| Discrete, MultiDiscrete | one-hot, elements one after the other; binary digits beyond 4096 numbers |
| MultiBinary | 0 or 1 |
| Text | for each place up to `max_length` the character's one-hot code, zeros after the end |
| Dict, Tuple | the parts' codes one after the other, in the space's order |
| Sequence | `max_items` slots of a mask (1 where there is an item) and the item's code, zeros after the end |
| Graph | `max_nodes` slots of mask and node, then `max_edges` slots of mask, edge, one-hot ends |
| OneOf | the branch's index as one-hot, then a block for every branch, zeros but for the chosen one |
| a kind of one's own that states a shape and a type of numbers | as an unbounded Box of them |
| any other kind of one's own, in a Dict or Tuple | left out: :attr:`ObservationEncoder.left_out` |

What is not left out has a code of its own, as far as float32 tells numbers apart: 2**24 steps over the range
of a bounded element, six digits of an unbounded one.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.spaces.batching import collate
from envs.spaces.custom import as_box
from envs.spaces.encoding_leaves import Binary, Categories, Floats, NumberPart, Part, Text
from envs.spaces.encoding_limits import Limits, UnknownKindError, UnsupportedSpaceError, allowed_size
from envs.spaces.text import shortened


class ObservationEncoder:
    """Encoder from members of a space to float vectors.

    Args:
        space: What is observed.
        limits: Sizes of Sequences and Graphs.

    Raises:
        UnsupportedSpaceError: No part of the space has a code, it shows nothing, or needs too many numbers.
    """

    def __init__(self, space: gym.Space[Any], limits: Limits) -> None:
        self.source = space
        """The space that is encoded."""
        self._part = part_of(space, limits)
        self.left_out = self._part.left_out if isinstance(self._part, Compound) else {}
        """Parts of the space that have no code, by name, with the class of each: "mission", "goal.text"."""
        if self._part.size == 0:
            raise UnsupportedSpaceError(
                f"{shortened(space)} shows nothing: expected at least one number; use Box(0, 1)"
            )
        low, high = self._part.bounds()
        self.space = spaces.Box(low, high)
        """The space of the code: a Box of rank 1 and type float32."""

    @property
    def unchanged(self) -> bool:
        """Whether the code is the observation itself, in type and shape too."""
        same = self.space.shape == self.source.shape and self.space.dtype == self.source.dtype
        return same and isinstance(self._part, NumberPart) and self._part.unchanged

    def encode(self, observation: Any) -> Floats:
        """Encodes one observation as a vector [size].

        Raises:
            ValueError: It is too long or does not belong to the space.
        """
        vector: Floats = self.encode_batch(collate(self.source, [observation]), 1)[0]
        return vector

    def encode_batch(self, observations: Any, num_lanes: int) -> Floats:
        """Encodes a batch of observations as [num_lanes, size], each lane as :meth:`encode` gives it."""
        out = np.zeros((num_lanes, self._part.size), dtype=np.float32)
        self._part.write(observations, out)
        return out


def part_of(space: gym.Space[Any], limits: Limits) -> Part:
    """Chooses the code of a space or of a part of it."""
    if isinstance(space, spaces.Box):
        return NumberPart(space)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return Categories.of(space)
    if isinstance(space, spaces.MultiBinary):
        return Binary(space)
    if isinstance(space, spaces.Text):
        return Text(space)
    if isinstance(space, spaces.Dict):
        return Compound(space, dict(space.items()), limits)
    if isinstance(space, spaces.Tuple):
        return Compound(space, dict(enumerate(space.spaces)), limits)
    if isinstance(space, spaces.Sequence):
        return Items(space, limits)
    if isinstance(space, spaces.Graph):
        return Nodes(space, limits)
    if isinstance(space, spaces.OneOf):
        return Branches(space, limits)
    box = as_box(space)
    if box is not None:
        return NumberPart(box)
    raise UnknownKindError(space)


class Compound(Part):
    """Dict and Tuple: the codes of the parts side by side; what has none is left out, if anything has one."""

    def __init__(self, space: gym.Space[Any], parts: dict[Any, gym.Space[Any]], limits: Limits) -> None:
        self._parts: dict[Any, Part] = {}
        self.left_out: dict[str, str] = {}
        """Classes of the parts that have no code, by name."""
        unknown: UnknownKindError | None = None
        for key, part in parts.items():
            try:
                code = part_of(part, limits)
            except UnknownKindError as error:
                unknown = error
                self.left_out[str(key)] = error.kind
                continue
            self._parts[key] = code
            if isinstance(code, Compound):
                self.left_out |= {f"{key}.{name}": kind for name, kind in code.left_out.items()}
        if unknown is not None and not self._parts:
            raise unknown
        self.size = allowed_size(space, sum(part.size for part in self._parts.values()))

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the parts' bounds in order."""
        return _side_by_side([part.bounds() for part in self._parts.values()])

    def write(self, values: Any, out: Floats) -> None:
        """Writes every part into its own columns."""
        start = 0
        for key, part in self._parts.items():
            part.write(values[key], out[:, start : start + part.size])
            start += part.size


class Slots:
    """Equal places for things of which a lane may have fewer, each led by a mask: 1 where there is one."""

    def __init__(self, what: str, option: str, count: int, width: int) -> None:
        self._what, self._option = what, option
        self._count = count
        self._columns = np.arange(1 + width)
        self.size = count * (1 + width)

    def bounds(self, inner: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Bounds of all slots; an empty one is zero."""
        low = np.concatenate([[0], np.minimum(inner[0], 0)])
        high = np.concatenate([[1], np.maximum(inner[1], 0)])
        return np.tile(low, self._count).astype(np.float32), np.tile(high, self._count).astype(np.float32)

    def write(self, counts: NDArray[np.intp], rows: Floats, out: Floats) -> None:
        """Fills each lane's first slots.

        Args:
            counts: How many things each lane has, [N].
            rows: Their codes, lane after lane.
            out: The slots' columns, [N, size].
        """
        if counts.size and counts.max() > self._count:
            raise ValueError(
                f"{counts.max()} {self._what} in lane {counts.argmax()}: expected at most {self._count}; "
                f"encode with a larger {self._option}"
            )
        lane = np.repeat(np.arange(len(counts)), counts)
        slot = np.arange(len(lane)) - np.repeat(np.cumsum(counts) - counts, counts)
        marked = np.concatenate([np.ones((len(rows), 1), dtype=np.float32), rows], axis=1)
        out[lane[:, None], slot[:, None] * len(self._columns) + self._columns] = marked


class Items(Part):
    """A Sequence, stacked or not: one slot an item."""

    def __init__(self, space: spaces.Sequence, limits: Limits) -> None:
        self._space = space
        self._item = part_of(space.feature_space, limits)
        self._slots = Slots("items", "max_items", limits.max_items, self._item.size)
        self.size = allowed_size(space, self._slots.size)

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the slots' bounds."""
        return self._slots.bounds(self._item.bounds())

    def write(self, values: Any, out: Floats) -> None:
        """Codes all lanes' items in one batch."""
        lanes = [self._unstack(items) for items in values]
        counts = np.array([len(items) for items in lanes], dtype=np.intp)
        rows = np.zeros((counts.sum(), self._item.size), dtype=np.float32)
        if len(rows):
            self._item.write(collate(self._space.feature_space, [x for items in lanes for x in items]), rows)
        self._slots.write(counts, rows, out)

    def _unstack(self, items: Any) -> list[Any]:
        if not self._space.stack:
            return list(items)
        return list(gym.vector.utils.iterate(self._space.stacked_feature_space, items))


class Nodes(Part):
    """A Graph: slots for its nodes, and for its edges where the space has any."""

    def __init__(self, space: spaces.Graph, limits: Limits) -> None:
        self._node = part_of(space.node_space, limits)
        self._node_slots = Slots("nodes", "max_nodes", limits.max_nodes, self._node.size)
        self._edge = None if space.edge_space is None else part_of(space.edge_space, limits)
        self._ends = Categories(space, np.full(2, limits.max_nodes), np.zeros(2, dtype=np.int64))
        width = 0 if self._edge is None else self._edge.size + self._ends.size
        self._edge_slots = Slots("edges", "max_edges", limits.max_edges, width)
        edges = 0 if self._edge is None else self._edge_slots.size
        self.size = allowed_size(space, self._node_slots.size + edges)

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns the bounds of both kinds of slots."""
        nodes = self._node_slots.bounds(self._node.bounds())
        if self._edge is None:
            return nodes
        edge = _side_by_side([self._edge.bounds(), self._ends.bounds()])
        return _side_by_side([nodes, self._edge_slots.bounds(edge)])

    def write(self, values: Any, out: Floats) -> None:
        """Codes all lanes' nodes in one batch, and all their edges in another."""
        counts = np.array([len(graph.nodes) for graph in values], dtype=np.intp)
        rows = np.zeros((counts.sum(), self._node.size), dtype=np.float32)
        self._node.write(np.concatenate([graph.nodes for graph in values]), rows)
        self._node_slots.write(counts, rows, out[:, : self._node_slots.size])
        linked = [graph for graph in values if graph.edges is not None]
        if self._edge is None or not linked:
            return
        counts = np.array([0 if graph.edges is None else len(graph.edges) for graph in values], dtype=np.intp)
        rows = np.zeros((counts.sum(), self._edge.size + self._ends.size), dtype=np.float32)
        self._edge.write(np.concatenate([graph.edges for graph in linked]), rows[:, : self._edge.size])
        self._ends.write(np.concatenate([graph.edge_links for graph in linked]), rows[:, self._edge.size :])
        self._edge_slots.write(counts, rows, out[:, self._node_slots.size :])


class Branches(Part):
    """A OneOf: which branch was taken, and what it holds."""

    def __init__(self, space: spaces.OneOf, limits: Limits) -> None:
        self._space = space
        self._parts = [part_of(branch, limits) for branch in space.spaces]
        self.size = allowed_size(space, len(self._parts) + sum(part.size for part in self._parts))

    def bounds(self) -> tuple[Floats, Floats]:
        """Returns one-hot bounds, then the branches', each of which may be empty."""
        index = (np.zeros(len(self._parts)), np.ones(len(self._parts)))
        low, high = _side_by_side([index, *(part.bounds() for part in self._parts)])
        return np.minimum(low, 0), np.maximum(high, 0)

    def write(self, values: Any, out: Floats) -> None:
        """Codes the lanes of each branch in one batch."""
        chosen = np.array([branch for branch, _ in values])
        out[np.arange(len(out)), chosen] = 1
        start = len(self._parts)
        for branch, part in enumerate(self._parts):
            lanes = np.flatnonzero(chosen == branch)
            if lanes.size:
                rows = np.zeros((len(lanes), part.size), dtype=np.float32)
                part.write(collate(self._space[branch], [values[lane][1] for lane in lanes]), rows)
                out[lanes, start : start + part.size] = rows
            start += part.size


def _side_by_side(bounds: list[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[Floats, Floats]:
    lows = [np.zeros(0), *(low for low, _ in bounds)]
    highs = [np.zeros(0), *(high for _, high in bounds)]
    return np.concatenate(lows).astype(np.float32), np.concatenate(highs).astype(np.float32)
