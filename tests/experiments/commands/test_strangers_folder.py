"""A sweep folder from a stranger runs no code, and nothing is written outside of it, whatever lies in it."""

import base64
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analysis.report import write_report
from analysis.sweep.layout import checkpoints_in
from analysis.sweep.loading import load_sweep
from analysis.sweep.manifest import NotASweepError
from experiments.core.commands import run_replay
from experiments.core.commands.original import Original
from experiments.core.errors import UserError
from experiments.core.planning.warm_start import read_warm_start
from experiments.core.policy.trained import load_policy
from experiments.core.records import check_safe_to_write, saved_state
from experiments.core.signing import user_key
from search_spaces import ppo

pytestmark = pytest.mark.slow
DATA = Path(__file__).parents[1] / "data"
EVIL = "from pathlib import Path\nPath({mark!r}).touch()\nraise SystemExit('evil')\n"


class Evil:
    """Unpickled, it starts a process that writes a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def command(*arguments):
    """Runs the experiment of the sweep."""
    return subprocess.run(
        [sys.executable, "recall_sweep.py", *map(str, arguments)],
        cwd=DATA, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


class Stranger:
    """A copy of the sweep to plant things in, and what lies around it."""

    def __init__(self, sweep, place):
        self.place = place
        self.storage = place / "storage"
        shutil.copytree(sweep, self.storage)
        self.folder = self.storage / "recall_sweep" / "x"
        self.mark = place / "mark"
        self.treasure = place / "treasure"
        self.treasure.mkdir()
        (self.treasure / "file").write_text("dear")
        self.around = self.outside()

    def outside(self):
        """All that lies around the folder, and what the files hold."""
        paths = [path for path in sorted(self.place.rglob("*")) if not path.is_relative_to(self.folder)]
        return {path: path.read_bytes() if path.is_file() else None for path in paths}

    def evil_pickle(self):
        return pickle.dumps(Evil(self.mark.as_posix()))

    @property
    def checkpoints(self):
        return [checkpoint for run in self.folder.glob("*/*") for checkpoint in checkpoints_in(run)]

    def edit(self, name, **entries):
        """Changes entries of a JSON record, or of best.yaml."""
        path = self.folder / name
        load, dump = (yaml.safe_load, yaml.safe_dump) if name.endswith("yaml") else (json.loads, json.dumps)
        path.write_text(dump(load(path.read_text()) | entries))

    def name_environment(self, env, /, **parameters):
        """Names another environment in every record that names one."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        self.edit("manifest.json", env=manifest["env"] | {"id": env, "parameters": parameters})
        self.edit("best.yaml", env=env, env_parameters=parameters)

    def retrain(self):
        return command("--retrain", self.folder, "--seeds", "200", "--concurrency", "1")

    def resume(self, *more):
        return command("--name", "x", "--storage", self.storage, "--concurrency", "1", *more)

    def check_unharmed(self):
        assert not self.mark.exists()
        assert self.outside() == self.around


@pytest.fixture
def stranger(recalled, tmp_path):
    made = Stranger(recalled, tmp_path)
    yield made
    made.check_unharmed()


