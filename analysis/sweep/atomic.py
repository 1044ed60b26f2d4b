"""The atomic write: a file of a sweep folder is whole, or not there."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_PARTIAL: Final = ".part"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a place to write a file to, which takes the file's name in one step when it is written.

    A process that dies meanwhile leaves the file as it was, and something that :func:`is_partial` knows by
    its name. Processes that write the same file at once do not mix: the last one wins.

    Args:
        path: The file. Its folder exists.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_PARTIAL}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """Returns whether a path is what a killed process has left of a file."""
    return path.name.endswith(_PARTIAL)


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a file of bytes and returns its path."""
    with written_whole(path) as partial:
        partial.write_bytes(content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Writes a file of text as UTF-8 and returns its path."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> Path:
    """Writes a value as JSON, in which NaN stays NaN and a float keeps every digit; returns the path."""
    return write_text(path, json.dumps(value, indent=1) + "\n")
