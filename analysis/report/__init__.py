"""Report of a sweep: page, figures, tables and best.yaml, drawn from what the lower rooms computed.

Imported by `python -m analysis`, by the command that ran the sweep, and by :mod:`analysis.comparison`, whose
page is made of the same parts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