def refused(done, words):
    """Whether a command said why it does nothing, in one line."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr, done.stderr


def refuses(words, act, *arguments, **named):
    with pytest.raises((UserError, NotASweepError), match=words) as caught:
        act(*arguments, **named)
    assert "\n" not in str(caught.value)


def plant_pickles(stranger, *, exported):
    """Puts a pickle that runs a command in place of every one, with or without the exported policy."""
    for checkpoint in stranger.checkpoints:
        for path in checkpoint.rglob("*.pkl"):
            path.write_bytes(stranger.evil_pickle())
        if not exported:
            (checkpoint / "policy.safetensors").unlink()


def test_pickles_of_a_checkpoint_are_not_read(stranger, capsys):
    plant_pickles(stranger, exported=True)
    policy = load_policy(stranger.folder)
    assert policy.action_space.contains(policy.compute_action(policy.observation_space.sample()))
    assert run_replay([str(stranger.folder), "--episodes", "2"]) == 0
    plant_pickles(stranger, exported=False)
    refuses(r"has no policy.safetensors: .*--trust", load_policy, stranger.folder)
    assert run_replay([str(stranger.folder)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_pickle_that_is_called_an_exported_policy_is_damaged(stranger):
    for checkpoint in stranger.checkpoints:
        (checkpoint / "policy.safetensors").write_bytes(stranger.evil_pickle())
    refuses("no policy can be read from it", load_policy, stranger.folder)


def test_a_saved_state_in_a_retrainings_folder_is_not_gone_on_from(stranger):
    config = yaml.safe_load((stranger.folder / "best.yaml").read_text())["config_id"]
    run = stranger.folder / "retrain" / f"{config}_200" / "confirm" / f"{config}_seed200"
    original = next((stranger.folder / "confirm").glob(f"{config}_seed*"))
    params = json.loads((original / "params.json").read_text())
    run.mkdir(parents=True)
    (run / "params.json").write_text(json.dumps(params | {"test_seed": 200}))
    saved_state.save(
        run, [{"steps": 1, "wall_s": 0.1, "objective": 0.5}], Evil(str(stranger.mark)), key=b"theirs"
    )
    refused(stranger.retrain(), "was not written with your key")


def test_a_saved_state_in_a_sweep_is_not_gone_on_from(stranger):
    run = stranger.folder / "search" / "trial_0001"
    saved_state.save(
        run, [{"steps": 1, "wall_s": 0.1, "objective": 0.5}], Evil(str(stranger.mark)), key=b"theirs"
    )
    head, _, state = (run / "unfinished.ckpt").read_bytes().partition(b"\n")
    (run / "state.json").unlink()
    before = sorted(stranger.folder.rglob("*"))
    for signature, more in (({}, []), ({"signature": "00" * 32}, []), ({"signature": None}, ["--check"])):
        signed = json.dumps(json.loads(head) | signature).encode()
        (run / "unfinished.ckpt").write_bytes(signed + b"\n" + state)
        refused(stranger.resume(*more), "was not written with your key")
        assert sorted(stranger.folder.rglob("*")) == before


def test_a_module_in_the_folder_is_not_imported(stranger, run_python):
    (stranger.folder / "evil.py").write_text(EVIL.format(mark=stranger.mark.as_posix()))
    replay = (
        "import sys; from experiments.core.commands import run_replay; sys.exit(run_replay(sys.argv[1:]))"
    )
    for module, path in (("evil", stranger.folder), ("recall_sweep.x.evil", stranger.storage)):
        stranger.name_environment(f"{module}:Maze")
        for more in ([], ["--trust"]):
            done = run_python(
                "-c", replay, stranger.folder, *more, env={"PYTHONPATH": f"{Path.cwd()}:{path}"}
            )
            refused(done, "lies in the sweep folder")
    refused(stranger.retrain(), "there is no module")


def test_a_module_that_lies_elsewhere_imports_none_from_the_folder(stranger, run_python):
    (stranger.folder / "helper.py").write_text(EVIL.format(mark=stranger.mark.as_posix()))
    innocent = stranger.place / "innocent"
    innocent.mkdir()
    (innocent / "maze.py").write_text("import helper\n")
    stranger.around = stranger.outside()
    stranger.name_environment("maze:Maze")
    code = "import sys; from experiments import load_policy; load_policy(sys.argv[1])"
    path = f"{Path.cwd()}:{innocent}:{stranger.folder}"
    done = run_python("-B", "-c", code, stranger.folder, env={"PYTHONPATH": path})
    assert "the module helper lies in the sweep folder" in done.stderr


@pytest.mark.parametrize(
    ("env", "parameters"),
    [
        ("subprocess:Popen", {"args": ["touch", "MARK"]}),
        ("os:system", {"command": "touch MARK"}),
        ("builtins:exec", {"source": "open('MARK', 'w')"}),
        ("antigravity:Maze", {}),
        ("pip.__main__:Maze", {}),
        ("pandas:read_pickle", {"filepath_or_buffer": "PICKLE"}),
        ("gymnasium:make", {"id": "evil:Maze"}),
        ("gymnasium.wrappers:RecordVideo", {"env": "sweeps/Bandit-v0", "video_folder": "MARK"}),
        ("analysis.sweep.atomic:write_text", {"path": "MARK", "text": ""}),
        ("experiments.core.program:shutil.rmtree", {"path": "TREASURE"}),
        ("../../evil:Maze", {}),
        ("nowhere:Maze", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_environment_is_not_called(stranger, env, parameters):
    (stranger.folder / "evil.pickle").write_bytes(stranger.evil_pickle())
    places = {"MARK": stranger.mark, "PICKLE": stranger.folder / "evil.pickle", "TREASURE": stranger.treasure}
    text = json.dumps(parameters)
    for name, place in places.items():
        text = text.replace(name, place.as_posix())
    stranger.name_environment(env, **json.loads(text))
    refuses("environment", load_policy, stranger.folder)
    assert run_replay([str(stranger.folder)]) == 2
    write_report(stranger.folder, figures=False)


@pytest.mark.parametrize(
    "name", ["../../../x", "trial_0001/../../../x", "trial_٠٠٠١", "/tmp/x", "trial_1", "x"]
)
def test_a_configurations_id_is_never_a_path(stranger, name):
    stranger.edit("best.yaml", config_id=name)
    refuses("best.yaml is damaged", Original.of, stranger.folder, "recall_sweep")
    if name == "../../../x":
        refused(stranger.retrain(), "best.yaml is damaged")
    for path in stranger.folder.glob("*/*/params.json"):
        stranger.edit(path.relative_to(stranger.folder).as_posix(), config_id=name)
    sweep = load_sweep(stranger.folder)
    assert set(sweep.trials["state"]) | set(sweep.confirmation["state"]) == {"running"}
    write_report(stranger.folder, figures=False)


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join(f'*{before}' for _ in range(9))}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text", [ALIASES, "!!python/object/apply:os.system ['touch MARK']\n", "a: &a [*a]\n", "[" * 10_000]
)
def test_yaml_stands_for_nothing_but_what_is_written_there(stranger, text):
    best = stranger.folder / "best.yaml"
    best.write_text(text.replace("MARK", str(stranger.mark)) + best.read_text())
    load_policy(stranger.folder)
    refuses("best.yaml is damaged", Original.of, stranger.folder, "recall_sweep")


LINKS = [
    "figures",
    "retrain",
    "search",
    "confirm",
    "search/trial_0001",
    "search/trial_0007",
    "search/trial_0001/checkpoint_000000",
    ".lock",
    ".stop",
    "study.journal",
    "report.html",
    "search/trial_0001/output.txt",
]


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(stranger, name):
    path = stranger.folder / name
    target = stranger.treasure if path.is_dir() or name in {"retrain", "search/trial_0007"} else "file"
    if path.is_dir():
        path.rename(stranger.folder / "as it was")
    path.unlink(missing_ok=True)
    path.symlink_to(stranger.treasure / target)
    words = f"{path} is a link that leads out of the sweep folder"
    refuses(words, write_report, stranger.folder)
    refuses(words, check_safe_to_write, stranger.folder)
    if name == ".lock":
        refused(stranger.retrain(), words)
        refused(stranger.resume("--trials", "3"), words)


def test_links_within_the_folder_and_to_the_folder_are_let_be(stranger):
    (stranger.folder / "again").symlink_to("search")
    (stranger.folder / "loop").symlink_to("loop")
    elsewhere = stranger.place / "elsewhere"
    elsewhere.symlink_to(stranger.folder)
    stranger.around = stranger.outside()
    assert write_report(elsewhere, figures=False).html.is_file()


@pytest.mark.parametrize("name", [".lock", "figures/x", "search/trial_0001/output.txt", "study.journal"])
def test_nobody_waits_for_a_pipe(stranger, name):
    (stranger.folder / name).unlink(missing_ok=True)
    os.mkfifo(stranger.folder / name)
    words = f"{stranger.folder / name} is neither a file nor a folder"
    refuses(words, write_report, stranger.folder)
    refuses(words, check_safe_to_write, stranger.folder)


def test_what_tune_would_restore_itself_from_is_not_looked_at(stranger):
    names = ("tuner.pkl", "trainable.pkl", "searcher-state-0.pkl", "search_gen_state-0.json")
    for phase in ("search", "confirm"):
        for name in names:
            (stranger.folder / phase / name).write_bytes(stranger.evil_pickle())
    shutil.rmtree(stranger.folder / "search" / "trial_0001")
    plant_pickles(stranger, exported=True)
    (stranger.folder / "study.journal").write_bytes(stranger.evil_pickle())
    done = stranger.resume()
    assert done.returncode == 0, done.stderr


def test_a_page_shows_names_as_text(stranger):
    hostile = "</script><script>document.title='evil'</script><img src=x onerror=alert(1)>"
    manifest = json.loads((stranger.folder / "manifest.json").read_text())
    stranger.edit(
        "manifest.json", experiment=hostile, sweep=hostile, question=hostile, command=hostile,
        versions={hostile: hostile}, machine={hostile: hostile}, sampler=hostile,
        env=manifest["env"] | {"return_unit": hostile, "references": {hostile: 1.0}},
    )  # fmt: skip
    for path in stranger.folder.glob("*/*/params.json"):
        stranger.edit(path.relative_to(stranger.folder).as_posix(), **{hostile: hostile})
    for path in stranger.folder.glob("*/*/state.json"):
        path.write_text(json.dumps({"state": "failed", "cause": hostile}))
    page = write_report(stranger.folder).html.read_text()
    assert "<script>document" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_records_with_holes_are_not_read_to_their_ends(stranger):
    records = ["manifest.json", "best.yaml", "search/trial_0001/result.json", "search/trial_0001/params.json"]
    for name in [
        *records,
        *(path.relative_to(stranger.folder) for path in stranger.folder.rglob("policy.*")),
    ]:
        path = stranger.folder / name
        before = path.read_bytes()
        os.truncate(path, 2**40)
        if path.name == "manifest.json":
            refuses("is larger than", load_sweep, stranger.folder)
        elif path.name == "best.yaml":
            load_policy(stranger.folder)
        elif path.name.startswith("policy"):
            continue
        else:
            states = load_sweep(stranger.folder).trials.set_index("trial_id")["state"]
            assert states["trial_0001"] == "running"
        path.write_bytes(before)
    refuses("is larger than", load_policy, stranger.folder)


def test_a_warm_start_takes_values_and_nothing_else(stranger):
    plant_pickles(stranger, exported=False)
    stranger.name_environment("subprocess:Popen", args=["touch", str(stranger.mark)])
    stranger.edit("search/trial_0001/params.json", lr="../../../x", layout="__import__('os')")
    (stranger.folder / "search" / "trial_0001" / "state.json").write_text('{"state": "completed"}')
    taken = read_warm_start(stranger.folder, ppo.CORE, trials=8, option="--warm-start")
    assert "lr=../../../x is not in" in taken.left_out["trial_0001"]


def test_the_users_key_lies_in_no_folder_that_a_sweep_leaves(recalled):
    key = user_key()
    for path in recalled.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert key not in content, path
        assert key.hex().encode() not in content, path
        assert base64.b64encode(key) not in content, path
