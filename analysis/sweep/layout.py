"""Names of everything in a sweep folder: its files, its runs' folders and their files.

::

    results/<experiment>/seen_test_seeds/0_2.json
    results/<experiment>/<sweep>/
      manifest.json  study.journal  rllib.json
      search/trial_0007/               params.json, result.json, state.json, ...
      confirm/trial_0007_seed3/        the same
      trials.parquet  curves.parquet  confirmation.parquet  best.yaml  report.html  figures/
      retrain/<configuration>_<seeds>/ a folder of the same form, with reproduction.json

No other module spells any of these names.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from analysis.sweep.schema import BASELINES

MANIFEST_FILE: Final = "manifest.json"
"""What the sweep is asked for, and how it was started."""
LOCK_FILE: Final = ".lock"
"""Who works in the folder. One that a killed process has left locks nothing."""
STOP_FILE: Final = ".stop"
"""Request to the processes that train: close your environments, and end."""
STUDY_FILE: Final = "study.journal"
"""Optuna's journal, which `optuna-dashboard` opens; made anew from the runs at each start."""
RLLIB_FILE: Final = "rllib.json"
"""config_id -> what RLlib was told, under RLlib's own names."""
BEST_FILE: Final = "best.yaml"
"""The configuration to use."""
REPORT_FILE: Final = "report.html"
FIGURES_FOLDER: Final = "figures"
TABLE_FILES: Final = MappingProxyType(
    {name: f"{name}.parquet" for name in ("trials", "curves", "confirmation", "ablation")}
)
"""Table of a loaded sweep -> its file."""
SEEN_FOLDER: Final = "seen_test_seeds"
"""Folder beside an experiment's sweeps: a file for each block of test seeds that a sweep has taken."""
RETRAIN_FOLDER: Final = "retrain"
"""Folder of the retrainings, each of which is a sweep folder without a search."""
REPRODUCTION_FILE: Final = "reproduction.json"
"""A retraining compared with the confirmation, as numbers."""

PARAMS_FILE: Final = "params.json"
"""A run's configuration, seed and id."""
RESULT_FILE: Final = "result.json"
"""A run's evaluations, a line each."""
PROGRESS_FILE: Final = "progress.csv"
"""The evaluations once more, for people; nothing reads it back."""
OUTPUT_FILE: Final = "output.txt"
"""What a run's environment printed, where it printed anything."""
STATE_FILE: Final = "state.json"
"""How a run ended. Written last: its presence says that the run is over and its records are whole."""
SCHEDULE_FILE: Final = "schedule.json"
"""The configurations of a run that changed while it trained."""
LOST_FILE: Final = "lost.txt"
"""Why the process of a run that is unfinished ended itself."""
UNFINISHED_FILE: Final = "unfinished.ckpt"
"""What a run that was cut off goes on from; one that ended has none."""
POLICY_FILE: Final = "policy.safetensors"
"""A trained policy without code, in a checkpoint or in the folder of each of its replicas."""
TUNES_FILES: Final = (
    "tuner.pkl",
    "experiment_state-*.json",
    "search_gen_state-*.json",
    "searcher-state-*.pkl",
    "basic-variant-state-*.json",
    ".validate_storage_marker",
)
"""Patterns of what Tune writes beside the runs at each start for a restore of its own."""

SCHEDULE: Final = "schedule"
"""Name, in what a run's trainable receives, of the configurations that follow one another."""
RUN_IDENTITY: Final = ("seed", "config_id", "test_seed", SCHEDULE)
"""What a trial's `config` carries besides the configuration itself."""

