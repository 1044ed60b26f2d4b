"""Network layouts by readable name: "64x64-tanh" is a scalar everywhere a configuration goes.

Andrychowicz 2020 (arXiv 2006.05990), section 3.2: widths matter less than learning rate and horizon, separate
value networks are better, tanh before relu. Huang 2022, detail 13: two layers of 64 with tanh, separate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from search_spaces.space import choice

_MLP_NAME = re.compile(r"(?P<widths>\d+(x\d+)*)-(?P<activation>tanh|relu|silu)(?P<shared>-shared)?")
_CNN_NAME = re.compile(r"cnn-(?P<stack>\w+)-(?P<width>\d+)(?P<shared>-shared)?")

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
    """A policy network and its value network."""

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
        name: For example "64x64-tanh", "256-relu-shared", "128x64x32-silu", "cnn-small-256"; "-shared" at the
            end shares the layers with the value network.

    Raises:
        ValueError: The name does not describe a layout.
    """
    cnn = _CNN_NAME.fullmatch(name)
    if cnn is not None and cnn["stack"] in CNN_STACKS:
        return Layout(
            widths=(int(cnn["width"]),),
            activation="relu",
            shared=cnn["shared"] is not None,
            filters=CNN_STACKS[cnn["stack"]],
        )
    match = _MLP_NAME.fullmatch(name)
    if match is None:
        raise ValueError(
            f"unknown model layout {name!r}: expected widths and activation such as '64x64-tanh', "
            f"or a stack ({', '.join(CNN_STACKS)}) and width such as 'cnn-small-256', "
            "with '-shared' for a shared value network"
        )
    return Layout(
        widths=tuple(int(width) for width in match["widths"].split("x")),
        activation=match["activation"],
        shared=match["shared"] is not None,
    )


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
