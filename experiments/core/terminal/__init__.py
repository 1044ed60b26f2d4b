"""Terminal output: the plan, the progress of a sweep, and its summary.

Imported by commands alone; the rooms below print nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
