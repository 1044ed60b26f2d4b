from .checks import Checked, preflight
from .cost_model import Estimate

__all__ = ["Checked", "Estimate", "preflight"]
