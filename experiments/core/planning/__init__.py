"""One sweep, fully decided: options, plan, manifest, warm start, and what of it remains to be run.

Imported by tuning and all above. Nothing here trains.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
