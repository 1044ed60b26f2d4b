"""Verdict on a confirmed sweep: sequential tests, the race, intervals, the decision and its sentence.

Imported by advice, report and the driver of the confirmation, which asks the race for the runs that are
missing; rests on :mod:`analysis.sweep` and :mod:`analysis.statistics`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
