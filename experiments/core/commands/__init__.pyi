from . import uncaught
from .command_line import abandon, main, stopped
from .identity import first_line
from .python_api import check, retrain, run
from .replay_command import run_replay
from .results import CommandStopped, Retraining, SweepResult

__all__ = [
    "CommandStopped",
    "Retraining",
    "SweepResult",
    "abandon",
    "check",
    "first_line",
    "main",
    "retrain",
    "run",
    "run_replay",
    "stopped",
    "uncaught",
]
