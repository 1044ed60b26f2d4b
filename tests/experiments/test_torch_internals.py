"""A trial trains, saves and restores without torch's compiler in memory, and torch is left as it was."""

import subprocess
import sys

TRAINED = """
import sys, tempfile
import ray, torch
from ray.rllib.algorithms.ppo import PPOConfig
from experiments.core.fast_ppo import use_fast_path

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
wanted = torch.use_deterministic_algorithms
config = use_fast_path(
    PPOConfig()
    .environment("CartPole-v1")
    .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=1)
    .debugging(seed=1, log_level="ERROR")
)
algorithm = config.build_algo()
assert torch.use_deterministic_algorithms is wanted
assert torch.are_deterministic_algorithms_enabled()
algorithm.train()
with tempfile.TemporaryDirectory() as folder:
    algorithm.restore_from_path(algorithm.save_to_path(folder))
algorithm.train()
algorithm.stop()
ray.shutdown()
print("compiler" if {"torch._dynamo", "torch._inductor"} & set(sys.modules) else "lean")
# It still works for whoever wants it.
optimiser = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
import torch._dynamo
optimiser.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})
print(len(optimiser.param_groups))
"""


def test_a_trial_never_imports_torchs_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["lean", "2"]
