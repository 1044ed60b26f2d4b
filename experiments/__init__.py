"""Sweeps of PPO: what an experiment is declared with, and the functions that run it.

Each `*_sweep` module declares one experiment, `python -m experiments.<module>` runs it, and
`python -m experiments` lists them. The same from Python:

    from experiments import load_policy, run
    from experiments.trading_sweep import EXPERIMENT

    result = run(EXPERIMENT, trials=20)
    print(result.verdict.sentence)
    policy = load_policy(result.folder)
"""

import lazy_loader

from experiments.core.commands import uncaught

uncaught.install()
uncaught.refuse_hidden_packages()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
