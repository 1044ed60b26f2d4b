from . import saved_state
from .checkpoint_budget import CheckpointBudget, keep_only
from .checkpoints import drop_older_checkpoints
from .leftovers import check_readable, remove_unfinished, tidy
from .lock import sole_use, unwritable
from .output import RunOutput
from .run_log import CONFIGURATION, RunLog
from .schedule import config_at
from .sweep_files import (
    new_study,
    recorded_manifest,
    write_lineage,
    write_manifest,
    write_reproduction,
    write_rllib_settings,
)

__all__ = [
    "CONFIGURATION",
    "CheckpointBudget",
    "RunLog",
    "RunOutput",
    "check_readable",
    "config_at",
    "drop_older_checkpoints",
    "keep_only",
    "new_study",
    "recorded_manifest",
    "remove_unfinished",
    "saved_state",
    "sole_use",
    "tidy",
    "unwritable",
    "write_lineage",
    "write_manifest",
    "write_reproduction",
    "write_rllib_settings",
]
