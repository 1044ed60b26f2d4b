from .core.commands import CommandStopped, Retraining, SweepResult, check, main, retrain, run
from .core.declaration import (
    Asha,
    Budget,
    Confirmation,
    Experiment,
    Hyperband,
    Median,
    NoScheduler,
    PopulationBandit,
    PopulationBased,
    Racing,
    Resources,
)
from .core.errors import AllRunsFailedError, UserError
from .core.policy import Replay, TrainedPolicy, load_policy, replay

__all__ = [
    "AllRunsFailedError",
    "Asha",
    "Budget",
    "CommandStopped",
    "Confirmation",
    "Experiment",
    "Hyperband",
    "Median",
    "NoScheduler",
    "PopulationBandit",
    "PopulationBased",
    "Racing",
    "Replay",
    "Resources",
    "Retraining",
    "SweepResult",
    "TrainedPolicy",
    "UserError",
    "check",
    "load_policy",
    "main",
    "replay",
    "retrain",
    "run",
]
