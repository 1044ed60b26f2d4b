"""Custom Gymnasium environments whose best possible return is known, registered by importing this package.

`gymnasium.make(id)` and `gymnasium.make_vec(id, num_envs=N, vectorization_mode="vector_entry_point")` run the
same rules, bit for bit. An environment is one module of :mod:`envs.suite`.
"""

from __future__ import annotations

import importlib
import pkgutil

from envs import suite
from envs.base import (
    BatchedEnv,
    Dynamics,
    Entry,
    Episodes,
    Parameters,
    ReferencePolicy,
    References,
    SingleEnv,
    Transition,
    entry,
    ids,
    references,
    register,
    roll_out,
)

for _module in pkgutil.iter_modules(suite.__path__):
    importlib.import_module(f"{suite.__name__}.{_module.name}")

__all__ = [
    "BatchedEnv",
    "Dynamics",
    "Entry",
    "Episodes",
    "Parameters",
    "ReferencePolicy",
    "References",
    "SingleEnv",
    "Transition",
    "entry",
    "ids",
    "references",
    "register",
    "roll_out",
]
