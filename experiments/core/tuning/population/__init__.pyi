from .lineage import LineageWriter
from .pbt import KEPT_CHECKPOINTS, Members, population_scheduler
from .perturbation import changeable, members, numbers

__all__ = [
    "KEPT_CHECKPOINTS",
    "LineageWriter",
    "Members",
    "changeable",
    "members",
    "numbers",
    "population_scheduler",
]
