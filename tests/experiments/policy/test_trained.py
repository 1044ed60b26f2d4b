"""A trained policy can be used in a program of one's own, in the environment's own spaces, and served."""

import io
import json
import shutil
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

from analysis.sweep.layout import POLICY_FILE, RunName, replica_folder
from experiments.core.commands import run_replay
from experiments.core.environments.make import make_plain_vector, make_vector
from experiments.core.errors import UserError
from experiments.core.fast_ppo.inference import module_policy
from experiments.core.policy.numpy_policy import export_policy
from experiments.core.policy.serving import serve
from experiments.core.policy.trained import batch_length, load_policy

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def folder(recalled):
    """A finished sweep on nested observations and actions."""
    return recalled / "recall_sweep" / "x"


def test_a_policy_takes_and_gives_the_environments_own_values(folder):
    policy = load_policy(folder)
    env = make_plain_vector(policy.env, policy.env_parameters, 8)
    observations, _ = env.reset(seed=3)
    actions = policy.compute_actions(observations)
    env.step(actions)
    assert batch_length(policy.observation_space, observations) == 8
    single = gym.make(policy.env, **policy.env_parameters)
    observation, _ = single.reset(seed=3)
    action = policy.compute_action(observation)
    assert single.action_space.contains(action)
    assert policy.action_space == single.action_space


def test_a_policy_alone_and_in_a_batch_decides_alike(folder):
    policy = load_policy(folder)
    env = make_vector(policy.env, policy.env_parameters, 4)
    observations, _ = env.reset(seed=0)
    together = policy.act(observations)
    alone = [policy.act(observations[[lane]]) for lane in range(4)]
    for lane in range(4):
        for joint, own in zip(_leaves(together), _leaves(alone[lane]), strict=True):
            np.testing.assert_allclose(joint[lane], own[0], atol=1e-5)


def test_single_observations_by_name_get_actions_by_name(folder):
    policy = load_policy(folder)
    single = gym.make(policy.env, **policy.env_parameters)
    observations = {name: single.reset(seed=seed)[0] for seed, name in enumerate(("first", "second", 3))}
    actions = policy.compute_actions(observations)
    assert list(actions) == ["first", "second", 3]
    for name, action in actions.items():
        expected = policy.compute_action(observations[name])
        for by_name, own in zip(_leaves(action), _leaves(expected), strict=True):
            np.testing.assert_allclose(by_name, own, atol=1e-5)
    assert policy.compute_actions({}) == {}


def test_a_served_policy_answers_each_observation_with_an_action(folder):
    policy = load_policy(folder)
    single = gym.make(policy.env, **policy.env_parameters)
    observation, _ = single.reset(seed=1)
    question = json.dumps({"observation": single.observation_space.to_jsonable([observation])})
    answers = io.StringIO()
    serve(str(folder), io.StringIO(f"{question}\n{question}\n"), answers)
    greeting, first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    assert greeting == {"env": policy.env, "parameters": dict(policy.env_parameters)}
    assert first == second
    assert single.action_space.contains(single.action_space.from_jsonable(first["action"])[0])


def test_loading_playing_and_serving_import_neither_torch_nor_ray(folder, run_python):
    code = (
        "import io, sys\n"
        "from experiments.core.policy import load_policy, serve\n"
        "from experiments.core.commands import run_replay\n"
        f"policy = load_policy({str(folder)!r})\n"
        "policy.compute_action(policy.observation_space.sample())\n"
        f"assert run_replay([{str(folder)!r}, '--episodes', '2']) == 0\n"
        "answers = io.StringIO()\n"
        f"serve({str(folder)!r}, io.StringIO(''), answers)\n"
        "assert 'error' not in answers.getvalue(), answers.getvalue()\n"
        "heavy = {'ray', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


def with_a_network_of(folder, target, **settings):
    """A copy of a sweep in which every run has another network, and that network."""
    shutil.copytree(folder, target)
    policy = load_policy(folder)
    env = make_vector(policy.env, policy.env_parameters, 1)
    pair = (env.single_observation_space, env.single_action_space)
    config = PPOConfig().rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[8], **settings))
    module = config.get_rl_module_spec(spaces={"__env_single__": pair, "default_policy": pair}).build()
    for checkpoint in target.glob("*/*/checkpoint_*"):
        as_an_earlier_release_left_it(checkpoint)
        old = checkpoint / "learner_group" / "learner" / "rl_module" / "default_policy"
        shutil.rmtree(old)
        module.save_to_path(old.as_posix())
    return module, pair


