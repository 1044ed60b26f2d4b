"""Experiments: each module declares one sweep, `python -m experiments.<module>` runs it.

`python -m experiments` lists them.
"""

from experiments.core.cli import main
from experiments.core.declaration import Budget, Confirmation, Experiment, Racing
from experiments.core.resources import Resources
from experiments.core.schedulers import (
    Asha,
    Hyperband,
    Median,
    NoScheduler,
    PopulationBandit,
    PopulationBased,
)

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
    "main",
]