_TRIAL: Final = "trial_"
_ABLATION: Final = "ablation_"
_SEED: Final = "_seed"
_REPLICA: Final = "replica_"
_CHECKPOINTS: Final = "checkpoint_*"
_SET_ASIDE: Final = ".set-aside-"
CONFIG_ID: Final = (
    rf"(?:{'|'.join(BASELINES)}|{_ABLATION}(?:[0-9]{{2}}|[1-9][0-9]{{2,3}})"
    rf"|{_TRIAL}(?:[0-9]{{4}}|[1-9][0-9]{{4,8}}))"
)
"""What a configuration's id looks like: a baseline's, or as the functions below write it."""
_RUN_NAME: Final = re.compile(rf"({CONFIG_ID})(?:{_SEED}(0|[1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True)
class RunName:
    """The name of a run, which is its folder's: `trial_0007` in the search, `trial_0007_seed3` confirmed.

    Args:
        config_id: The configuration: a trial of the search, a baseline, or one of an ablation.
        test_seed: Index of the test seed of a confirmation run; None in the search.
    """

    config_id: str
    test_seed: int | None = None

    @classmethod
    def parse(cls, folder: str) -> Self | None:
        """Returns the name that a folder's is; None for a folder that is no run's."""
        found = _RUN_NAME.fullmatch(folder)
        # A baseline is trained in the confirmation alone: as a trial of the search it has a number.
        if found is None or (found[2] is None and not is_trial(found[1])):
            return None
        return cls(found[1], None if found[2] is None else int(found[2]))

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Returns the name of the run whose trainable receives `config`."""
        return cls(config["config_id"], config.get("test_seed"))

    def __str__(self) -> str:
        return self.config_id if self.test_seed is None else f"{self.config_id}{_SEED}{self.test_seed}"

    @property
    def order(self) -> tuple[str, int, int]:
        """What runs are sorted by: others before trials, and numbers as numbers beyond four digits."""
        trial = is_trial(self.config_id)
        number = trial_number(self.config_id) if trial else 0
        return _TRIAL if trial else self.config_id, number, -1 if self.test_seed is None else self.test_seed


def run_name(config: Mapping[str, Any]) -> str:
    """Returns a run's name from its trainable's config."""
    return str(RunName.of(config))


def trial_name(number: int) -> str:
    """Returns the id of the n-th trial of a search, which is also its folder's name."""
    return f"{_TRIAL}{number:04d}"


def trial_number(config_id: str) -> int:
    """Returns the inverse of :func:`trial_name`."""
    return int(config_id.removeprefix(_TRIAL))


def ablation_name(number: int) -> str:
    """Returns the id of the n-th configuration of an ablation."""
    return f"{_ABLATION}{number:02d}"


def is_ablation(config_id: str) -> bool:
    """Returns whether a configuration lies between the default and a winner, on an ablation path."""
    return config_id.startswith(_ABLATION)


def is_trial(config_id: str) -> bool:
    """Returns whether a configuration is a trial of the search, not a baseline."""
    return config_id.startswith(_TRIAL)


FIRST_TRIAL: Final = trial_name(0)
"""The search's first trial, which is the space's default configuration."""


def configuration_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the configuration in what a trainable receives, without seeds and ids."""
    return {name: value for name, value in config.items() if name not in RUN_IDENTITY}


def run_folders(phase_folder: Path) -> dict[RunName, Path]:
    """Returns the folders of a phase's runs by name, in order; what else lies there is passed over."""
    if not phase_folder.is_dir():
        return {}
    named = ((RunName.parse(path.name), path) for path in phase_folder.iterdir() if path.is_dir())
    runs = [(name, path) for name, path in named if name is not None]
    return dict(sorted(runs, key=lambda run: run[0].order))


def checkpoints_in(run: Path) -> list[Path]:
    """Returns the folders of a run's checkpoints, oldest first."""
    return sorted(run.glob(_CHECKPOINTS))


def place_aside(path: Path) -> Path:
    """Returns where a damaged file or folder is set aside: beside it, under its name with the next number."""
    numbers = (path.with_name(f"{path.name}{_SET_ASIDE}{number}") for number in itertools.count(1))
    return next(place for place in numbers if not place.exists())


def is_set_aside(path: Path) -> bool:
    """Returns whether a path is one that :func:`place_aside` gave."""
    return _SET_ASIDE in path.name


def replica_folder(checkpoint: Path, replica: int) -> Path:
    """Returns where a checkpoint of several replicas keeps one of them."""
    return checkpoint / f"{_REPLICA}{replica}"


def replica_folders(checkpoint: Path) -> list[Path]:
    """Returns the replicas in a checkpoint, in order; none if the run had one seed."""
    return [replica_folder(checkpoint, r) for r in range(len(list(checkpoint.glob(f"{_REPLICA}*"))))]
