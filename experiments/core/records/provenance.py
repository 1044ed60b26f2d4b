"""The command that started this process, as manifests and locks name it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def this_command() -> str:
    """Returns the command that started this process, without the machine's own paths."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"python -m {module.name}" if module else f"python {Path(sys.argv[0]).name}"
    return shlex.join([*program.split(), *sys.argv[1:]])
