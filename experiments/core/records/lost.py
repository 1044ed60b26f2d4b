"""Cause by which the process of a run ended itself, from that process to the one that records it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from analysis.sweep import LOST_FILE, write_text


def write_cause_of_loss(folder: Path, cause: str) -> None:
    """Writes why a run is lost; what cannot be written is lost with it, as the process is about to end."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / LOST_FILE, f"{cause}\n")


def cause_of_loss(folder: Path) -> str | None:
    """Returns why a run was lost; None if its process did not say."""
    try:
        return (folder / LOST_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def forget_loss(folder: Path) -> None:
    """Removes the cause of a loss, as the run goes on."""
    with suppress(OSError):
        (folder / LOST_FILE).unlink(missing_ok=True)
