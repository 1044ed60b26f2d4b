from . import summary
from .console import open_console
from .progress import SweepProgress, check_progress, duration, steps_of
from .replayed import replay_lines
from .summary import print_damaged, print_tried_again

__all__ = [
    "SweepProgress",
    "check_progress",
    "duration",
    "open_console",
    "print_damaged",
    "print_tried_again",
    "replay_lines",
    "steps_of",
    "summary",
]
