from . import saved_state
from .checkpoint_budget import CheckpointBudget, keep_only
from .checkpoints import PATTERN, replica_folder, replica_folders
from .lock import LOCK_FILE, sole_use, unwritable
from .provenance import this_command
from .run_log import CONFIGURATION, RunLog
from .runs import (
    FinishedRun,
    UnfinishedRun,
    damaged_runs,
    finished_runs,
    ranking_key,
    recorded_manifest,
    remove_unfinished,
    tidy,
    unfinished_runs,
)
from .saved_state import refusal_of, results_of
from .schedule import config_at, with_schedule

__all__ = [
    "CONFIGURATION",
    "LOCK_FILE",
    "PATTERN",
    "CheckpointBudget",
    "FinishedRun",
    "RunLog",
    "UnfinishedRun",
    "config_at",
    "damaged_runs",
    "finished_runs",
    "keep_only",
    "ranking_key",
    "recorded_manifest",
    "refusal_of",
    "remove_unfinished",
    "replica_folder",
    "replica_folders",
    "results_of",
    "saved_state",
    "sole_use",
    "this_command",
    "tidy",
    "unfinished_runs",
    "unwritable",
    "with_schedule",
]
