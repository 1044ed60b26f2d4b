"""Population based training: synchronous PBT and PB2, perturbation, and the members' lineage.

Imported by :mod:`experiments.core.tuning` and the preflight check.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
