"""A trial that was cut off goes on with the very results it would have had."""

import hashlib
import json
from contextlib import closing
from dataclasses import replace

import pytest
from ray import cloudpickle
from ray.train._internal.storage import StorageContext

from analysis.sweep.layout import UNFINISHED_FILE
from analysis.sweep.runs import refusal_of, results_of
from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.make import make_vector
from experiments.core.environments.scale import EvaluationSetting, scale_of
from experiments.core.errors import UserError
from experiments.core.records import saved_state
from experiments.core.signing import signature_of, user_key
from experiments.core.training import trial as trial_module
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial

ENV = "sweeps/TradingMeanReverting-v0"
KEY = b"a key of this user's"
TASK = Task(
    env=ENV,
    env_parameters={},
    evaluation_settings={
        phase: EvaluationSetting(parameters={}, scale=scale_of(ENV, {}), most_steps=10_000) for phase in Phase
    },
    fixed={"epochs": 2, "num_minibatches": 4, "normalise_observations": True, "scale_rewards": True},
    lanes=4,
    steps=3072,
    evaluations=12,
    evaluation_episodes=8,
    seeds=Seeds(0),
    trainer="fast",
    key=KEY,
)
SHORT = replace(TASK, steps=1024, evaluations=2)
CLOCK = ("wall_s", "steps_per_s")


