"""Choice whether a trial's gradient steps are compiled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any, Literal

Compile = Literal["auto", "always", "never"]
WORTH_STEPS = 20_000
"""Gradient steps of a trial from which "auto" compiles. Compiling a layout takes about 15 s of a core, once
on a machine, and saves 0.1 to 0.2 ms of each step: 2 to 4 s of such a trial, so a few of them win it back."""


def has_compiler() -> bool:
    """Returns whether there is the C++ compiler that torch would call."""
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def gradient_steps(settings: Mapping[str, Any], steps: int) -> float:
    """Computes how many gradient steps a trial takes.

    Args:
        settings: Of the trainer, complete.
        steps: Environment steps.
    """
    return float(steps * settings["epochs"] / settings["minibatch_size"])


def is_compiled(choice: Compile, settings: Mapping[str, Any], *, steps: int, gpus: float) -> bool:
    """Decides whether a trial compiles, as far as its layout is one for which that pays.

    What "auto" decides depends on the trial and the machine alone, not on what happens to be compiled
    already: compiled steps round differently, and the same trial shall give the same numbers every time.

    Args:
        choice: What the user said.
        settings: Of the trainer, complete.
        steps: Environment steps of the trial.
        gpus: Its share of a GPU; steps are compiled for cores only.
    """
    if choice == "never" or gpus:
        return False
    return choice == "always" or (gradient_steps(settings, steps) >= WORTH_STEPS and has_compiler())