def as_an_earlier_release_left_it(checkpoint):
    (checkpoint / POLICY_FILE).unlink()


def test_what_an_earlier_release_left_is_read_with_trust_alone_and_is_the_same_policy(
    folder, tmp_path, capsys
):
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    for checkpoint in old.glob("*/*/checkpoint_*"):
        as_an_earlier_release_left_it(checkpoint)
    with pytest.raises(UserError, match=rf"has no {POLICY_FILE}: .*say --trust, or trust=True") as caught:
        load_policy(old)
    assert "\n" not in str(caught.value)
    assert run_replay([str(old), "--episodes", "2"]) == 2
    assert capsys.readouterr().err == f"error: {caught.value}\n"
    answers = io.StringIO()
    serve(str(old), io.StringIO(""), answers)
    assert json.loads(answers.getvalue()) == {"error": str(caught.value)}
    assert run_replay([str(old), "--episodes", "2", "--trust"]) == 0
    exported, pickled = load_policy(folder), load_policy(old, trust=True)
    env = make_vector(exported.env, exported.env_parameters, 16)
    observations, _ = env.reset(seed=0)
    for action, other in zip(
        _leaves(exported.act(observations)), _leaves(pickled.act(observations)), strict=True
    ):
        np.testing.assert_allclose(action, other, atol=1e-5)


def test_a_network_that_numpy_does_not_know_is_computed_by_torch(folder, tmp_path):
    module, spaces = with_a_network_of(folder, tmp_path / "normalised", fcnet_use_layernorm=True)
    policy = load_policy(tmp_path / "normalised", trust=True)
    observations = spaces[0].sample()[None]
    expected = module_policy(module, *spaces)(observations)
    for action, other in zip(_leaves(policy.act(observations)), _leaves(expected), strict=True):
        np.testing.assert_array_equal(action, other)


def test_a_recurrent_network_which_nobody_can_ask_without_its_state_is_one_line(folder, tmp_path):
    with_a_network_of(folder, tmp_path / "recurrent", use_lstm=True)
    with pytest.raises(UserError, match=r"no policy can be read from it") as caught:
        load_policy(tmp_path / "recurrent", trust=True)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_sweep_is_one_line(tmp_path):
    with pytest.raises(UserError) as caught:
        load_policy(tmp_path)
    assert "\n" not in str(caught.value)
    answers = io.StringIO()
    serve(str(tmp_path), io.StringIO(""), answers)
    assert "error" in json.loads(answers.getvalue())


def with_nothing_but_text(checkpoint):
    (checkpoint / POLICY_FILE).write_text("no numbers")


def with_half_its_network(checkpoint):
    path = checkpoint / POLICY_FILE
    path.write_bytes(path.read_bytes()[:-200])


def with_a_folder_for_its_network(checkpoint):
    (checkpoint / POLICY_FILE).unlink()
    (checkpoint / POLICY_FILE).mkdir()


def with_a_network_of_code_that_is_gone(checkpoint):
    as_an_earlier_release_left_it(checkpoint)
    for path in (checkpoint / "learner_group").rglob("class_and_ctor_args*"):
        path.write_bytes(b"cexperiments.core.no_such_module\nModule\n.")


def with_a_network_for_other_observations(checkpoint):
    env = gym.make("CartPole-v1")
    config = PPOConfig().environment("CartPole-v1").rl_module(model_config=DefaultModelConfig())
    spec = config.get_rl_module_spec(env)
    assert export_policy(checkpoint, spec.build(), env.observation_space, env.action_space)


