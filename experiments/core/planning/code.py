"""Code that a run depends on besides its configuration, by which a failure is known as one of other code."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

import envs
from experiments.core.environments import imported_spec, source_file
from experiments.core.records import saved_state


def code_of(env_id: str) -> dict[str, str]:
    """Returns what a failure may come from: versions by name, and the environment's own file by its hash.

    An environment of the suite changes with the suite. What a user's file imports besides is not looked at:
    it may be anything, and most of it changes for no reason of the environment's.
    """
    found = {"ppo-sweeps": version("ppo-sweeps"), **saved_state.versions()}
    del found["format"]  # of what is saved of a run: one that failed saves nothing
    path = None if imported_spec(env_id).id in envs.ids() else source_file(env_id)
    if path is not None:
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
