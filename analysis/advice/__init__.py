"""Advice around a verdict: problem runs, the importance of hyperparameters, the chance that more trials help.

Imported by :mod:`analysis.report`; rests on :mod:`analysis.verdict` and :mod:`analysis.sweep`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
