"""Training of one run: Tune trainable, training loop, replicas, hyperparameters and their schedule.

Imported by planning and all above; what a worker process imports.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
