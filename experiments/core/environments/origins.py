"""Folders in which this user's sweeps found the modules of their environments.

A sweep folder cannot be asked for it: a stranger's could name any code. So this is kept with the user, and a
sweep is known again by what its manifest says of its start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from contextlib import suppress
from pathlib import Path

from analysis.sweep import Manifest
from experiments.core.program import program_file
from experiments.core.signing import state_folder


def remember_origin(manifest: Manifest) -> None:
    """Notes the folder of the running program, where a module of its environment may lie."""
    file = program_file()
    if file is None or not _module_of(manifest):
        return
    with suppress(OSError):  # then the sweep is used where it was started, as always
        place = _place(manifest)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_text(file.parent.as_posix(), encoding="utf-8")


def find_as_before(manifest: Manifest) -> None:
    """Makes the module of an environment importable from where this user's sweep had found it.

    Nothing changes where it is importable already, or where the sweep is not known to be the user's.
    """
    module = _module_of(manifest)
    if not module or _is_importable(module):
        return
    with suppress(OSError, UnicodeDecodeError):
        folder = _place(manifest).read_text(encoding="utf-8")
        if Path(folder).is_dir() and folder not in sys.path:
            sys.path.append(folder)


def _module_of(manifest: Manifest) -> str:
    """Returns the module in an environment's name; empty where it has none."""
    return manifest.env.id.rpartition(":")[0]


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except ValueError:  # it is half imported, or no name of a module
        return True


def _place(manifest: Manifest) -> Path:
    """Returns the file that holds a sweep's folder."""
    said = (manifest.experiment, manifest.sweep, manifest.started, manifest.env.id)
    name = hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()
    return state_folder() / "origins" / name
