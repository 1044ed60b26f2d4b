"""Whatever is wrong on the command line is one clear line, exit code 2, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from experiments.__main__ import declared
from experiments.core.preflight import checks
from experiments.core.preflight.probe import Patience

ROOT = Path(__file__).parents[3]
TRADING_SWEEP = "experiments/trading_sweep.py"


@pytest.fixture(autouse=True)
def few_extremes(monkeypatch):
    """Lets checks in this process try the baselines alone: extreme configurations have tests of their own."""
    monkeypatch.setattr(checks, "PATIENCE", Patience(computing_s=0.0, clock_s=0.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trails", "4"], "See python -m experiments.trading_sweep --help"),
        (["--trials", "0"], "--trials 0: expected a whole number"),  # found before Ray is imported
        # And after.
        (["--name", "a", "--new-name", "b"], "a does not exist; expected a sweep folder, such as results/"),
    ],
)
def test_a_process_ends_with_one_line_and_nothing_else(run_python, tmp_path, arguments, message):
    command = ("-m", "experiments.trading_sweep", "--storage", tmp_path / "results")
    done = run_python(*command, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trials", "0"], "--trials 0: expected a whole number"),
        (["--trials", "-4"], "--trials -4: expected a whole number"),
        (["--steps-per-trial", "-1"], "--steps-per-trial -1: expected a whole number, 1 or more"),
        (["--confirm-seeds", "0"], "--confirm-seeds 0: expected a whole number, 1 to 4096"),
        (["--top-k", "-1"], "--top-k -1: expected a whole number, 1 or more"),
        (["--top-k", "48"], "--top-k 48: expected at most 47, as many as are tried beside the default con"),
        (["--seed", "-1"], "--seed -1: expected a whole number, 0 or more"),
        (["--seeds-per-trial", "0"], "--seeds-per-trial 0: expected a whole number, 1 to"),
        (["--concurrency", "0"], "--concurrency 0: expected a whole number, 1 or more"),
        (["--new-name", "b"], "--new-name b: expected --name as well"),
        (["--name", "b", "--new-name", "b"], "--new-name b: expected another name than b, the sweep to sta"),
        (["--name", "a", "--new-name", "b/c"], "--new-name 'b/c': expected a plain folder name"),
        (["--name", "a", "--new-name", "b", "--warm-start", "c"], "leave out --warm-start"),
        (["--warm-start", "/no/such/sweep"], "--warm-start: /no/such/sweep does not exist"),
        (["--name", ""], "--name '': expected a plain folder name"),
        (["--name", "a/b"], "--name 'a/b': expected a plain folder name"),
        (["--storage", "s3://bucket/x"], "expected a folder"),
        (["--sampler", "tpee"], "--sampler: 'tpee': expected tpe, random, gp or cmaes; see python exp"),
        (["--scheduler", "x"], "--scheduler: 'x': expected asha, median, hyperband, none, pbt or pb2; see"),
        (["--sampler", "None"], "--sampler: 'None': expected tpe"),
        (["--trials", "many"], "--trials: 'many': expected a whole number; see python experiments/"),
        (["--seed", "0.5"], "--seed: '0.5': expected a whole number"),
        (["--trails", "4"], "no option --trails; did you mean '--trials'? See python experiments/trading_"),
        (["--trails=4"], "no option --trails; did you mean '--trials'? See python experiments/trading_"),
        (["--trial", "4"], "no option --trial; did you mean '--trials'? See python experiments/trading_"),
        (["--42"], "there is no option --42; see python experiments/trading_sweep.py --help"),
        (["--trials"], "--trials: expected one argument; see python experiments/trading_sweep.py --help"),
        (["x"], "'x': expected an option; see python experiments/trading_sweep.py --help"),
    ],
)
def test_a_wrong_option_is_one_line(run_here, tmp_path, arguments, message):
    storage = [] if "--storage" in arguments else ["--storage", tmp_path / "results"]
    done = run_here(TRADING_SWEEP, *storage, *arguments)
    assert done.returncode == 2
    assert done.stdout == "", "what is wrong is said before anything else"
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_one_line(run_here, tmp_path):
    tmp_path.chmod(0o500)
    done = run_here(TRADING_SWEEP, "--storage", tmp_path / "results")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_storage_that_is_a_file_is_one_line(run_here, tmp_path):
    (tmp_path / "results").write_text("a file")
    done = run_here(TRADING_SWEEP, "--storage", tmp_path / "results" / "deeper")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_sweep_is_not_touched(run_here, tmp_path):
    folder = tmp_path / "trading_sweep" / "mine"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "mine")
    assert done.returncode == 2
    assert "is not a sweep: choose another --name" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_start_that_was_killed_before_its_manifest_was_whole_can_be_repeated(run_here, tmp_path):
    folder = tmp_path / "trading_sweep" / "x"
    folder.mkdir(parents=True)
    for left in (".lock", "manifest.json.part"):
        (folder / left).write_text("{")
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "x", "--check")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def begun(tmp_path):
    """Gives a folder the manifest of a sweep with some options, and gives the folder."""
    from experiments.core.planning.manifest import manifest_of
    from experiments.core.planning.options import Options
    from experiments.core.planning.plan import Plan
    from experiments.core.records import write_manifest
    from experiments.trading_sweep import EXPERIMENT

    def begin(**options):
        chosen = Options(name="mine", storage=str(tmp_path), **options)
        plan = Plan.of(chosen.apply(EXPERIMENT), chosen, name="trading_sweep", question="?")
        command = "python -m experiments.trading_sweep" + (" --smoke" if chosen.smoke else "")
        write_manifest(plan.folder, structs.replace(manifest_of(plan), command=command))
        return plan.folder

    return begin


@pytest.mark.parametrize(
    ("before", "arguments", "words", "way_out"),
    [
        (
            {"steps_per_trial": 16384}, ["--steps-per-trial", "32768"],
            "--steps-per-trial was 16384, now 32768", "give --steps-per-trial 16384 again",
        ),
        (
            {}, ["--seeds-per-trial", "2"],
            "--seeds-per-trial was 1, now 2", "give --seeds-per-trial 1 again",
        ),
        ({"seed": 3}, [], "--seed was 3, now 0", "give --seed 3 again"),
        ({}, ["--trainer", "rllib"], "--trainer was fast, now rllib", "give --trainer fast again"),
        (
            {"scheduler": "median"}, ["--scheduler", "pbt"],
            "--scheduler was median, now pbt", "give --scheduler median again",
        ),
        ({"smoke": True}, [], "--steps-per-trial was 4096, now 16384", "give --smoke again"),
        ({}, ["--smoke"], "--steps-per-trial was 16384, now 4096", "leave out --smoke"),
        # That they differ, too, changes nothing.
        (
            {"seed": 3, "scheduler": "median"}, ["--scheduler", "asha"],
            "--seed was 3, now 0", "give --seed 3 again",
        ),
    ],
)  # fmt: skip
def test_a_changed_option_is_named_with_how_to_go_on(
    run_here, begun, tmp_path, before, arguments, words, way_out
):
    begun(**before)
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "mine", *arguments)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: --name mine holds another sweep ({words}): {way_out}, or start a new one from it with "
        "--new-name\n",
    )


def test_what_is_there_is_said_beside_what_is_asked_for(run_here, begun, writer, tmp_path):
    command = [TRADING_SWEEP, "--storage", tmp_path, "--name", "mine", "--check", "--trials", "2"]
    folder = begun()
    config = json.loads((folder / "manifest.json").read_text())["baselines"]["default"]
    assert "goes on" not in run_here(*command).stdout
    for number in range(3):
        writer.write_run(folder / "search" / f"trial_{number:04d}", config, [0.5])
    writer.write_run(folder / "confirm" / "default_seed0", config, [0.5])
    printed = run_here(*command).stdout.splitlines()
    assert "continues: 3 trials and 1 confirmation run are there" in printed
    for name, damage in (("trial_0001", "{"), ("trial_0002", None)):
        state = folder / "search" / name / "state.json"
        state.unlink() if damage is None else state.write_text(damage)
    printed = run_here(*command).stdout.splitlines()
    assert "continues: 1 trial, 2 unfinished and 1 confirmation run are there" in printed
    (line,) = [line for line in printed if line.startswith("trial_0001: its state.json is damaged (")]
    assert line.endswith("so it counts as unfinished; what is there is set aside as trial_0001.set-aside-1")
    assert (folder / "search" / "trial_0001" / "result.json").exists(), "a check changes nothing"


def test_a_name_that_holds_another_sweep_says_what_differs(run_here, begun, tmp_path):
    command = [TRADING_SWEEP, "--storage", tmp_path, "--name", "mine", "--smoke"]
    folder = begun(smoke=True)
    checked = run_here(*command[:-2], "other", "--smoke", "--check")
    assert checked.returncode == 0, checked.stderr
    entries = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(entries | {"experiment": "resource_sweep"}))
    done = run_here(*command)
    assert done.returncode == 2
    assert (
        '--name mine holds another sweep (experiment was "resource_sweep", now "trading_sweep"): '
        "start a new one from it with --new-name"
    ) in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("text", ['{"schema_v', "[]", "\N{BYTE ORDER MARK}{}", ""])
def test_a_manifest_that_cannot_be_read_is_one_line(run_here, tmp_path, text):
    folder = tmp_path / "trading_sweep" / "x"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    for arguments in ([], ["--check"]):
        done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--name", "x", *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {folder}/manifest.json is damaged (")
        assert "): restore it, or choose another --name" in done.stderr
        assert done.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert (folder / "manifest.json").read_text() == text


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_later_releases_sweep_is_one_line_and_nothing_is_written(run_here, begun, tmp_path, arguments):
    folder = begun()
    entries = json.loads((folder / "manifest.json").read_text())
    text = json.dumps({"schema_version": entries["schema_version"] + 1, "what": ["nobody", "knows", "yet"]})
    (folder / "manifest.json").write_text(text)
    command = [TRADING_SWEEP, "--storage", tmp_path, "--name", "mine", *arguments]
    changed = (folder.stat().st_mtime_ns, [(path.name, path.read_text()) for path in folder.iterdir()])
    done = run_here(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: {folder} was written by a later release of ppo-sweeps (schema_version 2, and this one reads "
        "1): use that release, or choose another --name\n"
    )
    assert changed == (folder.stat().st_mtime_ns, [("manifest.json", text)])


def test_a_check_says_what_would_be_done_and_leaves_nothing(run_here, tmp_path):
    done = run_here(TRADING_SWEEP, "--storage", tmp_path, "--check")
    assert done.returncode == 0, done.stderr
    assert "48 trials of up to 16,384 steps" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_check_says_what_it_was_told_letter_by_letter(run_here, tmp_path):
    script = tmp_path / "bracket_sweep.py"
    question = "Do the prices in [/data/prices.csv] pay at :100: [low, high]?"
    script.write_text(
        f'"""{question}"""\n'
        "from experiments import Budget, Experiment, main\n"
        "from search_spaces import model_layouts\n"
        "EXPERIMENT = Experiment(env='CartPole-v1', space=model_layouts.MLP, evaluation_episodes=8,\n"
        "                        budget=Budget(trials=2, steps_per_trial=512))\n"
        "main(EXPERIMENT)\n"
    )
    done = run_here(script, "--storage", tmp_path / "results", "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == question


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_list_names_every_experiment_with_its_question(run_here, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run_here("experiments/__main__.py")
    assert done.returncode == 0
    shown = [line.split("│") for line in done.stdout.splitlines() if "│" in line]
    assert [name.strip() for name, _ in shown if name.strip()] == list(declared())
    said = " ".join(" ".join(told for _, told in shown).split())
    assert "Does tuning PPO pay on a mean-reverting market?" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "'nonsense': expected nothing (a list), new NAME, or replay FOLDER"),
        (["replay", "/no/such/folder"], "/no/such/folder"),
        (["replay", "/no/such/folder", "--seed", "-1"], "--seed -1: expected a whole number, 0 or more"),
        (
            ["replay", "/no/such/folder", "--episodes", "0"],
            "--episodes 0: expected a whole number, 1 or more",
        ),
        (["replay"], "arguments are required: FOLDER; see python -m experiments replay --help"),
        (["replay", "x", "--seed", "y"], "--seed: 'y': expected a whole number; see python -m experiments"),
    ],
)
def test_a_wrong_command_is_one_line(run_here, arguments, message):
    done = run_here("experiments/__main__.py", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def interrupted(*arguments, **keywords):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("script", "arguments", "where"),
    [
        (TRADING_SWEEP, ["--name", "x"], "experiments.core.commands.sweep.preflight"),
        (
            "experiments/__main__.py",
            ["replay", "/no/such/folder"],
            "experiments.core.policy.replaying.load_policy",
        ),
    ],
)
def test_ctrl_c_is_one_line(run_here, tmp_path, monkeypatch, script, arguments, where):
    monkeypatch.setattr(where, interrupted)
    storage = ["--storage", tmp_path / "results"] if script == TRADING_SWEEP else []
    done = run_here(script, *arguments, *storage)
    assert (done.returncode, done.stderr, done.stdout) == (130, "stopped\n", "")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_a_sweep_starts_says_how_to_go_on(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.core.commands.sweep.connected", interrupted)
    done = run_here(TRADING_SWEEP, "--storage", tmp_path)
    assert (done.returncode, done.stderr) == (130, "")
    assert "stopped; to go on where it was: " in done.stdout.splitlines()[-1]
    assert " --name 2" in done.stdout.splitlines()[-1], "a sweep that was given no name has one all the same"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_to_stop_is_noted_and_the_second_one_ends_training_at_once(number):
    from experiments.core.commands.interrupt import graceful_interrupt
    from experiments.core.tuning.phases import Interruption

    interruption, before = Interruption(), signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), graceful_interrupt(interruption):  # noqa: PT012
        signal.raise_signal(number)
        assert interruption.requested
        assert interruption.exit_code == 128 + number
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_terminal_that_lacks_characters_is_shown_the_others(run_python):
    done = run_python("-m", "experiments", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "python -m experiments.?" in done.stdout


def test_a_reader_that_stops_reading_ends_a_command_without_a_word():
    command = [sys.executable, "-m", "experiments", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as told:
        told.stdout.close()
        assert told.stderr.read() == b""


DECLARATION = """
from experiments import Budget, Experiment, main
from search_spaces import choice, model_layouts, ppo, uniform
EXPERIMENT = Experiment(
    env="CartPole-v1", space=ppo.CORE | {space}, fixed={fixed}, budget=Budget(trials=2, steps_per_trial=512)
)
main(EXPERIMENT)
"""


@pytest.mark.parametrize(
    ("space", "fixed", "message"),
    [
        (
            'uniform("gae_lamda", 0.8, 1.0, default=0.9, source="x")',
            {},
            "the trainer does not know 'gae_lamda'; did you mean 'gae_lambda'? It knows: lr,",
        ),
        ("model_layouts.MLP", {"learning_rate": 0.1}, "does not know 'learning_rate'. It knows: lr,"),
        ("model_layouts.MLP", {"num_sgd_iter": 3}, "the trainer does not know 'num_sgd_iter'"),
        (
            'choice("batch_size", 256, default=256, source="x")',
            {"minibatch_size": 512},
            "minibatch_size=512 is larger than batch_size=256: expected at most the batch",
        ),
        (
            'choice("layout", "64x64-tanh", "64y64", default="64x64-tanh", source="x")',
            {},
            "unknown model layout '64y64'",
        ),
    ],
)
def test_a_declaration_that_cannot_be_trained_is_one_line(run_here, tmp_path, space, fixed, message):
    script = tmp_path / "wrong_sweep.py"
    script.write_text(DECLARATION.format(space=space, fixed=fixed))
    done = run_here(script, "--storage", tmp_path / "results")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduler", "pbt", "--trials", "1"], "scheduler pbt with trials=1: expected a population of 2"),
        (["--scheduler", "pb2", "--trials", "1"], "scheduler pb2 with trials=1: expected a population of 2"),
    ],
)
def test_a_population_of_one_is_one_line(run_here, tmp_path, arguments, message):
    done = run_here(TRADING_SWEEP, "--storage", tmp_path / "results", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_population_without_anything_to_change_is_one_line(run_here, tmp_path):
    script = tmp_path / "still_sweep.py"
    script.write_text(
        "from experiments import Budget, Experiment, PopulationBased, main\n"
        "from search_spaces import model_layouts\n"
        "EXPERIMENT = Experiment(env='CartPole-v1', space=model_layouts.MLP, scheduler=PopulationBased(),\n"
        "                        budget=Budget(trials=2, steps_per_trial=512))\n"
        "main(EXPERIMENT)\n"
    )
    done = run_here(script, "--storage", tmp_path / "results")
    assert done.returncode == 2
    assert "scheduler pbt over layout: expected a hyperparameter that may change while" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_population_over_a_space_that_branches_is_one_line(run_here, tmp_path):
    script = tmp_path / "branching_sweep.py"
    script.write_text(
        "from experiments import Budget, Experiment, main\n"
        "from search_spaces import model_layouts, ppo\n"
        "EXPERIMENT = Experiment(env='CartPole-v1', space=ppo.CORE | model_layouts.deep_mlp(depths=(1, 2)),\n"
        "                        budget=Budget(trials=2, steps_per_trial=512))\n"
        "main(EXPERIMENT)\n"
    )
    done = run_here(script, "--storage", tmp_path / "results", "--scheduler", "pb2")
    assert done.returncode == 2
    assert "scheduler pb2 over a space that branches: expected every hyperparameter to count" in done.stderr
    assert "leave out width_2, or choose asha" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_check_says_how_a_population_is_trained(run_here, tmp_path):
    arguments = ("--storage", tmp_path, "--check", "--scheduler", "pbt")
    done = run_here(TRADING_SWEEP, *arguments)
    assert done.returncode == 0, done.stderr
    assert "a population of 48, 16,384 steps each, compared every 2,048 (pbt)" in done.stdout


@pytest.mark.parametrize("scheduler", ["pbt", "pb2"])
def test_a_search_does_not_go_on_as_a_population(run_here, begun, tmp_path, scheduler):
    begun()
    command = [TRADING_SWEEP, "--storage", tmp_path, "--name", "mine", "--check"]
    assert run_here(*command, "--scheduler", "median").returncode == 0
    done = run_here(*command, "--scheduler", scheduler)
    assert done.returncode == 2
    assert f"--scheduler was asha, now {scheduler}" in done.stderr
