"""Figures of a report: one module a family of figures, and the theme that they share.

Drawing only: everything is computed before. Imported by :mod:`analysis.report` and
:mod:`analysis.comparison`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
