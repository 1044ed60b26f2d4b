"""Names in a sweep folder: its files, and the folders of its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SCHEDULE = "schedule"
"""Name, in what a run's trainable receives, of the configurations that follow one another."""
IDENTITY = ("seed", "config_id", "test_seed", SCHEDULE)
"""What a trial's `config` carries besides the configuration itself."""


def configuration_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's names and values in what a trainable receives, without seeds and ids."""
    return {name: value for name, value in config.items() if name not in IDENTITY}


MANIFEST_FILE = "manifest.json"
"""File in a sweep's folder that says what the sweep is."""


OBJECTIVE = "objective"


PARAMS_FILE = "params.json"


STATE_FILE = "state.json"
"""Its presence says that a run is over, unless what it or the other records hold is damaged."""


def is_run(folder_name: str) -> bool:
    """Whether a phase's folder of this name is a run's."""
    return re.fullmatch(r"trial_\d+|\w+_seed\d+", folder_name) is not None


def run_name(config: Mapping[str, Any]) -> str:
    """A run's name from its trainable's config: the configuration, in the confirmation also the test seed."""
    return (
        f"{config['config_id']}_seed{config['test_seed']}" if "test_seed" in config else config["config_id"]
    )


def config_id_of(confirmation_run: str) -> str:
    """The configuration that a run of the confirmation, by its name, is one of."""
    return confirmation_run.rpartition("_seed")[0]


def trial_number(name: str) -> int:
    """The inverse of :func:`trial_name`."""
    return int(name.removeprefix("trial_"))


def trial_name(number: int) -> str:
    """The id of the n-th trial of a search, which is also its folder's name."""
    return f"trial_{number:04d}"
