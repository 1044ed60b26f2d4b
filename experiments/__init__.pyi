from .core.commands import main
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
from .core.errors import UserError
from .core.policy import TrainedPolicy, load_policy

__all__ = [
    "Asha",
    "Budget",
    "Confirmation",
    "Experiment",
    "Hyperband",
    "Median",
    "NoScheduler",
    "PopulationBandit",
    "PopulationBased",
    "Racing",
    "Resources",
    "TrainedPolicy",
    "UserError",
    "load_policy",
    "main",
]
