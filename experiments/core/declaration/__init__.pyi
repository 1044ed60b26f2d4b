from . import schedulers
from .experiment import Budget, Confirmation, Experiment, Racing
from .parameters import recorded
from .ranges import check_number
from .resources import Resources, Vectorization
from .samplers import SamplerName
from .schedulers import (
    Asha,
    Hyperband,
    Median,
    NoScheduler,
    Population,
    PopulationBandit,
    PopulationBased,
    Scheduler,
    SchedulerName,
    Stopping,
    interval_points,
)
from .seeds import BLOCKS, INDICES, Seeds, replica_seeds

__all__ = [
    "BLOCKS",
    "INDICES",
    "Asha",
    "Budget",
    "Confirmation",
    "Experiment",
    "Hyperband",
    "Median",
    "NoScheduler",
    "Population",
    "PopulationBandit",
    "PopulationBased",
    "Racing",
    "Resources",
    "SamplerName",
    "Scheduler",
    "SchedulerName",
    "Seeds",
    "Stopping",
    "Vectorization",
    "check_number",
    "interval_points",
    "recorded",
    "replica_seeds",
    "schedulers",
]
