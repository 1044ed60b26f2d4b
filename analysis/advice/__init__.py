"""Advice around a verdict: problem runs, importance of hyperparameters, and the gain from more trials.

Imported by :mod:`analysis.report`; rests on :mod:`analysis.verdict` and :mod:`analysis.sweep`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
