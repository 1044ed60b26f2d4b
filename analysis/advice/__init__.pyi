from .diagnosis import Finding, diagnose
from .importance import importances, surely_important

__all__ = ["Finding", "diagnose", "importances", "surely_important"]
