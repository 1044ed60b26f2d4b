"""Scale of a sweep's scores, on which they read as returns, with floor, optimum and unit."""

from dataclasses import dataclass
from math import isfinite, isnan

from analysis.sweep.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The environment's own scale. Without references a score *is* the raw return.

    Args:
        floor: Expected return of the floor policy, in `unit`; None where the environment states none.
        optimum: Expected return of the reference optimum, in `unit`; None where it states none.
        unit: What one unit of return is, such as "fraction of the initial cash"; may be empty.
        floor_policy: Name of the policy that earns the floor; may be empty.
    """

    floor: float | None = None
    optimum: float | None = None
    unit: str = ""
    floor_policy: str = ""

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> "Scale":
        """Returns the scale that a sweep's manifest states."""
        env = manifest.env
        return cls(
            floor=_finite(env.floor),
            optimum=_finite(env.optimum),
            unit=env.return_unit,
            floor_policy=env.floor_policy or "",
        )

    @property
    def has_references(self) -> bool:
        """Whether floor and optimum are both known and differ, so that 0 and 1 mean something."""
        return self.floor is not None and self.optimum is not None and self.floor != self.optimum

    @property
    def noun(self) -> str:
        """What the numbers are: a score, or the raw return."""
        return "score" if self.has_references else "return"

    @property
    def axis_title(self) -> str:
        """Title of an axis that shows scores, with its unit."""
        if self.has_references:
            return f"Score (0 = {self.floor_policy or 'floor'} policy, 1 = optimum)"
        return f"Return ({self.unit})" if self.unit else "Return"

    def to_return(self, score: float) -> float:
        """Give the return that a score stands for, in `unit`."""
        if self.floor is None or self.optimum is None or not self.has_references:
            return score
        return self.floor + score * (self.optimum - self.floor)

    def difference_to_return(self, difference: float) -> float:
        """Give the difference of returns that a difference of scores stands for, in `unit`."""
        return self.to_return(difference) - self.to_return(0.0)

    def text(self, *values: float, signed: bool = False) -> list[str]:
        """Write numbers that are read together with the same number of digits.

        Scores get two decimals, or three where two would turn a number into zero; raw returns, which may
        be of any size, get four significant digits. Where different numbers would look alike, all get more.
        """
        digits, form = 4, "g"
        if self.has_references:
            digits, form = 3 if any(0 < abs(value) < 0.005 for value in values) else 2, "f"
        different = len(set(values))
        for more in range(digits, digits + 8):
            shown = [f"{value:{'+' if signed else ''}.{more}{form}}" for value in values]
            if len(set(shown)) >= different:
                break
        return shown

    def interval_text(self, low: float, high: float, *, signed: bool = False) -> str:
        """Write an interval, or say that there is none."""
        if isnan(low) or isnan(high) or low == high:
            return "[no interval]"
        return f"[{', '.join(self.text(low, high, signed=signed))}]"


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
