"""Decorator for functions of arrays that Numba compiles, once for a user's machine.

A function compiles when it is first called, for all layouts, batches and coefficients at once: they are its
arguments. What is compiled is kept on disk and shared by all processes. Numba keys it by the processor, its
own version and the text of the function's module, but not by the functions that it calls; so the folder is
named after the text of all modules here.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

try:
    import numba
except Exception as error:  # a NumPy or a Python that it does not know says so in its own way
    numba = None
    logger.warning("networks are trained by torch alone, several times slower: no Numba (%s)", error)

AVAILABLE = numba is not None
"""Whether native functions are compiled here. Otherwise they are plain Python: right, and slow."""

_LIBERTIES = {"afn", "arcp", "contract", "nsz", "reassoc"}
"""What the compiler may do to arithmetic: sums in any order, but NaN and infinity stay what they are."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def native(function: _Function) -> _Function:
    """Compiles a function, which then runs without Python's lock."""
    if numba is None:
        return function
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = before or _folder()
    compiles = partial(numba.njit, nogil=True, fastmath=_LIBERTIES, error_model="numpy")
    try:
        compiled: _Function = compiles(cache=True)(function)
    except RuntimeError:  # there is no folder that can be written: each process compiles for itself
        compiled = compiles(cache=False)(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled


@cache
def _folder() -> str:
    """Where compiled functions are kept."""
    texts = (path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "ppo-sweeps", hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]).as_posix()
