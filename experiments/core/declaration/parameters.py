"""Keywords of an environment, as a declaration takes them and as a sweep records them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from analysis.text import shortened
from experiments.core.errors import UserError
from search_spaces import plain


def check_parameters(owner: str, parameters: Mapping[str, Any]) -> None:
    """Refuses keywords that a sweep could not record, and so nobody could use again.

    Args:
        owner: The setting that they are given in.
        parameters: The keywords.

    Raises:
        UserError: A keyword is no text, or its value is neither JSON nor a path.
    """
    for name, value in parameters.items():
        if not isinstance(name, str):
            raise UserError(f"{owner}: expected names of keywords, got {name!r}")
        try:
            json.dumps(recorded_value(value))
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{owner}: {name}={shortened(' '.join(repr(value).split()))} of type "
                f"{type(value).__name__} cannot be recorded, so nobody could make the environment again: "
                "expected numbers, texts, paths, or lists and dicts of them; make it in the environment"
            ) from error


def recorded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns keywords as JSON has them: paths as texts, NumPy's numbers as Python's."""
    return {name: recorded_value(value) for name, value in parameters.items()}


def recorded_value(value: Any) -> Any:
    """Returns one value as JSON has it, as far as it can be recorded."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return recorded(value)
    if isinstance(value, list | tuple):
        return [recorded_value(each) for each in value]
    return plain(value)
