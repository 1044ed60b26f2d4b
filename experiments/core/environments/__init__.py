"""Environment of an experiment: looked up, made as lanes, evaluated, put on a scale, fitted to a network.

Imported by fast_ppo, policy, training and all above; knows :mod:`envs` and neither Ray nor torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
