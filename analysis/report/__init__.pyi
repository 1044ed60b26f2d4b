from . import offline, tables
from .assessment import Report, kept_report
from .tables import write_frames
from .write import write_report

__all__ = ["Report", "kept_report", "offline", "tables", "write_frames", "write_report"]
