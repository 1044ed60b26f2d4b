"""Serialisation of a Gymnasium space as text that can be hashed, compared and written to JSON.

The text is JSON with one key, the space's kind, for example `{"Discrete":{"n":5,"start":-2}}`. What equals
Gymnasium's default is left out, so equal spaces have equal texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.spaces.text import alphanumeric
from numpy.typing import NDArray

Description = dict[str, Any]


def in_brief(space: gym.Space[Any]) -> str:
    """Describes a space for people in a few characters: kind, shape or choices, type; not to be read back."""
    if isinstance(space, spaces.Box):
        return f"Box{list(space.shape)} {space.dtype}"
    return str(space)


def shortened(thing: Any) -> str:
    """Puts a thing's text on one line, cut where it would no longer be read."""
    text = " ".join(str(thing).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def to_text(space: gym.Space[Any]) -> str:
    """Describes a space.

    Raises:
        ValueError: It is not one of `gymnasium.spaces`, or a Dict has keys that are no text.
    """
    return json.dumps(_describe(space), sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> gym.Space[Any]:
    """Makes the space that a text describes.

    Raises:
        ValueError: The text is no JSON, or describes no space.
    """
    try:
        description = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise ValueError(f"space {text!r} is no JSON ({wrong}): expected {_EXAMPLE}") from wrong
    return from_description(description)


def from_description(description: Any) -> gym.Space[Any]:
    """Makes the space that parsed JSON describes.

    Raises:
        ValueError: It describes no space.
    """
    if not isinstance(description, Mapping) or len(description) != 1:
        raise ValueError(f"space {description!r}: expected one kind and its arguments, such as {_EXAMPLE}")
    ((kind, arguments),) = description.items()
    if kind not in _MAKERS:
        raise ValueError(f"space of kind {kind!r}: expected one of {', '.join(_MAKERS)}")
    try:
        made: gym.Space[Any] = _MAKERS[kind](arguments)
    except (AssertionError, KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"space {description!r} cannot be made: {wrong}; expected {_EXAMPLE}") from wrong
    return made


_EXAMPLE = '{"Discrete": {"n": 5}} or {"Box": {"low": -1, "high": 1, "shape": [2]}}'


def _describe(space: gym.Space[Any]) -> Description:
    for kind, describe in _DESCRIBERS.items():
        if type(space) is kind:
            return {kind.__name__: describe(space)}
    raise ValueError(
        f"space {space} of {type(space).__module__}: expected one of gymnasium.spaces; "
        "describe the same values with a Box or a Dict"
    )


def _box(space: spaces.Box) -> Description:
    # Through Python's own numbers, which hold both float64 and all of int64.
    lows, highs = (
        bound.astype(np.int8 if bound.dtype == np.bool_ else bound.dtype) for bound in (space.low, space.high)
    )
    low = _compact(np.where(space.bounded_below, lows.astype(object), -np.inf))
    high = _compact(np.where(space.bounded_above, highs.astype(object), np.inf))
    shape, dtype = list(space.shape), str(space.dtype)
    return {"low": low, "high": high, "shape": shape} | ({"dtype": dtype} if dtype != "float32" else {})


def _make_box(arguments: Description) -> spaces.Box:
    dtype = np.dtype(arguments.get("dtype", "float32"))
    low, high = (_bound(arguments[name], dtype) for name in ("low", "high"))
    shape = arguments.get("shape")
    return spaces.Box(low, high, None if shape is None else tuple(shape), dtype.type)


def _bound(bound: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(bound, str):
        return float(bound)
    if not isinstance(bound, list):
        return bound
    numbers = np.array(bound, dtype=object)
    infinite = np.vectorize(lambda number: isinstance(number, str), otypes=[bool])(numbers)
    # Whole numbers stay whole unless one of them is infinite, since float64 ends counting at 2**53.
    return numbers.astype(np.float64 if infinite.any() and dtype.kind != "f" else dtype)


def _compact(bounds: NDArray[Any]) -> Any:
    """Writes a bound as one number where all elements agree, infinities as text, which strict JSON lacks."""
    distinct = set(bounds.ravel().tolist())
    return _plain(distinct.pop() if len(distinct) == 1 else bounds.tolist())


def _plain(bound: Any) -> Any:
    if isinstance(bound, list):
        return [_plain(part) for part in bound]
    if bound in (np.inf, -np.inf):
        return str(float(bound))
    return bound


def _discrete(space: spaces.Discrete[Any]) -> Description:
    optional = {"start": int(space.start), "dtype": str(space.dtype)}
    defaults = {"start": 0, "dtype": "int64"}
    return {"n": int(space.n)} | {key: value for key, value in optional.items() if value != defaults[key]}


def _multi_discrete(space: spaces.MultiDiscrete) -> Description:
    description: Description = {"nvec": space.nvec.tolist()}
    if space.start.any():
        description["start"] = space.start.tolist()
    return description | ({"dtype": str(space.dtype)} if space.dtype != np.int64 else {})


def _text(space: spaces.Text) -> Description:
    description: Description = {"max_length": space.max_length, "min_length": space.min_length}
    characters = "".join(sorted(space.character_set))
    return description | ({"charset": characters} if set(characters) != set(alphanumeric) else {})


def _dict(space: spaces.Dict) -> list[Any]:
    for key in space.spaces:
        if not isinstance(key, str):
            raise ValueError(f"Dict space with the key {key!r}: expected text; rename it to {str(key)!r}")
    # Pairs, since the order of a Dict's keys is the order of everything made from it.
    return [[key, _describe(part)] for key, part in space.items()]


def _sequence(space: spaces.Sequence) -> Description:
    return {"space": _describe(space.feature_space)} | ({"stack": True} if space.stack else {})


def _graph(space: spaces.Graph) -> Description:
    edges = None if space.edge_space is None else _describe(space.edge_space)
    return {"node_space": _describe(space.node_space), "edge_space": edges}


def _make_dict(arguments: Any) -> spaces.Dict:
    pairs = arguments.items() if isinstance(arguments, Mapping) else arguments
    made = spaces.Dict()
    # Set one by one: the constructor would sort them.
    for key, part in pairs:
        made[key] = from_description(part)
    return made


def _make_graph(arguments: Description) -> spaces.Graph:
    edges = arguments.get("edge_space")
    nodes: Any = from_description(arguments["node_space"])
    edge: Any = None if edges is None else from_description(edges)
    return spaces.Graph(nodes, edge)


def _make_multi_discrete(arguments: Description) -> spaces.MultiDiscrete:
    start = arguments.get("start")
    dtype: str = arguments.get("dtype", "int64")
    return spaces.MultiDiscrete(np.array(arguments["nvec"]), dtype, start=start)


_DESCRIBERS: dict[type[gym.Space[Any]], Any] = {
    spaces.Box: _box,
    spaces.Discrete: _discrete,
    spaces.MultiBinary: lambda space: {"n": space.n if isinstance(space.n, int) else list(space.n)},
    spaces.MultiDiscrete: _multi_discrete,
    spaces.Text: _text,
    spaces.Dict: _dict,
    spaces.Tuple: lambda space: [_describe(part) for part in space.spaces],
    spaces.Sequence: _sequence,
    spaces.Graph: _graph,
    spaces.OneOf: lambda space: [_describe(part) for part in space.spaces],
}
_MAKERS: dict[str, Any] = {
    "Box": _make_box,
    "Discrete": lambda given: spaces.Discrete(
        given["n"], start=given.get("start", 0), dtype=given.get("dtype", "int64")
    ),
    "MultiBinary": lambda given: spaces.MultiBinary(given["n"]),
    "MultiDiscrete": _make_multi_discrete,
    "Text": lambda given: spaces.Text(**given),
    "Dict": _make_dict,
    "Tuple": lambda given: spaces.Tuple([from_description(part) for part in given]),
    "Sequence": lambda given: spaces.Sequence(
        from_description(given["space"]), stack=given.get("stack", False)
    ),
    "Graph": _make_graph,
    "OneOf": lambda given: spaces.OneOf([from_description(part) for part in given]),
}
