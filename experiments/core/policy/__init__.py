"""Trained policy outside Ray: loaded from a sweep folder, asked for actions, recorded, served.

Imported by commands and by users; needs neither Ray nor torch where NumPy can compute the network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
