from .checks import Checked, preflight
from .cost_model import CostEstimate

__all__ = ["Checked", "CostEstimate", "preflight"]
