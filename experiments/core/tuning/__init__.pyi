from .callbacks import EnforceCheckpointBudget, Interruption, Recorder
from .listed_search import METRIC, ListedSearch
from .perturbation import changeable, numbers
from .phases import confirmation_runs, train, train_all
from .ray_cluster import check_cluster, connected, has_died, quiet_libraries, quieten

__all__ = [
    "METRIC",
    "EnforceCheckpointBudget",
    "Interruption",
    "ListedSearch",
    "Recorder",
    "changeable",
    "check_cluster",
    "confirmation_runs",
    "connected",
    "has_died",
    "numbers",
    "quiet_libraries",
    "quieten",
    "train",
    "train_all",
]
