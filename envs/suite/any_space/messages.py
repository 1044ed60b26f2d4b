"""Messages of the memory task: members of a space, each of which differs from the first in one place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import GraphInstance
from numpy.typing import NDArray

from envs.spaces import collate
from envs.suite.any_space.answers import BoxWindow


def messages(space: gym.Space[Any], most: int) -> list[Any]:
    """Lists different members of a space; each but the first differs from the first in one place.

    Places are taken in turns from all parts of the space, so that a policy which cannot see one of them
    cannot tell its messages from the first.

    Args:
        space: Any space of `gymnasium.spaces`.
        most: How many messages at most.
    """
    plain, variants = _variants(space)
    return [plain, *islice(variants, most - 1)]


def _variants(space: gym.Space[Any]) -> tuple[Any, Iterator[Any]]:
    """Returns a plain member of the space, and all members that differ from it in one place."""
    if isinstance(space, spaces.Discrete):
        whole: Any = np.dtype(space.dtype).type
        return whole(space.start), (whole(int(space.start) + k) for k in range(1, int(space.n)))
    if isinstance(space, spaces.MultiBinary | spaces.MultiDiscrete):
        start = np.zeros(space.shape) if isinstance(space, spaces.MultiBinary) else space.start
        counts = np.full(space.shape, 2) if isinstance(space, spaces.MultiBinary) else space.nvec
        plain = start.astype(space.dtype)
        elements = [[start[i] + k for k in range(1, int(counts[i]))] for i in np.ndindex(plain.shape)]
        return plain, _changed_elements(plain, elements)
    if isinstance(space, spaces.Box):
        return _numbers(space)
    if isinstance(space, spaces.Text):
        return _texts(space)
    if isinstance(space, spaces.Dict):
        return _changed_parts({key: _variants(part) for key, part in space.items()}, as_tuple=False)
    if isinstance(space, spaces.Tuple):
        parts = {i: _variants(part) for i, part in enumerate(space.spaces)}
        return _changed_parts(parts, as_tuple=True)
    if isinstance(space, spaces.Sequence):
        return _sequences(space)
    if isinstance(space, spaces.Graph):
        return _graphs(space)
    if isinstance(space, spaces.OneOf):
        return _branches(space)
    raise ValueError(f"space {space} of {type(space).__module__}: expected one of gymnasium.spaces")


def _numbers(space: spaces.Box) -> tuple[NDArray[Any], Iterator[NDArray[Any]]]:
    """Returns the middle of every element's window, and one of its ends, one element at a time.

    Not both ends: the plain member would lie between them, and a network that is still nearly linear cannot
    answer there what it answers on neither side.
    """
    window = BoxWindow.of(space)
    middle = window.low / 2 + window.high / 2
    middle = np.floor(middle) if window.whole else middle
    plain, low, high = (
        values.reshape(space.shape).astype(space.dtype) for values in (middle, window.low, window.high)
    )
    # Neighbours go opposite ways, so that upper and lower bounds are both met.
    upwards = (np.arange(plain.size).reshape(plain.shape) % 2 == 0) | (low == plain)
    ends = np.where(upwards, high, low)
    moves = [[ends[i]] if ends[i] != plain[i] else [] for i in np.ndindex(plain.shape)]
    return plain, _changed_elements(plain, moves)


def _in_turns(iterators: list[Iterator[Any]]) -> Iterator[Any]:
    """Yields the first of each, then the second of each, and so on until all are used up."""
    end = object()
    waiting = iterators
    while waiting:
        drawn = [(iterator, next(iterator, end)) for iterator in waiting]
        waiting = [iterator for iterator, value in drawn if value is not end]
        yield from (value for _, value in drawn if value is not end)


def _changed_elements(plain: NDArray[Any], elements: list[list[Any]]) -> Iterator[NDArray[Any]]:
    def changes(place: int) -> Iterator[NDArray[Any]]:
        for value in elements[place]:
            changed = plain.copy()
            changed.flat[place] = value
            yield changed

    # Multiples of the golden ratio spread the first few places over the whole array, whatever its size.
    order = np.argsort(np.arange(plain.size) * 0.6180339887 % 1)
    return _in_turns([changes(int(place)) for place in order])


def _changed_parts(
    parts: dict[Any, tuple[Any, Iterator[Any]]], *, as_tuple: bool
) -> tuple[Any, Iterator[Any]]:
    plain = {key: base for key, (base, _) in parts.items()}

    def shaped(values: dict[Any, Any]) -> Any:
        return tuple(values.values()) if as_tuple else values

    def changes(key: Any, variants: Iterator[Any]) -> Iterator[Any]:
        for variant in variants:
            yield shaped({**plain, key: variant})

    return shaped(plain), _in_turns([changes(key, variants) for key, (_, variants) in parts.items()])


def _texts(space: spaces.Text) -> tuple[str, Iterator[str]]:
    first, *others = sorted(space.character_set) or [""]
    plain = first * space.max_length
    shorter = (first * length for length in range(space.max_length - 1, space.min_length - 1, -1))
    spelt = (
        plain[:place] + other + plain[place + 1 :] for other in others for place in range(space.max_length)
    )
    return plain, _in_turns([spelt, shorter])


def _sequences(space: spaces.Sequence) -> tuple[Any, Iterator[Any]]:
    item, variants = _variants(space.feature_space)
    first, second = _twice(variants)

    def whole(*items: Any) -> Any:
        return collate(space.feature_space, items) if space.stack else items

    lengths = iter([whole(item, item), whole()])
    ones, twos = (whole(variant) for variant in first), (whole(item, variant) for variant in second)
    return whole(item), _in_turns([lengths, ones, twos])


def _graphs(space: spaces.Graph) -> tuple[GraphInstance, Iterator[GraphInstance]]:
    node, variants = _variants(space.node_space)
    first, second = _twice(variants)

    def graph(*nodes: Any, edge: Any = None, ends: tuple[int, int] = (0, 1)) -> GraphInstance:
        values = collate(space.node_space, nodes)
        if space.edge_space is None:
            return GraphInstance(values, None, None)
        return GraphInstance(values, collate(space.edge_space, [edge]), np.array([ends], dtype=np.int32))

    others: list[Iterator[GraphInstance]] = []
    plain_edge = None
    if space.edge_space is not None:
        plain_edge, edges = _variants(space.edge_space)
        others.append(graph(node, node, edge=edge) for edge in edges)
        unlinked = GraphInstance(collate(space.node_space, [node, node]), None, None)
        others.append(iter([graph(node, node, edge=plain_edge, ends=(1, 0)), unlinked]))
    others.append(iter([graph(node, node, node, edge=plain_edge)]))
    others.append(graph(variant, node, edge=plain_edge) for variant in first)
    others.append(graph(node, variant, edge=plain_edge) for variant in second)
    return graph(node, node, edge=plain_edge), _in_turns(others)


def _branches(space: spaces.OneOf) -> tuple[tuple[Any, Any], Iterator[tuple[Any, Any]]]:
    bases = [_variants(branch) for branch in space.spaces]

    def held(branch: int, values: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
        return ((np.int64(branch), value) for value in values)

    plain = (np.int64(0), bases[0][0])
    others = ((np.int64(branch), base) for branch, (base, _) in enumerate(bases) if branch > 0)
    within = [held(branch, variants) for branch, (_, variants) in enumerate(bases)]
    return plain, _in_turns([others, *within])


def _twice(iterator: Iterator[Any]) -> tuple[Iterator[Any], Iterator[Any]]:
    # More than anyone asks for: messages are few, and a Discrete may have billions of members.
    values = list(islice(iterator, 1024))
    return iter(values), iter(values)
