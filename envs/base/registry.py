"""Registry of environment ids, shared by Gymnasium and by everything in this suite."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import gymnasium as gym

from envs.base.dynamics import Dynamics
from envs.base.parameters import Parameters
from envs.base.reference_returns import References
from envs.validation import did_you_mean


@dataclass(frozen=True)
class Entry:
    """Registered id: the rules it runs, and the preset of their parameters."""

    env_id: str
    """Its id, such as "sweeps/Trading-v0"."""
    dynamics: type[Dynamics[Any]]
    """The class of its rules."""
    preset: dict[str, Any]
    """The parameters in which it differs from their defaults."""

    def parameters(self, **overrides: Any) -> Parameters:
        """Returns the preset's parameters with some of them overridden.

        Raises:
            ValueError: A parameter is unknown or out of range.
        """
        return self.dynamics.parameters_type.from_mapping({**self.preset, **overrides})


_ENTRIES: dict[str, Entry] = {}


def register(env_id: str, dynamics: type[Dynamics[Any]], **preset: Any) -> None:
    """Registers a preset of an environment's parameters under an id.

    The module that defines `dynamics`, say `Trading`, also defines `TradingEnv(SingleEnv)` and
    `TradingVectorEnv(BatchedEnv)`, which `gymnasium.make` and `gymnasium.make_vec` build.

    Args:
        env_id: For example "sweeps/Trading-v0".
        dynamics: The rules.
        **preset: The parameters in which this id differs from their defaults.

    Raises:
        ValueError: The preset is invalid.
    """
    entry = Entry(env_id, dynamics, preset)
    entry.parameters()
    where = f"{dynamics.__module__}:{dynamics.__name__}"
    # Episodes end by the rules' own limits, so Gymnasium adds no TimeLimit of its own.
    gym.register(env_id, entry_point=f"{where}Env", vector_entry_point=f"{where}VectorEnv", kwargs=preset)
    _ENTRIES[env_id] = entry


def ids() -> tuple[str, ...]:
    """Returns every id of the suite, sorted."""
    return tuple(sorted(_ENTRIES))


def entry(env_id: str) -> Entry:
    """Looks up an id.

    Raises:
        ValueError: It is not an id of the suite; the nearest one is named.
    """
    if env_id not in _ENTRIES:
        hint = did_you_mean(env_id, _ENTRIES, likeness=0.3)
        raise ValueError(f"unknown environment {env_id!r}{hint} The suite has: {', '.join(ids())}")
    return _ENTRIES[env_id]


def references(env_id: str, **parameters: Any) -> References[Any]:
    """Returns what policies can earn in an environment of the suite.

    Args:
        env_id: An id of the suite.
        **parameters: Where they differ from the id's preset.

    Raises:
        ValueError: The id or a parameter is unknown, or a value is out of range.
    """
    found = entry(env_id)
    return _references(found.dynamics, found.parameters(**parameters))


@lru_cache(maxsize=128)
def _references(dynamics: type[Dynamics[Any]], parameters: Parameters) -> References[Any]:
    # Frozen parameters are their own hash, so equal configurations are solved once.
    return dynamics.references(parameters)
