"""Experiments: each module declares one sweep, `python -m experiments.<module>` runs it.

`python -m experiments` lists them.
"""

from experiments.core.commands import main
from experiments.core.declaration import (
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
