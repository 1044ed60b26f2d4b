"""Private names of Ray that the suite depends on, each behind a function or a class with a public name.

Imported by all rooms that touch Ray; no other module names anything private of it. Each name is here because
Ray has no public way to the same thing, and each has a test that fails when a release drops or changes it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
