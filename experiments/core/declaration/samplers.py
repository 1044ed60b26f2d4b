"""Names of the samplers that an experiment can declare."""

from __future__ import annotations

from typing import Literal

SamplerName = Literal["tpe", "random", "gp", "cmaes"]
