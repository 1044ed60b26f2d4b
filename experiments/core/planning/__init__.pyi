from .code import code_of
from .manifest import continued, difference_of, manifest_of
from .options import Options, Trainer
from .plan import LEAST_TIMEOUT_S, Plan
from .remaining import (
    chosen_configurations,
    lacks_runs,
    missing_trials,
    next_confirmation_runs,
    settled_runs,
    tried_again,
)

__all__ = [
    "LEAST_TIMEOUT_S",
    "Options",
    "Plan",
    "Trainer",
    "chosen_configurations",
    "code_of",
    "continued",
    "difference_of",
    "lacks_runs",
    "manifest_of",
    "missing_trials",
    "next_confirmation_runs",
    "settled_runs",
    "tried_again",
]
