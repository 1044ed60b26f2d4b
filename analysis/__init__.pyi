from .comparison import CannotCompareError, ExperimentsCompared, SweepsCompared, compare, write_comparison
from .report import Report, write_report
from .sweep import NotASweepError, Sweep, load_sweep
from .verdict import Comparison, Verdict, verdict_on

__all__ = [
    "CannotCompareError",
    "Comparison",
    "ExperimentsCompared",
    "NotASweepError",
    "Report",
    "Sweep",
    "SweepsCompared",
    "Verdict",
    "compare",
    "load_sweep",
    "verdict_on",
    "write_comparison",
    "write_report",
]
