"""Every private name of torch that the suite depends on is there, and does what it is used for."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

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


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (torch._C, "_set_deterministic_algorithms"),
        (torch.optim.Optimizer.add_param_group, "__wrapped__"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_torch_still_has(owner, name):
    assert hasattr(owner, name)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("torch._compile", 'getattr(fn, "__dynamo_disable", None)'),
    ],
)
def test_torchs_compiler_still_has(module, text):
    # Imported, it would stay in the memory of the other tests.
    assert text in Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")


def test_a_trial_never_imports_torchs_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["lean", "2"]
