"""Base class of environment parameters, which refuses unknown names and values out of range."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from envs.validation import check_number, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base of every environment's parameters: frozen, keyword-only, checked when made.

    A subclass is a frozen dataclass whose fields are the environment's keywords; it checks its own ranges in
    `__post_init__` with :meth:`check`.
    """

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Makes the parameters from keywords or from an RLlib `env_config`.

        Args:
            values: Parameter names and their values; those left out keep their defaults.

        Raises:
            ValueError: A name is unknown (the nearest valid one is suggested) or a value is out of range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(
                    f"{cls._subject()} has no parameter {name!r}{did_you_mean(name, known, likeness=0.5)} "
                    f"It takes: {', '.join(known) or 'none'}"
                )
        return cls(**values)

    def check(self, name: str, low: float, high: float = math.inf, *, above: bool = False) -> None:
        """Refuses a number outside its range.

        Args:
            name: The field to check.
            low: The smallest value allowed.
            high: The largest value allowed.
            above: Whether `low` itself is excluded.

        Raises:
            ValueError: The value is not a finite number, or out of range. A field declared `int` also
                refuses fractions.
        """
        value = getattr(self, name)
        whole = self.__dataclass_fields__[name].type in (int, "int")
        check_number(f"{self._subject()} {name}={value!r}", value, low, high, whole=whole, above=above)

    @classmethod
    def _subject(cls) -> str:
        return cls.__name__.removesuffix("Parameters")
