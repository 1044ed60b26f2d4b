"""PPO inside RLlib at the speed of the bare network.

`use_fast_path` replaces RLlib's environment runner and learner in a `PPOConfig`; everything else (module,
optimiser state, schedules, checkpoints, results) stays RLlib's. It is the same algorithm: the tests compare
every loss term, gradient and update with RLlib's own learner. Imported by policy (never at import time),
training and preflight.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
