from . import tables
from .best_yaml import RLLIB_SETTINGS
from .write import Report, write_report

__all__ = ["RLLIB_SETTINGS", "Report", "tables", "write_report"]
