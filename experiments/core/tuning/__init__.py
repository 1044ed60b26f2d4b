"""Search and confirmation on Ray Tune: phases, searchers, samplers, schedulers, populations and the cluster.

Imported by commands, terminal and preflight. Everything that speaks to Tune's scheduling is here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
