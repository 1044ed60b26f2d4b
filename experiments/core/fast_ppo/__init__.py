"""PPO inside RLlib at the speed of the bare network.

`use_fast_path` replaces RLlib's environment runner and learner in a `PPOConfig`; everything else (module,
optimiser state, schedules, checkpoints, results) stays RLlib's. It is the same algorithm: the tests compare
every loss term, gradient and update with RLlib's own learner.
"""

from experiments.core.fast_ppo.algorithm import FastPPO
from experiments.core.fast_ppo.configure import use_fast_path
from experiments.core.fast_ppo.divergence import DivergenceError
from experiments.core.fast_ppo.inference import greedy_policy
from experiments.core.fast_ppo.metrics import read_metrics, together

__all__ = ["DivergenceError", "FastPPO", "greedy_policy", "read_metrics", "together", "use_fast_path"]
