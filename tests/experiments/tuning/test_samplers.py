"""Every sampler proposes configurations of the space, of any space, and never the same ones after a stop."""

import json
import subprocess
import sys
import time
import urllib.request

import optuna
import pytest

from analysis.sweep.runs import FinishedRun
from analysis.sweep.schema import State
from experiments.core.records.sweep_files import new_study
from experiments.core.tuning.optuna_search import OptunaStudySearch
from experiments.core.tuning.samplers import SAMPLERS, STARTUP_TRIALS
from search_spaces import model_layouts, ppo

FULL = 1000
FLAT = ppo.CORE.without("kl_coeff", "kl_target", "vf_coeff") | ppo.BATCH
DEEP = ppo.CORE.without("kl_coeff", "kl_target", "vf_coeff") | model_layouts.deep_mlp()
SMALL = ppo.CORE.narrow(lr=(1e-4, 1e-2)).without(*(n for n in ppo.CORE.names if n not in ("lr", "clip")))
SPACES = {"flat": FLAT, "branching": DEEP}


def searcher_of(path, space, sampler, *, seed=3, **known):
    return OptunaStudySearch(
        space=space,
        study_name="study",
        journal=new_study(path),
        sampler=sampler,
        sampler_seed=seed,
        training_seed=lambda number: number,
        full_steps=FULL,
        **known,
    )


def sampled(config, space):
    return {name: config[name] for name in space.names if name in config}


def run_trials(searcher, number, space):
    """Trains by a formula: what the searcher suggested, and the runs as the disk would hold them."""
    runs = []
    for n in range(number):
        config = searcher.suggest(str(n))
        value = -abs(config["lr"] - 3e-3) * 100 - abs(config["clip"] - 0.2)
        pruned = n % 3 == 2
        steps = FULL // 4 if pruned else FULL
        searcher.on_trial_complete(str(n), {"steps": steps, "objective": value})
        runs.append(
            FinishedRun(
                name=config["config_id"],
                config={name: v for name, v in config.items() if name not in ("seed", "config_id")},
                state=State.PRUNED if pruned else State.COMPLETED,
                curve={steps: value},
            )
        )
    return runs


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_proposal_lies_in_the_space_and_the_seed_decides_it(sampler, space, tmp_path):
    proposals = []
    for place, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / place).mkdir()
        searcher = searcher_of(tmp_path / place, SPACES[space], sampler, seed=seed)
        runs = run_trials(searcher, STARTUP_TRIALS + 6, SPACES[space])
        proposals.append([sampled(run.config, SPACES[space]) for run in runs])
    assert all(SPACES[space].contains(config) for config in proposals[0])
    assert proposals[0] == proposals[1]
    assert proposals[0] != proposals[2]
    assert len({json.dumps(config) for config in proposals[0]}) == len(proposals[0])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_goes_on_does_not_draw_what_it_drew_before(sampler, tmp_path):
    first = run_trials(searcher_of(tmp_path, DEEP, sampler), 5, DEEP)
    searcher = searcher_of(tmp_path, DEEP, sampler, finished=first)
    assert len(searcher.study.trials) == 5
    again = run_trials(searcher, 5, DEEP)
    assert [run.name for run in again] == [f"trial_{number:04d}" for number in range(5, 10)]
    drawn = [json.dumps(sampled(run.config, DEEP)) for run in (*first, *again)]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_a_sampler_that_learns_beats_drawing_at_random(sampler, tmp_path):
    def best(name, seed):
        folder = tmp_path / f"{name}{seed}"
        folder.mkdir()
        runs = run_trials(searcher_of(folder, SMALL, name, seed=seed), 36, SMALL)
        # The median of the last ones, apart from the luck of a single draw.
        return sorted(run.objective for run in runs[-12:])[6]

    assert sum(best(sampler, seed) > best("random", seed) for seed in range(3)) >= 2


def test_tpe_is_set_up_explicitly_and_groups_the_names_of_a_space_that_branches(tmp_path):
    for name, space in SPACES.items():
        (tmp_path / name).mkdir()
        sampler = searcher_of(tmp_path / name, space, "tpe").study.sampler
        assert (sampler._multivariate, sampler._constant_liar) == (True, True)
        assert sampler._group is (name == "branching")


def test_a_configuration_of_a_branching_space_carries_its_readable_layout(tmp_path):
    searcher = searcher_of(tmp_path, DEEP, "random")
    for number in range(20):
        config = searcher.suggest(str(number))
        layout = model_layouts.parse(config["layout"])
        assert len(layout.widths) == config["depth"]
        assert list(layout.widths) == [config[f"width_{k}"] for k in range(1, config["depth"] + 1)]
        assert f"width_{config['depth'] + 1}" not in config


def test_the_dashboard_shows_the_study_while_the_search_runs(tmp_path):
    pytest.importorskip("optuna_dashboard")
    searcher = searcher_of(tmp_path, DEEP, "tpe")
    run_trials(searcher, 3, DEEP)
    searcher.suggest("under way")
    searcher.on_trial_result("under way", {"steps": 250, "objective": 0.25})
    script = (
        "import sys; from optuna_dashboard import run_server\n"
        "from optuna.storages import JournalStorage\n"
        "from optuna.storages.journal import JournalFileBackend\n"
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]; s.close()\n"
        "print(port, flush=True)\n"
        "run_server(JournalStorage(JournalFileBackend(sys.argv[1])), host='127.0.0.1', port=port)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "study.journal")]
    dashboard = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(dashboard.stdout.readline())
        studies = ask(port, "/api/studies")["study_summaries"]
        assert [study["study_name"] for study in studies] == ["study"]
        detail = ask(port, f"/api/studies/{studies[0]['study_id']}?after=0")
        states = [trial["state"] for trial in detail["trials"]]
        assert states == ["Complete", "Complete", "Pruned", "Running"]
        assert detail["trials"][3]["intermediate_values"] == [{"step": 250, "value": 0.25}]
        # The search goes on beside the open dashboard.
        searcher.on_trial_complete("under way", {"steps": FULL, "objective": 0.5})
        while detail["trials"][3]["state"] != "Complete":  # it keeps what it has read for some seconds
            time.sleep(0.5)
            detail = ask(port, f"/api/studies/{studies[0]['study_id']}?after=0")
    finally:
        dashboard.kill()
        dashboard.wait()
        dashboard.stdout.close()


def ask(port, path):
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return json.load(answer)
        except OSError:  # it does not listen yet
            time.sleep(0.1)


def test_a_lock_that_a_killed_process_left_behind_holds_nobody_up(tmp_path, monkeypatch):
    (tmp_path / "study.journal").write_text("cut off in the mid")
    (tmp_path / "study.journal.lock").symlink_to(tmp_path / "study.journal")
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)  # which Optuna does before it looks at a lock again
    searcher = searcher_of(tmp_path, FLAT, "tpe")
    searcher.suggest("a")
    assert waits == []
    assert searcher.study.trials[0].state is optuna.trial.TrialState.RUNNING
