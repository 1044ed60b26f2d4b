from .algorithm import FastPPO
from .configure import use_fast_path
from .divergence import DivergenceError
from .env_runner import FastEnvRunner
from .inference import greedy_policy, module_policy
from .learner import FastPPOLearner
from .metrics import read_metrics, together

__all__ = [
    "DivergenceError",
    "FastEnvRunner",
    "FastPPO",
    "FastPPOLearner",
    "greedy_policy",
    "module_policy",
    "read_metrics",
    "together",
    "use_fast_path",
]
