from .checks import Checked, preflight
from .cost_model import CostEstimate
from .folder import check_folder, check_records, check_warm_start

__all__ = ["Checked", "CostEstimate", "check_folder", "check_records", "check_warm_start", "preflight"]
