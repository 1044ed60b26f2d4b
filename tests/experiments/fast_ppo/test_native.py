"""Native functions compile once for a user, and training goes on without them where Numba cannot be used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.core.fast_ppo.layers import ELU, LINEAR, RELU, SILU, TANH, forward

TRAINED = """
import json, logging, sys
logging.basicConfig(format="%(message)s", stream=sys.stdout)
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from experiments.core.fast_ppo import use_fast_path
from experiments.core.fast_ppo.update import update

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
config = use_fast_path(
    PPOConfig()
    .environment("CartPole-v1")
    .training(train_batch_size_per_learner=64, minibatch_size=32, num_epochs=2)
    .debugging(seed=1, log_level="ERROR")
)
algorithm = config.build_algo()
for _ in range(2):
    result = algorithm.train()["learners"]["default_policy"]
stats = getattr(update, "stats", None)
print(json.dumps({
    "losses": [float(result[name]) for name in ("policy_loss", "vf_loss", "entropy", "gradient_norm")],
    "network": type(algorithm.learner.network).__name__,
    "loaded": stats and sum(stats.cache_hits.values()),
    "compiled": stats and sum(stats.cache_misses.values()),
}))
algorithm.stop()
ray.shutdown()
"""


def train(*, folder, before=""):
    done = subprocess.run(
        [sys.executable, "-c", before + TRAINED],
        capture_output=True, text=True, check=False, env={**os.environ, "XDG_CACHE_HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *said, result = done.stdout.splitlines()
    return said, json.loads(result)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return folder, train(folder=folder)[1]


@pytest.mark.slow
def test_a_second_process_loads_what_the_first_one_compiled_and_gets_the_same_bits(first):
    folder, compiled = first
    _, loaded = train(folder=folder)
    assert (compiled["loaded"], compiled["compiled"]) == (0, 1)
    assert (loaded["loaded"], loaded["compiled"]) == (1, 0)
    assert loaded["losses"] == compiled["losses"]
    assert len(list(Path(folder, "ppo-sweeps").iterdir())) == 1


@pytest.mark.slow
def test_without_numba_one_line_says_so_and_torch_trains_the_same_network(first, tmp_path):
    said, alone = train(folder=tmp_path, before="import sys; sys.modules['numba'] = None\n")
    lines = [line for line in said if "Numba" in line]
    assert len(lines) == 1
    assert lines[0].startswith("networks are trained by torch alone, several times slower: no Numba (")
    assert alone["network"] == "TorchNetwork"
    # Not the same run: the first action that rounding decides otherwise is followed by other episodes.
    assert alone["losses"] == pytest.approx(first[1]["losses"], rel=1e-2)


def test_a_cache_folder_that_cannot_be_written_is_done_without(run_python, tmp_path):
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    program = tmp_path / "program.py"
    program.write_text(
        "from experiments.core.fast_ppo.native import native\n"
        "@native\n"
        "def doubled(x):\n"
        "    return 2 * x\n"
        "print(doubled(3), type(doubled).__module__.partition('.')[0])\n"
    )
    done = run_python(
        program, env={"XDG_CACHE_HOME": str(not_a_folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert (done.stdout, done.stderr) == ("6 numba\n", "")


@pytest.mark.parametrize("activation", [LINEAR, TANH, RELU, SILU, ELU])
def test_activations_and_their_slopes_are_exact_to_float_precision(activation):
    z = np.concatenate([np.linspace(-30, 30, 4001), [0.0, 1e-7, -1e-7]]).astype(np.float32)[:, None]
    layer = np.array([[-1, 1, 1, 0, 1, activation, 0]])
    y, slope = np.empty(len(z), np.float32), np.empty(len(z), np.float32)
    forward(z, 0, 1, np.array([1.0, 0.0], np.float32), layer, y, slope)
    x = z[:, 0].astype(np.float64)
    sigmoid = 1 / (1 + np.exp(-x))
    value, derivative = {
        LINEAR: (x, np.ones_like(x)),
        TANH: (np.tanh(x), 1 - np.tanh(x) ** 2),
        RELU: (np.maximum(x, 0), (x > 0) * 1.0),
        SILU: (x * sigmoid, sigmoid * (1 + x * (1 - sigmoid))),
        ELU: (np.where(x > 0, x, np.expm1(x)), np.where(x > 0, 1.0, np.exp(x))),
    }[activation]
    np.testing.assert_allclose(y, value, rtol=1e-6, atol=5e-6)
    np.testing.assert_allclose(slope, derivative, rtol=1e-6, atol=5e-6)


@pytest.mark.parametrize("activation", [LINEAR, TANH, RELU, SILU, ELU])
def test_no_activation_makes_a_finite_number_of_what_is_none(activation):
    y, slope = np.empty(1, np.float32), np.empty(1, np.float32)
    layer = np.array([[-1, 1, 1, 0, 1, activation, 0]])
    forward(np.full((1, 1), np.nan, np.float32), 0, 1, np.array([1.0, 0.0], np.float32), layer, y, slope)
    assert np.isnan(y[0])
