"""RLlib's connectors: those that a configuration names, and a cheaper way to build any."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.connectors import connector_v2


def custom_connectors(config: AlgorithmConfig) -> dict[str, Any]:
    """Returns the connectors that were set beside RLlib's own, by the argument's name; None where none was.

    RLlib's public way to them builds the whole pipeline, for which it needs an environment.
    """
    return {
        "env_to_module_connector": config._env_to_module_connector,
        "module_to_env_connector": config._module_to_env_connector,
        "learner_connector": config._learner_connector,
    }


@contextmanager
def without_source_lookup() -> Iterator[None]:
    """Gives `ConnectorV2` the one frame that it looks at, its caller's, in place of the whole stack.

    `inspect.stack` looks for the source lines of every frame, and searches all modules for a frame without a
    file, as `python -m` has them: a tenth of a second of computing for the twelve connectors of a run.
    """
    original = connector_v2.inspect
    connector_v2.inspect = SimpleNamespace(stack=_nearest, getargvalues=inspect.getargvalues)
    try:
        yield
    finally:
        connector_v2.inspect = original


def _nearest() -> list[SimpleNamespace]:
    """Returns where this was called, and that function's caller, as the first two of `inspect.stack`."""
    return [SimpleNamespace(frame=sys._getframe(1)), SimpleNamespace(frame=sys._getframe(2))]
