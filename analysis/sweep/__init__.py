"""A sweep folder: its file names, run names and record formats, the one atomic write and the only reader.

Imported by every other room of analysis, and by experiments, which writes what is read here. Imports neither
of them, and without reading a folder none of pandas.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
