"""Commands that a user starts: sweep, retrain, replay, and the line from arguments to an exit code.

Imported by the experiments' own `main` and by `python -m experiments`; stands above every other room.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
