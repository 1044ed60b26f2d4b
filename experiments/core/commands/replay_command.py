"""Command `python -m experiments replay FOLDER`: the best policy of a sweep played, its returns as text."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.command_line import read_options
from experiments.core.errors import UserError

PROGRAM = "python -m experiments replay"


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """Options of a replay."""

    folder: Path
    """A sweep folder."""
    episodes: int = 256
    """Episodes to play, side by side."""
    seed: int = 0
    """Seed of the first episode; the i-th one has seed + i."""
    gif: Path | None = None
    """File to write an animation of the first episode to; of the first few where they are short."""
    human: bool = False
    """Show the first three episodes in a window."""
    trust: bool = False
    """Run code that lies in the folder: for checkpoints of earlier releases and networks of your own."""


def run_replay(arguments: list[str]) -> int:
    """Plays episodes and prints their returns against the environment's references; returns the exit code."""
    description = "Plays the best policy of a sweep, without Ray."
    options = read_options(ReplayOptions, arguments, program=PROGRAM, description=description)
    from experiments.core.policy import replay
    from experiments.core.terminal import replay_lines
    from experiments.core.tuning import quiet_libraries

    with quiet_libraries(debug=False):
        try:
            played = replay(**asdict(options))
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    for line in replay_lines(played):
        print(line)
    return 0
