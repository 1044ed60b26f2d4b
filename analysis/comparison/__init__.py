"""Comparison of sweeps: of one experiment by their winners, of several experiments on the common score.

Imported by `python -m analysis`; rests on the verdict of each sweep, and makes its page of the report's
parts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
