from .callbacks import EnforceCheckpointBudget, Recorder
from .listed_search import METRIC, ListedSearch
from .perturbation import changeable, numbers
from .phases import Interruption, confirm, confirmation_runs, search, train_all
from .ray_cluster import check_cluster, connected, has_died, quiet_libraries, quieten

__all__ = [
    "METRIC",
    "EnforceCheckpointBudget",
    "Interruption",
    "ListedSearch",
    "Recorder",
    "changeable",
    "check_cluster",
    "confirm",
    "confirmation_runs",
    "connected",
    "has_died",
    "numbers",
    "quiet_libraries",
    "quieten",
    "search",
    "train_all",
]
