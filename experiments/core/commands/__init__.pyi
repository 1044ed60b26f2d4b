from .command_line import first_line, main, stopped
from .replay import run_replay

__all__ = ["first_line", "main", "run_replay", "stopped"]
