from . import tables
from .tables import write_frames
from .write import Report, write_report

__all__ = ["Report", "tables", "write_frames", "write_report"]
