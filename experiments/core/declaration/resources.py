"""Resources of one trial, and the number of trials that fit into a machine at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.core.declaration.ranges import check_number
from experiments.core.errors import UserError

Vectorization = Literal["auto", "async"]
"""How lanes are stepped: "auto" together in the trial's process, by the environment's own vector form if it
has one; "async" in one process each."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resources of one trial.

    Raises:
        UserError: A number is out of its range.
    """

    cpus: int = 1
    """Cores: the trial's torch threads, and what it counts for in Ray."""
    gpus: float = 0.0
    """Share of a GPU, 0 to 1; above 0 the updates are computed there, while sampling stays on the cores."""

    def __post_init__(self) -> None:
        check_number(f"cpus={self.cpus!r}", self.cpus, 1)
        shared = f"gpus={self.gpus!r} (a share of one, as several trials can have)"
        check_number(shared, self.gpus, 0, 1, whole=False)

    @property
    def declared(self) -> dict[str, float]:
        """The same under the names that Ray Tune uses."""
        return {"cpu": self.cpus, "gpu": self.gpus} if self.gpus else {"cpu": self.cpus}

    def trials_in(self, available: Mapping[str, float]) -> int:
        """Returns how many trials run at once.

        Args:
            available: Of each resource, in Ray's names ("CPU", "GPU"); what is missing is none.

        Raises:
            UserError: Not even one fits.
        """
        fit = int(available.get("CPU", 0) // self.cpus)
        if not fit:
            raise UserError(
                f"a trial takes {self.cpus} cores, there are {available.get('CPU', 0):g}: declare fewer cpus "
                "in the experiment's resources"
            )
        if not self.gpus:
            return fit
        # A share of one GPU cannot lie on two of them.
        on_gpus = int(available.get("GPU", 0)) * int(1 / self.gpus)
        if not on_gpus:
            raise UserError(
                f"a trial takes {self.gpus:g} of a GPU, there is none: declare gpus=0 in the experiment's "
                "resources, or run it where there is one"
            )
        return min(fit, on_gpus)
