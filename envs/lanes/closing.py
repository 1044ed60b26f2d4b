"""Closing of environments, exactly once and all of them; what `close` raises ends nothing, and is told."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar

from envs.lanes.raised import is_of_users, raised_in
from envs.lanes.under_way import under_way


class Closes(Protocol):
    """Anything that can be closed."""

    def close(self) -> Any:
        """Closes it."""


Made = TypeVar("Made", bound=Closes)


class ClosingFaults:
    """Faults of users' `close` in this process: printed, unless somebody collects them."""

    def __init__(self) -> None:
        self._collected: list[str] | None = None

    def tell(self, fault: str) -> None:
        """Takes a fault, in one line."""
        if self._collected is None:
            print(f"note: {fault}", file=sys.stderr)
        elif fault not in self._collected:
            self._collected.append(fault)

    @contextmanager
    def collected(self) -> Iterator[list[str]]:
        """Collects each fault that is told as long as the context lasts, once."""
        before, self._collected = self._collected, []
        try:
            yield self._collected
        finally:
            self._collected = before


closing_faults = ClosingFaults()
"""Those of this process."""


def close(env: Any) -> None:
    """Closes an environment; tells what its `close` raises, which then ends nothing.

    Args:
        env: Of Gymnasium's, single or a vector of them.
    """
    try:
        with under_way.of("close"):
            env.close()
    except BaseException as error:
        if not is_of_users(error):
            raise
        closing_faults.tell(str(raised_in("close", type(env.unwrapped).__name__, error)))


def close_all(several: Iterable[Any]) -> None:
    """Closes all of them, also where somebody interrupts it, which goes on its way in the end."""
    with ExitStack() as stack:
        for each in several:
            stack.callback(close, each)


@contextmanager
def closed_at_last(env: Made) -> Iterator[Made]:
    """Closes an environment when the context is left."""
    try:
        yield env
    finally:
        close(env)
