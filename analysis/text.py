"""Words of messages: numbers with their nouns, and the name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as "1 trial" or "2,048 steps"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text: str) -> str:
    """Returns a text in one line, without characters that command a terminal or turn the line around.

    What a user's code raises, and what a stranger's folder says, may have any.
    """
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)


def shortened(text: str) -> str:
    """Returns a text, cut to 60 characters where it is longer."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def did_you_mean(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """Returns how a sentence on an unknown name ends: "; did you mean 'lr'?", or "." if nothing is alike.

    Args:
        name: What was given.
        known: What could have been meant; upper and lower case count alike.
        likeness: How alike a known name has to be, 0 to 1; less for long names that differ in one part.
    """
    plain = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=likeness)
    return f"; did you mean {plain[nearest[0]]!r}?" if nearest else "."
