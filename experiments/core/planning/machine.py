"""The cores of this machine."""

from __future__ import annotations


def cores_here() -> int:
    """Cores of this machine, or of the container around the process, as a Ray on it counts them."""
    from ray._private.utils import get_num_cpus

    return int(get_num_cpus())
