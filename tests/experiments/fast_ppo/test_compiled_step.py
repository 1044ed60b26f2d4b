"""Compiled gradient steps: the same numbers, one compilation a layout, and training goes on without them."""

import json
import os
import shutil
import subprocess
import sys

import pytest

TRAINED = """
import json, logging, pickle, sys
import ray, torch
from ray.rllib.algorithms.ppo import PPOConfig
from experiments.core.fast_ppo import use_fast_path

logging.basicConfig(level=logging.WARNING, format="%(message)s")
torch.set_num_threads(1)
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

def build(env, minibatch, compiled):
    config = use_fast_path(
        PPOConfig()
        .environment(env)
        .training(train_batch_size_per_learner=128, minibatch_size=minibatch, num_epochs=3, lr=1e-3)
        .debugging(seed=1, log_level="ERROR"),
        compiled=compiled,
    )
    config.rl_module(model_config={"fcnet_hiddens": [16, 16], "vf_share_layers": False})
    return config.build_algo()

def trained(algorithm, iterations):
    for _ in range(iterations):
        algorithm.train()
    return algorithm.learner.flat.values.tolist()

def weights(env, minibatch, compiled):
    algorithm = build(env, minibatch, compiled)
    values = trained(algorithm, 2)
    algorithm.stop()
    return values

def straight_and_resumed(env, minibatch):
    straight, resumed = build(env, minibatch, True), build(env, minibatch, True)
    trained(straight, 2)
    resumed.set_state(pickle.loads(pickle.dumps(straight.get_state())))
    values = [trained(algorithm, 2) for algorithm in (straight, resumed)]
    straight.stop()
    resumed.stop()
    return values

cases = json.loads(sys.argv[1])
result = [[weights(env, minibatch, compiled) for compiled in (True, False)] for env, minibatch in cases]
lean = not {"torch._dynamo", "torch._inductor"} & set(sys.modules)
print(json.dumps({"weights": result, "lean": lean, "resumed": straight_and_resumed(*cases[0])}))
ray.shutdown()
"""


def train(cases, cache, **env):
    done = subprocess.run(
        [sys.executable, "-c", TRAINED, json.dumps(cases)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache), **env},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_a_compiled_run_trains_like_one_that_is_not_and_compiles_once_for_all_minibatch_sizes(tmp_path):
    cases = [("CartPole-v1", 32), ("CartPole-v1", 64), ("Pendulum-v1", 32)]
    result, _ = train(cases, tmp_path)
    for compiled, plain in result["weights"]:
        assert compiled == pytest.approx(plain, rel=1e-3, abs=1e-4)
        assert compiled != plain, "they round differently, so the compiled step was taken"
    assert len(list(tmp_path.glob("ppo_sweeps/*.pt2"))) == 2, "one for each environment"
    assert result["lean"], "the compiler worked in a process of its own"
    straight, resumed = result["resumed"]
    assert straight == resumed, "a run that goes on from its state is the same run, bit for bit"


@pytest.mark.slow
def test_where_the_compiler_fails_training_goes_on_without_it_and_does_not_try_again(tmp_path):
    result, said = train([("CartPole-v1", 32), ("CartPole-v1", 64)], tmp_path, CXX="false")
    for compiled, plain in result["weights"]:
        assert compiled == plain
    assert said.count("gradient steps are not compiled") == 4, "each of the four runs says so once"
    assert len(list(tmp_path.glob("ppo_sweeps/*.error"))) == 1
    assert not list(tmp_path.glob("ppo_sweeps/*.pt2"))
