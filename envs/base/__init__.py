"""Base of all environments: batched dynamics, both Gymnasium forms, reference returns, registry, drawing.

Imported by everything else in envs; imports nothing of it.
"""

from envs.base.dynamics import Dynamics, Lanes, Transition
from envs.base.parameters import Parameters
from envs.base.plot import MARKER, Plot, padded
from envs.base.random_blocks import DrawnAhead
from envs.base.reference_returns import Act, ReferencePolicy, References
from envs.base.registry import Entry, entry, ids, references, register
from envs.base.rendering import (
    BLUE,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PALE_BLUE,
    PALE_RED,
    PANEL,
    PAPER,
    RED,
    Canvas,
    Colour,
    Point,
    Window,
    has_screen,
    load_pygame,
)
from envs.base.rollout import Episodes, roll_out
from envs.base.single_env import SingleEnv
from envs.base.target import UnknownTargetError, target_spec
from envs.base.vector_env import BatchedEnv

__all__ = [
    "BLUE",
    "GREEN",
    "GRID",
    "INK",
    "MARKER",
    "MUTED",
    "ORANGE",
    "PALE_BLUE",
    "PALE_RED",
    "PANEL",
    "PAPER",
    "RED",
    "Act",
    "BatchedEnv",
    "Canvas",
    "Colour",
    "DrawnAhead",
    "Dynamics",
    "Entry",
    "Episodes",
    "Lanes",
    "Parameters",
    "Plot",
    "Point",
    "ReferencePolicy",
    "References",
    "SingleEnv",
    "Transition",
    "UnknownTargetError",
    "Window",
    "entry",
    "has_screen",
    "ids",
    "load_pygame",
    "padded",
    "references",
    "register",
    "roll_out",
    "target_spec",
]
