from .checks import Checked, look, preflight
from .cost_model import CostEstimate
from .deadline import Deadline
from .estimate import Costs, estimate_of
from .folder import check_folder, check_records, check_warm_start
from .play import Play

__all__ = [
    "Checked",
    "CostEstimate",
    "Costs",
    "Deadline",
    "Play",
    "check_folder",
    "check_records",
    "check_warm_start",
    "estimate_of",
    "look",
    "preflight",
]
