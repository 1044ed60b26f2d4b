"""Private names of torch that the suite depends on, each behind a function with a public name.

No other module names anything private of torch. Each name is here because torch has no public way to the same
thing, or one that costs a multiple, and each has a test that fails when a release drops or changes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_COMPILER = "torch._dynamo"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Builds RLlib's algorithm without importing `torch._dynamo` and `torch._inductor`.

    They take 70 MiB and a second of every trial actor, and torch imports them for two things that have no
    effect where nothing is compiled: to note in the compiler's settings, too, that deterministic algorithms
    are wanted (RLlib's seeding), and to exempt the optimiser's methods from compilation when they are first
    called. Where the compiler is loaded, torch keeps its way.
    """
    if _COMPILER in sys.modules:
        yield
        return
    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and getattr(method, "__module__", "") == torch.optim.Optimizer.__module__:
            # Where `torch._disable_dynamo` looks for the exempted method.
            plain.__dynamo_disable = plain
    original = torch.use_deterministic_algorithms
    torch.use_deterministic_algorithms = _deterministic
    try:
        yield
    finally:
        torch.use_deterministic_algorithms = original


def _deterministic(mode: bool, *, warn_only: bool = False) -> None:
    torch._C._set_deterministic_algorithms(mode, warn_only=warn_only)
