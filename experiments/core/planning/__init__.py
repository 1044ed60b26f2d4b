"""Plan of a sweep, fully decided: options, plan, manifest, warm start, and the runs that remain.

Imported by tuning and all above. Nothing here trains.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
