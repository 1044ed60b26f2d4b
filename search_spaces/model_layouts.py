"""Network layouts by readable name, such as "64x64-tanh", a scalar everywhere a configuration goes.

Andrychowicz 2020 (arXiv 2006.05990), section 3.2: widths matter less than learning rate and horizon, separate
value networks are better, tanh before relu. Huang 2022, detail 13: two layers of 64 with tanh, separate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from search_spaces.space import SearchSpace, choice

_Choice = TypeVar("_Choice", int, str)
_MLP_NAME = re.compile(r"(?P<widths>\d+(x\d+)*)-(?P<activation>tanh|relu|silu|elu)(?P<shared>-shared)?")
_CNN_NAME = re.compile(r"cnn-(?P<stack>\w+)-(?P<width>\d+)(?P<shared>-shared)?")
_CHANNELS = re.compile(r"[1-9]\d*(x[1-9]\d*)*")

Filters = tuple[tuple[int, int, int], ...]
"""Convolutions, first to last: channels, kernel size and stride of each."""

CNN_STACKS: Mapping[str, Filters] = MappingProxyType(
    {
        "tile4": ((16, 4, 4),),
        "tile8": ((16, 8, 8),),
        "tile4conv": ((16, 4, 4), (32, 3, 1)),
        "tiny": ((16, 8, 8), (32, 2, 2)),
        "small": ((16, 8, 4), (32, 4, 2)),
        "nature": ((32, 8, 4), (64, 4, 2), (64, 3, 1)),
    }
)
"""Convolutional stacks by name. "small" and "nature" are those of Mnih et al. 2013 (arXiv 1312.5602) and 2015
(Nature 518). "tile4" and "tile8" look at each tile of 4x4 or 8x8 pixels once, all that a grid of such tiles
shows; "tile4conv" then at each tile with its neighbours, "tiny" at each two by two of them."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of a policy network and its value network."""

    widths: tuple[int, ...]
    """Units of each fully connected layer, first to last; they come after the convolutions, if any."""
    activation: str
    """The nonlinearity after each of them, by torch's name."""
    shared: bool
    """Whether policy and value function share all layers but the last."""
    filters: Filters = ()
    """Convolutions before them; none for vectors."""


def parse(name: str) -> Layout:
    """Reads a layout's name: widths and activation, or a convolutional stack and the width after it.

    Args:
        name: For example "64x64-tanh", "256-relu-shared", "512x256x128-silu", "cnn-small-256"; a stack may be
            given by its channels, "cnn-16x32x64-256", each convolution then looking at 4x4 in steps of 2;
            "-shared" at the end shares the layers with the value network.

    Raises:
        ValueError: The name does not describe a layout.
    """
    cnn = _CNN_NAME.fullmatch(name)
    if cnn is not None and (filters := _filters(cnn["stack"])):
        return Layout(
            widths=(int(cnn["width"]),),
            activation="relu",
            shared=cnn["shared"] is not None,
            filters=filters,
        )
    match = _MLP_NAME.fullmatch(name)
    if match is None:
        raise ValueError(
            f"unknown model layout {name!r}: expected widths and activation such as '64x64-tanh', "
            f"or a stack ({', '.join(CNN_STACKS)}, or channels such as 16x32x64) and width such as "
            "'cnn-small-256', "
            "with '-shared' for a shared value network"
        )
    return Layout(
        widths=tuple(int(width) for width in match["widths"].split("x")),
        activation=match["activation"],
        shared=match["shared"] is not None,
    )


def _filters(stack: str) -> Filters:
    """Returns the convolutions that a stack's name means; none if it means nothing."""
    if _CHANNELS.fullmatch(stack):
        return tuple((int(channels), 4, 2) for channels in stack.split("x"))
    return CNN_STACKS.get(stack, ())