@pytest.mark.parametrize(
    "spoil",
    [
        with_nothing_but_text,
        with_a_folder_for_its_network,
        with_half_its_network,
        with_a_network_of_code_that_is_gone,
        with_a_network_for_other_observations,
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_one_line_and_says_what_to_do(folder, tmp_path, spoil, capsys):
    spoilt = tmp_path / "spoilt"
    shutil.copytree(folder, spoilt)
    for checkpoint in spoilt.glob("*/*/checkpoint_*"):
        spoil(checkpoint)
    with pytest.raises(
        UserError, match=r"no policy can be read from it.*which trains what is missing"
    ) as caught:
        load_policy(spoilt, trust=True)
    assert "\n" not in str(caught.value)
    assert run_replay([str(spoilt), "--episodes", "2", "--trust"]) == 2
    assert capsys.readouterr().err == f"error: {caught.value}\n"


def _leaves(batch):
    if isinstance(batch, dict):
        return [leaf for name in sorted(batch) for leaf in _leaves(batch[name])]
    if isinstance(batch, tuple):
        return [leaf for part in batch for leaf in _leaves(part)]
    return [batch]


def test_before_the_confirmation_the_best_trial_that_kept_its_checkpoint_is_taken(folder, tmp_path, capsys):
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut, ignore=shutil.ignore_patterns("confirm"))
    (kept,) = {path.parent.name for path in (cut / "search").glob("*/checkpoint_*")}
    assert load_policy(cut).run == kept
    assert run_replay([str(cut), "--episodes", "1"]) == 0
    printed = capsys.readouterr().out
    assert ", 1 episode from seed 0\n" in printed
    assert "; not confirmed yet)" in printed
    assert "confirmation run" not in printed


def another_run(run, name, objective, *, state):
    """A copy of a run that ended elsewhere; without a state one that a kill cut off before its checkpoint."""
    copy = run.with_name(name)
    shutil.copytree(run, copy)
    params = json.loads((copy / "params.json").read_text())
    identity = RunName.parse(name)
    named = {"config_id": identity.config_id, "test_seed": identity.test_seed}
    (copy / "params.json").write_text(json.dumps(params | named))
    result = copy / "result.json"
    lines = [json.loads(line) for line in result.read_text().splitlines()]
    lines[-1] |= {"objective": objective}
    result.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (copy / "state.json").write_text(json.dumps({"state": state, "cause": None}))
    if state is None:
        (copy / "state.json").unlink()
        for checkpoint in copy.glob("checkpoint_*"):
            shutil.rmtree(checkpoint)


def test_a_confirmation_that_is_cut_off_gives_the_best_run_that_has_ended(folder, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    best = load_policy(cut).run
    another_run(cut / "confirm" / best, f"{best[:-1]}1", 9.0, state=None)
    another_run(cut / "confirm" / best, f"{best[:-1]}2", 8.0, state="diverged")
    assert load_policy(cut).run == best
    another_run(cut / "confirm" / best, f"{best[:-1]}3", 7.0, state="completed")
    assert load_policy(cut).run == f"{best[:-1]}3"
    assert run_replay([str(cut), "--episodes", "2"]) == 0


def test_a_diverged_trial_is_nobodys_best_policy_even_where_all_others_are_below_the_floor(folder, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut, ignore=shutil.ignore_patterns("confirm"))
    (checkpoint,) = (cut / "search").glob("*/checkpoint_*")
    another_run(checkpoint.parent, "trial_0007", -0.3, state="pruned")
    another_run(checkpoint.parent, "trial_0008", -0.4, state="completed")
    another_run(checkpoint.parent, "trial_0009", -0.5, state="diverged")
    for run in (cut / "search").glob("trial_000[01]"):
        shutil.rmtree(run)
    assert load_policy(cut).run == "trial_0007"


def test_a_sweep_none_of_whose_runs_can_be_used_says_so_in_one_line(folder, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    chosen = load_policy(cut).run.rpartition("_seed")[0]
    for checkpoint in cut.glob("*/*/checkpoint_*"):
        shutil.rmtree(checkpoint)
    with pytest.raises(UserError, match=rf"no confirmation run of {chosen} .* \(1 completed\)") as caught:
        load_policy(cut)
    assert "\n" not in str(caught.value)
    shutil.rmtree(cut / "confirm")
    with pytest.raises(UserError, match="no run of the search is completed and has a checkpoint"):
        load_policy(cut)


def test_of_a_trial_on_several_seeds_the_best_seeds_policy_is_taken(folder, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut, ignore=shutil.ignore_patterns("confirm"))
    (checkpoint,) = (cut / "search").glob("*/checkpoint_*")
    network = checkpoint.with_name("network")
    checkpoint.rename(network)
    checkpoint.mkdir()
    network.rename(replica_folder(checkpoint, 1))
    replica_folder(checkpoint, 0).mkdir()
    result = checkpoint.parent / "result.json"
    lines = [json.loads(line) for line in result.read_text().splitlines()]
    lines[-1] |= {"seeds/score_0": 0.1, "seeds/score_1": 0.2}
    result.write_text("".join(json.dumps(line) + "\n" for line in lines))
    observation = load_policy(cut).observation_space.sample()
    assert load_policy(cut).action_space.contains(load_policy(cut).compute_action(observation))
