"""Network layouts by readable name: "64x64-tanh" is a scalar everywhere a configuration goes.

Andrychowicz 2020 (arXiv 2006.05990), section 3.2: widths matter less than learning rate and horizon, separate
value networks are better, tanh before relu. Huang 2022, detail 13: two layers of 64 with tanh, separate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from search_spaces.space import choice

_MLP_NAME = re.compile(r"(?P<widths>\d+(x\d+)*)-(?P<activation>tanh|relu|silu)(?P<shared>-shared)?")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A policy network and its value network."""

    widths: tuple[int, ...]
    """Units of each fully connected layer, first to last."""
    activation: str
    """The nonlinearity after each of them, by torch's name."""
    shared: bool
    """Whether policy and value function share all layers but the last."""


def parse(name: str) -> Layout:
    """Reads a layout's name: widths, activation, and "-shared" for a shared value network.

    Args:
        name: For example "64x64-tanh", "256-relu-shared", "128x64x32-silu".

    Raises:
        ValueError: The name does not describe a layout.
    """
    match = _MLP_NAME.fullmatch(name)
    if match is None:
        raise ValueError(
            f"unknown model layout {name!r}: expected widths and activation such as '64x64-tanh', "
            "with '-shared' for a shared value network"
        )
    return Layout(
        widths=tuple(int(width) for width in match["widths"].split("x")),
        activation=match["activation"],
        shared=match["shared"] is not None,
    )


MLP = choice(
    "layout",
    "64-tanh", "32x32-tanh", "64x64-tanh", "128x128-tanh", "64x64x64-tanh",
    "64x64-relu", "128x128-relu", "64x64-tanh-shared", "128x128-tanh-shared",
    default="64x64-tanh",
    source="Huang 2022, detail 13: 64x64 tanh, separate; Andrychowicz 2020, section 3.2: tune the width",
)  # fmt: skip
"""Depth, width, activation and sharing of fully connected networks."""
