from . import saved_state
from .checkpoint_budget import CheckpointBudget, keep_only
from .checkpoints import drop_older_checkpoints
from .leftovers import check_readable, cut_off, remove_tunes_files, remove_unfinished, tidy
from .lock import sole_use, unwritable
from .lost import (
    cause_of_loss,
    forget_loss,
    open_dump,
    remove_empty_files,
    write_cause_of_loss,
)
from .output import STANDARD_ERROR, STANDARD_OUTPUT, RunOutput
from .run_errors import RunError, os_error_in, run_error
from .run_log import CONFIGURATION, RunLog
from .schedule import config_at
from .seen_seeds import Look, take_look
from .sweep_files import (
    check_safe_to_write,
    new_study,
    recorded_manifest,
    write_lineage,
    write_manifest,
    write_reproduction,
    write_rllib_settings,
)
from .terminal_output import Printed, kept_from_the_terminal, own_streams

__all__ = [
    "CONFIGURATION",
    "STANDARD_ERROR",
    "STANDARD_OUTPUT",
    "CheckpointBudget",
    "Look",
    "Printed",
    "RunError",
    "RunLog",
    "RunOutput",
    "cause_of_loss",
    "check_readable",
    "check_safe_to_write",
    "config_at",
    "cut_off",
    "drop_older_checkpoints",
    "forget_loss",
    "keep_only",
    "kept_from_the_terminal",
    "new_study",
    "open_dump",
    "os_error_in",
    "own_streams",
    "recorded_manifest",
    "remove_empty_files",
    "remove_tunes_files",
    "remove_unfinished",
    "run_error",
    "saved_state",
    "sole_use",
    "take_look",
    "tidy",
    "unwritable",
    "write_cause_of_loss",
    "write_lineage",
    "write_manifest",
    "write_reproduction",
    "write_rllib_settings",
]