@pytest.fixture
def start(local_ray, tmp_path, monkeypatch):
    """Starts a trial in a folder, in this process; batches of 512 pass two evaluation points at once."""
    monkeypatch.setattr(trial_module, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(trial_module, "SAVE_SHARE", float("inf"))
    runs = []

    def make(folder, task=TASK, **more):
        storage = StorageContext(
            storage_path=str(tmp_path), experiment_dir_name="search", trial_dir_name=folder
        )
        config = {"batch_size": 512, "layout": "16-tanh", "seed": 3, "config_id": "trial_0000", **more}
        # Tune's own constructor wants a cluster for its log files; the storage and `setup` are what counts.
        run = PPOTrial.__new__(PPOTrial)
        run._storage = storage
        run.setup(config, task)
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.cleanup()


def train(run, evaluations=None):
    results = []
    while not (results and results[-1]["done"]) and len(results) != evaluations:
        results.append(run.step())
    return [{name: value for name, value in result.items() if name not in CLOCK} for result in results]


def test_a_trial_that_was_cut_off_goes_on_with_the_same_results(start, tmp_path):
    whole = train(start("whole"))
    assert [result["steps"] for result in whole] == [512, 1024, 1536, 2048, 2560, 3072]
    before = train(start("cut"), evaluations=3)
    resumed = start("cut")
    after = train(resumed)
    assert before + after == whole
    assert [result["steps"] for result in resumed._results] == [r["steps"] for r in whole]
    assert results_of(tmp_path / "search" / "cut")[-1]["steps"] == 2560


def test_so_does_one_that_trains_several_seeds(start):
    task = replace(TASK, seeds_per_trial=2, seed_penalty=0.5, steps=1536, evaluations=3)
    whole = train(start("whole", task))
    before = train(start("cut", task), evaluations=2)
    assert before + train(start("cut", task)) == whole
    assert whole[-1]["seeds/score_0"] != whole[-1]["seeds/score_1"]


@pytest.mark.parametrize("evaluations", [2, 3, 4])
def test_so_does_one_that_follows_a_schedule(start, evaluations):
    # The second entry comes into force in the third batch, with the network as it was and another batch size.
    schedule = [
        {"steps": 0, "configuration": {"batch_size": 512, "lr": 3e-4}},
        {"steps": 1024, "configuration": {"batch_size": 256, "lr": 1e-3}},
    ]
    run = {"schedule": schedule, "test_seed": 0, "config_id": "trial_0003"}
    whole = train(start("whole", **run))
    assert {result["configuration"]["lr"] for result in whole} == {3e-4, 1e-3}
    before = train(start("cut", **run), evaluations=evaluations)
    assert before + train(start("cut", **run)) == whole


def test_a_member_of_a_population_neither_saves_itself_nor_goes_on_by_itself(start, tmp_path):
    train(start("member"), evaluations=2)
    assert (tmp_path / "search" / "member" / UNFINISHED_FILE).exists()
    member = start("member", replace(TASK, goes_on=False))
    assert member.step()["steps"] == 512
    other = start("other", replace(TASK, goes_on=False))
    train(other)
    assert not (tmp_path / "search" / "other" / UNFINISHED_FILE).exists()


def test_tunes_own_checkpoints_carry_the_trials_counters_too(start, tmp_path):
    first = start("first")
    train(first, evaluations=2)
    first.save_checkpoint(str(tmp_path / "checkpoint"))
    expected = train(first)
    other = start("other")
    train(other, evaluations=4)
    other.load_checkpoint(str(tmp_path / "checkpoint"))
    assert train(other) == expected


def test_saving_takes_at_most_its_share_of_the_time(start, tmp_path, monkeypatch):
    monkeypatch.setattr(trial_module, "SAVE_EVERY_S", 3600.0)
    train(start("rarely"))
    assert not (tmp_path / "search" / "rarely" / UNFINISHED_FILE).exists()


def test_what_is_saved_is_read_back_and_a_half_written_file_is_not_seen(tmp_path):
    results = [{"steps": 7, "wall_s": 0.5, "objective": 1 / 3}]
    assert saved_state.load(tmp_path, key=KEY) is None
    assert results_of(tmp_path) is None
    half = tmp_path / f"{UNFINISHED_FILE}.0f.part"
    half.write_bytes(b"half")
    assert saved_state.load(tmp_path, key=KEY) is None
    half.unlink()
    saved_state.save(tmp_path, results, {"weights": [1.0]}, key=KEY)
    assert saved_state.load(tmp_path, key=KEY) == (results, {"weights": [1.0]})
    assert results_of(tmp_path) == results
    saved_state.discard(tmp_path)
    assert list(tmp_path.iterdir()) == []


def head_and_state(path):
    head, _, state = path.read_bytes().partition(b"\n")
    return json.loads(head), cloudpickle.loads(state)


def written(path, head, state):
    if isinstance(head, dict):
        head["signature"] = signature_of(state, KEY)
    path.write_bytes(json.dumps(head).encode() + b"\n" + state)


def as_the_first_form_was(path, start):
    head, state = head_and_state(path)
    written(path, head["results"], cloudpickle.dumps(state))


def with_an_older_ray(path, start):
    head, state = head_and_state(path)
    head["written_by"]["ray"] = "2.0.0"
    written(path, head, cloudpickle.dumps(state))


def with_a_name_less(path, start):
    head, state = head_and_state(path)
    del state[0]["progress"]["config"]
    written(path, head, cloudpickle.dumps(state))


def of_a_class_that_is_gone(path, start):
    head, _ = head_and_state(path)
    written(path, head, b"cexperiments.core.no_such_module\nState\n.")


def cut_short(path, start):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def cut_in_its_first_line(path, start):
    path.write_bytes(path.read_bytes()[:40])


def of_somebody_else(path, start):
    saved_state.save(path.parent, head_and_state(path)[0]["results"], "theirs", key=b"another key")


def with_somebody_elses_state(path, start):
    head, _ = head_and_state(path)
    path.write_bytes(json.dumps(head).encode() + b"\n" + cloudpickle.dumps("theirs"))


def without_a_signature(path, start):
    head, state = head_and_state(path)
    del head["signature"]
    path.write_bytes(json.dumps(head).encode() + b"\n" + cloudpickle.dumps(state))


def with_another_network(path, start):
    other = start("other", SHORT, layout="32-tanh")
    other.step()
    head, state = head_and_state(path)
    state[0]["trainer"] = other._replicas.get_state()[0]["trainer"]
    written(path, head, cloudpickle.dumps(state))


def with_another_configuration(path, start):
    head, state = head_and_state(path)
    state[0]["progress"]["config"]["lr"] = 0.5
    written(path, head, cloudpickle.dumps(state))


def with_another_number_of_seeds(path, start):
    head, state = head_and_state(path)
    written(path, head, cloudpickle.dumps([*state, *state]))


@pytest.mark.parametrize("trial", ["trial_0000", "trial_0007"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (as_the_first_form_was, "is damaged (Expected `object`, got `array`)"),
        (with_an_older_ray, "ray 2.0.0 wrote it, and this is"),
        (with_a_name_less, "KeyError: 'config'"),
        (of_a_class_that_is_gone, "ModuleNotFoundError"),
        (cut_short, "was not written with this user's key"),
        (of_somebody_else, "was not written with this user's key"),
        (with_somebody_elses_state, "was not written with this user's key"),
        (without_a_signature, "was not written with this user's key"),
        (cut_in_its_first_line, "is damaged ("),
        (with_another_network, "size mismatch"),
        (with_another_configuration, "another configuration"),
        (with_another_number_of_seeds, "ValueError"),
    ],
)
def test_a_state_that_cannot_be_restored_lets_the_trial_restart(start, tmp_path, spoil, words, trial):
    whole = train(start("whole", SHORT, config_id=trial))
    train(start("cut", SHORT, config_id=trial), evaluations=1)
    folder = tmp_path / "search" / "cut"
    spoil(folder / UNFINISHED_FILE, start)
    spoilt = (folder / UNFINISHED_FILE).read_bytes()
    resumed = start("cut", SHORT, config_id=trial)
    # The driver looks now, and sees that there is nothing to tell anyone.
    assert results_of(folder) is None
    assert words in refusal_of(folder)
    assert "\n" not in refusal_of(folder)
    (aside,) = folder.glob("*.set-aside-1")
    assert refusal_of(folder).endswith(f"; it is set aside as {aside.name}")
    assert aside.read_bytes() == spoilt
    # Killed once more before it has saved itself, it restarts once more.
    assert saved_state.load(folder, key=KEY) is None
    assert train(resumed) == whole
    assert [result["steps"] for result in resumed._results] == [result["steps"] for result in whole]
    assert [result["steps"] for result in results_of(folder)] == [512]
    assert refusal_of(folder) is None


@pytest.mark.parametrize("spoil", [of_somebody_else, with_somebody_elses_state, without_a_signature])
def test_what_somebody_else_saved_is_gone_on_from_with_trust_alone(start, tmp_path, spoil):
    run = tmp_path / "search" / "trial_0000"
    train(start("trial_0000", SHORT), evaluations=1)
    saved_state.check_own(run.parent, key=KEY)
    spoil(run / UNFINISHED_FILE, start)
    with pytest.raises(
        UserError, match=r"unfinished.ckpt was not written with your key.*say --trust"
    ) as caught:
        saved_state.check_own(run.parent, key=KEY)
    assert "\n" not in str(caught.value)
    with pytest.raises(saved_state.ForeignStateError):
        saved_state.load(run, key=KEY)
    assert saved_state.load(run, key=KEY, trust=True) is not None


@pytest.mark.parametrize("trust", [False, True])
def test_a_trial_goes_on_from_what_somebody_else_saved_with_trust_alone(start, trust):
    whole = train(start("whole"))
    before = train(start("cut"), evaluations=3)
    after = train(start("cut", replace(TASK, key=b"another user's key", trust=trust)))
    assert (before + after == whole) is trust
    assert (after == whole) is not trust


def test_a_state_that_nobody_goes_on_from_needs_no_trust(start, tmp_path):
    run = tmp_path / "search" / "trial_0000"
    train(start("trial_0000", SHORT), evaluations=1)
    for spoil in (of_somebody_else, with_an_older_ray, cut_in_its_first_line):
        spoil(run / UNFINISHED_FILE, start)
        if spoil is not of_somebody_else:
            saved_state.check_own(run.parent, key=KEY)


def test_a_user_has_one_key_that_nobody_else_can_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = user_key()
    assert len(key) == 32
    assert user_key() == key
    (path,) = (tmp_path / "ppo-sweeps").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert user_key() != key
    path.write_bytes(b"")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(UserError, match="has 0 bytes: expected 32; remove it"):
        user_key()


def test_where_no_key_can_be_kept_a_process_has_its_own(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert len(user_key()) == 32
    assert user_key() == user_key()


def form(value):
    """Names, types and modules of what is pickled, as far as they are the suite's own."""
    if isinstance(value, dict):
        return {str(key): form(part) for key, part in value.items()}
    if isinstance(value, list):
        return [form(part) for part in value[:1]]
    if type(value).__module__.startswith(("experiments", "envs")):
        return {f"{type(value).__module__}.{type(value).__qualname__}": form(vars(value))}
    return type(value).__qualname__


def test_what_a_run_saves_has_the_form_that_its_number_stands_for(start, tmp_path):
    train(start("cut", SHORT), evaluations=1)
    ((state,),) = [saved_state.load(tmp_path / "search" / "cut", key=KEY)[1]]
    runner = state["trainer"]["env_runner"]["fast_runner"]
    env = cloudpickle.loads(runner["env"])
    with closing(make_vector("sweeps/Spaces-v0", {}, 1)) as encoded:
        lanes = [form(env), form(encoded)]
    saved = {"progress": sorted(state["progress"]), "runner": form(runner), "lanes": lanes}
    found = hashlib.sha256(json.dumps(saved, sort_keys=True).encode()).hexdigest()[:12]
    # Another form needs another number: raise `saved_state.FORMAT` and note here what this test finds.
    assert (saved_state.FORMAT, found) == (3, "7824fcd50761")
