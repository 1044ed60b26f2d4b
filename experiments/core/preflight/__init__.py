"""Preflight check of a sweep: whether it could run, and what it would cost.

Imported by commands and terminal; makes environments and trainers of every kind that the sweep will need.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
