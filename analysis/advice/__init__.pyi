from .ablated import Ablated, ablate, ablation_of
from .diagnosis import Finding, diagnose
from .importance import importances, surely_important

__all__ = [
    "Ablated",
    "Finding",
    "ablate",
    "ablation_of",
    "diagnose",
    "importances",
    "surely_important",
]
