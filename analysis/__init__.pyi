from .report import Report, write_report
from .sweep import NotASweepError, Sweep, load_sweep
from .verdict import Comparison, Verdict, compare, verdict_on

__all__ = [
    "Comparison",
    "NotASweepError",
    "Report",
    "Sweep",
    "Verdict",
    "compare",
    "load_sweep",
    "verdict_on",
    "write_report",
]
