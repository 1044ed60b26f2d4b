from .algorithm import FastPPO
from .configure import use_fast_path
from .divergence import DivergenceError
from .env_runner import FastEnvRunner
from .inference import greedy_policy, module_policy
from .learner import FastPPOLearner
from .metrics import aggregate, read_metrics

__all__ = [
    "DivergenceError",
    "FastEnvRunner",
    "FastPPO",
    "FastPPOLearner",
    "aggregate",
    "greedy_policy",
    "module_policy",
    "read_metrics",
    "use_fast_path",
]
