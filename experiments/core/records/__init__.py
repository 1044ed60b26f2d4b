"""The writer of a sweep folder: run logs, saved states, checkpoints, TensorBoard events and the lock.

Imported by all rooms above it. Names and formats belong to :mod:`analysis.sweep`, which reads what is written
here. Imports neither Ray nor torch until a state or an event file is written.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