def check_fits(name: str, shape: tuple[int, ...]) -> None:
    """Refuses a layout that cannot look at observations of a shape.

    Args:
        name: As for :func:`parse`.
        shape: Of one observation: [size], or [H, W, C] of an image.

    Raises:
        ValueError: The layout is for vectors and the observation an image or the other way round, a kernel is
            larger than what it looks at, or the name does not describe a layout.
    """
    layout, is_image = parse(name), len(shape) == 3
    seen = "x".join(str(size) for size in shape)
    if is_image != bool(layout.filters):
        wanted = "a stack such as 'cnn-small-128'" if is_image else "widths such as '64x64-tanh'"
        kind = "images" if is_image else "vectors"
        raise ValueError(f"layout {name!r} does not fit {kind} of {seen}: expected {wanted}")
    size = min(shape[:2], default=0)
    for depth, (_, kernel, stride) in enumerate(layout.filters, start=1):
        if kernel > size:
            raise ValueError(
                f"layout {name!r} does not fit images of {seen}: its convolution {depth} looks at {kernel}x"
                f"{kernel} but is shown {size}; choose a smaller stack or a larger image"
            )
        size = -(-size // stride)


MAX_DEPTH = 6
"""Hidden layers that a layout searched in parts may have."""
PARTS = ("depth", *(f"width_{layer}" for layer in range(1, MAX_DEPTH + 1)), "activation")
"""Hyperparameters that together mean a layout: how many layers, the units of each, the nonlinearity."""


def deep_mlp(
    depths: Sequence[int] = (1, 2, 3),
    widths: Sequence[int] = (32, 64, 128),
    activations: Sequence[str] = ("tanh", "relu"),
) -> SearchSpace:
    """Makes a space of separate policy and value networks, the width of each layer searched by itself.

    The depth decides how many widths there are: `width_3` counts only where `depth` is 3 or more. Trials also
    record the layout that their values mean, under its readable name.

    Args:
        depths: Numbers of hidden layers, 1 to `MAX_DEPTH`.
        widths: Units that each layer may have.
        activations: Nonlinearities by torch's names: tanh, relu, silu or elu.

    Raises:
        ValueError: A depth is out of range.
    """
    if not all(1 <= depth <= MAX_DEPTH for depth in depths):
        raise ValueError(f"depths {tuple(depths)}: expected 1 to {MAX_DEPTH}")
    huang = "Huang 2022, detail 13: two layers of 64, tanh, separate"
    andrychowicz = "Andrychowicz 2020, section 3.2: tune the width of policy and value network"
    space = choice(
        "activation", *activations, default=_preferred("tanh", activations), source=huang
    ) | choice("depth", *depths, default=_preferred(2, depths), source=huang)
    for layer in range(1, max(depths) + 1):
        width = choice(f"width_{layer}", *widths, default=_preferred(64, widths), source=andrychowicz)
        deep_enough = tuple(depth for depth in depths if depth >= layer)
        space = space | width if len(deep_enough) == len(depths) else space.branch(width, depth=deep_enough)
    return space


def derived(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns the layout that a configuration's parts mean, as `{"layout": "128x64-tanh"}`; {} without parts.

    Raises:
        ValueError: A width or the activation is missing.
    """
    if "depth" not in config:
        stray = [name for name in PARTS if name in config]
        if stray:
            raise ValueError(f"{', '.join(stray)} without depth: expected depth, its widths and activation")
        return {}
    needed = [*(f"width_{layer}" for layer in range(1, int(config["depth"]) + 1)), "activation"]
    missing = [name for name in needed if name not in config]
    if missing:
        raise ValueError(f"depth={config['depth']} without {', '.join(missing)}: expected one width a layer")
    widths = "x".join(str(int(config[name])) for name in needed[:-1])
    return {"layout": f"{widths}-{config['activation']}"}


def _preferred(value: _Choice, choices: Sequence[_Choice]) -> _Choice:
    return value if value in choices else choices[0]


MLP = choice(
    "layout",
    "64-tanh", "32x32-tanh", "64x64-tanh", "128x128-tanh", "64x64x64-tanh",
    "64x64-relu", "128x128-relu", "64x64-tanh-shared", "128x128-tanh-shared",
    default="64x64-tanh",
    source="Huang 2022, detail 13: 64x64 tanh, separate; Andrychowicz 2020, section 3.2: tune the width",
)  # fmt: skip
"""Depth, width, activation and sharing of fully connected networks."""

TILES = choice(
    "layout",
    "cnn-tile4-64", "cnn-tile4-128", "cnn-tile4-128-shared", "cnn-tile4-256", "cnn-tile4conv-64",
    "cnn-small-128",
    default="cnn-tile4-128",
    source="the least that tells a grid's cells of 4x4 pixels apart, and Mnih et al. 2013 (arXiv 1312.5602)",
)  # fmt: skip
"""Convolutional networks for small images of a grid whose cells are 4x4 pixels."""

CNN = choice(
    "layout", "cnn-tiny-64", "cnn-tiny-128", "cnn-small-128", "cnn-small-128-shared", "cnn-small-256",
    default="cnn-small-256",
    source="Mnih et al. 2013 (arXiv 1312.5602): two convolutions of 16 and 32 channels, then 256 units",
)  # fmt: skip
"""Convolutional networks for images."""
