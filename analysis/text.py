"""Numbers with their nouns, as messages and reports say them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as "1 trial" or "2,048 steps"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
