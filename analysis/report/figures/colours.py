"""Colours of all figures and pages: each thing has one, in the light and in the dark."""

from __future__ import annotations

from typing import Final

from analysis.sweep import ADAPTED, DEFAULT, RLLIB
from analysis.verdict import Verdict

INK: Final = "#1c2733"
MUTED: Final = "#5f6c7b"
GRID: Final = "#e9edf1"
RULE: Final = "#c5ccd4"
PAPER: Final = "#ffffff"
WINNER: Final = "#0072b2"
DEFAULT_COLOUR: Final = "#d55e00"
RLLIB_COLOUR: Final = "#6b7280"
# Okabe and Ito's remaining colours, told apart by every common colour vision.
CONTENDERS: Final = ("#009e73", "#a15c9b", "#56a5d8", "#b58900", "#7a5230")
ADAPTED_COLOUR: Final = "#b0577a"
BASELINE_COLOURS: Final = {DEFAULT: DEFAULT_COLOUR, ADAPTED: ADAPTED_COLOUR, RLLIB: RLLIB_COLOUR}
OF_SWEEPS: Final = (WINNER, *CONTENDERS)
"""Of sweeps that are compared, in their order."""

STATES: Final = {
    "completed": ("#4d6f8c", "circle"),
    "pruned": ("#9aa5b1", "circle"),
    "diverged": ("#b3261e", "cross"),
    "failed": ("#8f2f6b", "triangle-down"),
    "running": ("#b58900", "square"),
}
"""State -> colour and shape of its mark; no configuration has one of these colours."""

RAMP: Final = ("#98a2ad", "#2f9e8f", "#1d7fd0")
"""From the worst to the best; all of it is seen on light and on dark pages."""

_DARK: Final = {
    INK: "#e4e9ee", MUTED: "#9eabb8", GRID: "#29333d", RULE: "#4a5765", PAPER: "#12181f",
    WINNER: "#4aa8e8", DEFAULT_COLOUR: "#ff8a3d", RLLIB_COLOUR: "#a3adb9",
    "#a15c9b": "#c68bc1", "#7a5230": "#b98c66", ADAPTED_COLOUR: "#d98aa9",
    "#4d6f8c": "#8fc1ea", "#9aa5b1": "#66727f", "#b3261e": "#f2726a", "#8f2f6b": "#d678b4",
}  # fmt: skip
"""Colour -> what it is on a dark page; the others are seen on both."""


def of_configurations(verdict: Verdict) -> dict[str, str]:
    """Returns the colour of each confirmed configuration, the same in every figure, in the table's order."""
    fixed = BASELINE_COLOURS | ({verdict.winner: WINNER} if verdict.winner else {})
    configs = [str(config) for config in verdict.table["config_id"]]
    others = [config for config in configs if config not in fixed]
    rest = {config: CONTENDERS[index % len(CONTENDERS)] for index, config in enumerate(others)}
    return {config: (fixed | rest)[config] for config in configs}


def dark_style() -> str:
    """Returns the style of drawn figures on a dark page, which goes before what the drawing says."""
    return "\n".join(
        f'.plot svg [{part}="{light}" i] {{ {part}: {dark}; }}'
        for light, dark in _DARK.items()
        for part in ("fill", "stroke")
    )
