"""Declaration of an experiment: budget, confirmation, scheduler, resources and seeds, as frozen values.

Imported by every other room and by the experiments themselves; imports none.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
