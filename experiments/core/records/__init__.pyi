from . import saved_state
from .checkpoint_budget import CheckpointBudget, keep_only
from .checkpoints import drop_older_checkpoints
from .leftovers import check_readable, remove_tunes_files, remove_unfinished, tidy
from .lock import sole_use, unwritable
from .lost import (
    cause_of_loss,
    forget_loss,
    open_dump,
    remove_unused_dump,
    write_cause_of_loss,
)
from .output import Printed, RunOutput, kept_from_the_terminal
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
    "Printed",
    "RunLog",
    "RunOutput",
    "cause_of_loss",
    "check_readable",
    "config_at",
    "drop_older_checkpoints",
    "forget_loss",
    "keep_only",
    "kept_from_the_terminal",
    "new_study",
    "open_dump",
    "recorded_manifest",
    "remove_tunes_files",
    "remove_unfinished",
    "remove_unused_dump",
    "saved_state",
    "sole_use",
    "tidy",
    "unwritable",
    "write_cause_of_loss",
    "write_lineage",
    "write_manifest",
    "write_reproduction",
    "write_rllib_settings",
]
