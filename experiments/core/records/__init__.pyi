from . import saved_state
from .checkpoint_budget import CheckpointBudget, keep_only
from .checkpoints import drop_older_checkpoints
from .lock import sole_use, unwritable
from .lost import cause_of_loss, forget_loss, write_cause_of_loss
from .output import Printed, RunOutput, kept_from_the_terminal
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
from .sweep_files import new_study, write_lineage, write_manifest, write_reproduction, write_rllib_settings

__all__ = [
    "CONFIGURATION",
    "CheckpointBudget",
    "FinishedRun",
    "Printed",
    "RunLog",
    "RunOutput",
    "UnfinishedRun",
    "cause_of_loss",
    "config_at",
    "damaged_runs",
    "drop_older_checkpoints",
    "finished_runs",
    "forget_loss",
    "keep_only",
    "kept_from_the_terminal",
    "new_study",
    "ranking_key",
    "recorded_manifest",
    "refusal_of",
    "remove_unfinished",
    "results_of",
    "saved_state",
    "sole_use",
    "tidy",
    "unfinished_runs",
    "unwritable",
    "with_schedule",
    "write_cause_of_loss",
    "write_lineage",
    "write_manifest",
    "write_reproduction",
    "write_rllib_settings",
]
