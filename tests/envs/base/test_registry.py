"""One call makes an environment known everywhere, and a name that is unknown meets its nearest neighbour."""

import subprocess
import sys

import gymnasium as gym
import pytest

import envs


def test_ids_are_sorted_unique_and_known_to_gymnasium():
    ids = envs.ids()
    assert list(ids) == sorted(set(ids))
    assert all(gym.spec(env_id).id == env_id for env_id in ids)


@pytest.mark.parametrize("env_id", envs.ids())
def test_an_id_makes_the_environments_that_its_entry_names(env_id):
    found = envs.entry(env_id)
    single = gym.make(env_id, disable_env_checker=True).unwrapped
    batched = gym.make_vec(env_id, num_envs=2)
    assert isinstance(single, envs.SingleEnv)
    assert isinstance(batched, envs.BatchedEnv)
    assert type(single.dynamics) is type(batched.dynamics) is found.dynamics
    assert single.dynamics.parameters == batched.dynamics.parameters == found.parameters()
    assert batched.num_envs == 2


def test_a_preset_can_be_overridden_and_the_rest_of_it_stays():
    parameters = envs.entry("sweeps/TradingMeanReverting-v0").parameters(fee_rate=0.01)
    assert parameters.fee_rate == 0.01
    assert parameters.mean_reversion == 0.05


def test_an_unknown_id_is_answered_with_the_nearest_and_with_all():
    with pytest.raises(
        ValueError, match=r"unknown environment 'sweeps/Tradin-v0'; did you mean 'sweeps/Trading-v0'"
    ):
        envs.entry("sweeps/Tradin-v0")


def test_an_invalid_preset_is_refused_and_not_registered():
    with pytest.raises(ValueError, match="fee_rate=2"):
        envs.register("sweeps/Usury-v0", envs.entry("sweeps/Trading-v0").dynamics, fee_rate=2)
    assert "sweeps/Usury-v0" not in envs.ids()
    assert "sweeps/Usury-v0" not in gym.registry


def test_importing_the_package_imports_nothing_heavy():
    heavy = (
        "ray",
        "torch",
        "scipy",
        "pandas",
        "pyarrow",
        "optuna",
        "pygame",
        "search_spaces",
        "analysis",
        "experiments",
    )
    code = f"import sys, envs; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
