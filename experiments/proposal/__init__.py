"""Proposal of an experiment for an environment of which nothing is known: settings, budget, file.

Behind `python -m experiments new`; rests on :mod:`experiments.core`, whose checks measure what it needs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
