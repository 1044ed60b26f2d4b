"""Experiments: each module declares one sweep, `python -m experiments.<module>` runs it.

`python -m experiments` lists them.
"""

from experiments.core.cli import main
from experiments.core.declaration import Budget, Confirmation, Experiment, Racing
from experiments.core.resources import Resources

__all__ = ["Budget", "Confirmation", "Experiment", "Racing", "Resources", "main"]
