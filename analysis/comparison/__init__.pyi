from .contestants import CannotCompareError
from .decision import compare
from .experiments import ExperimentsCompared
from .versions import SweepsCompared
from .write import write_comparison

__all__ = ["CannotCompareError", "ExperimentsCompared", "SweepsCompared", "compare", "write_comparison"]
