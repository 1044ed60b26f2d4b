"""Fuzzing of every reader of a sweep folder: what is wrong in it is one line, or nothing.

    python -m tests.faults.fuzz_readers --inputs 200000

Each input changes one file of a whole folder: its bytes, a value at some depth, or what kind of file it is. A
reader may refuse it, in one line that names it; whatever else a reader raises, and an input that it takes
seconds for, is printed once for each place, and makes the exit code 1. Readers change nothing.
"""

import contextlib
import importlib.util
import json
import logging
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from analysis import CannotCompareError, compare, verdict_on, write_comparison
from analysis.command_line import read_options
from analysis.report import kept_report, tables, write_report
from analysis.sweep import (
    DamagedError,
    FinishedRun,
    NotASweepError,
    Phase,
    load_lineage,
    load_sweep,
    ranking_key,
    read_best,
    read_manifest,
    read_runs,
    refusal_of,
    results_of,
    rllib_settings,
    saved_head,
)
from experiments import Budget, Confirmation, Experiment
from experiments.core.commands.original import Original
from experiments.core.environments import make_vector
from experiments.core.environments.network_spaces import action_decoder
from experiments.core.errors import UserError
from experiments.core.planning import Options, Plan, chosen_configurations, continued, lacks_runs, manifest_of
from experiments.core.planning.manifest import difference_of
from experiments.core.planning.warm_start import read_warm_start
from experiments.core.policy.exported import Description, ExportedPolicy, read_policy, write_policy
from experiments.core.policy.replaying import replay
from experiments.core.policy.trained import load_policy
from experiments.core.records import check_readable, recorded_manifest, saved_state, tidy
from search_spaces import ppo

WRITER = Path(__file__).parents[1] / "analysis" / "sweep_writer.py"
KEY = b"a key of this user's"
RUN, CONFIRMED = "search/trial_0001", "confirm/trial_0001_seed0"
ENV = "sweeps/Bandit-v0"
REFUSALS = (DamagedError, NotASweepError, UserError)
SECONDS = 10
"""Computing that a reader may take for an input."""
WHOLE_SHARE, SLOW_SHARE = 16, 1_000
"""One input in so many is also given to a reader of the whole folder, or to those that take a second."""


@dataclass(frozen=True)
class Settings:
    """Fuzzing of every reader of a sweep folder."""

    inputs: int = 2_000
    """Inputs to make."""
    seed: int = 0
    """Of the random numbers that make them; the same one makes the same inputs."""


def whole_folder(place):
    """A finished sweep in which every kind of file is there, and the plan that goes on with it."""
    spec = importlib.util.spec_from_file_location(WRITER.stem, WRITER)
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    experiment = Experiment(
        env=ENV, space=writer.SPACE, budget=Budget(trials=4, steps_per_trial=65536, evaluations=16),
        confirmation=Confirmation(top_k=1, seeds=2),
    )  # fmt: skip
    options = Options(name="x", storage=str(place))
    plan = Plan.of(experiment, options, name="fuzzed_sweep", question="Does it hold?")
    folder = writer.write_sweep(plan.folder, trials=4, seeds=2, top_k=1)
    (folder / "manifest.json").write_text(json.dumps(manifest_of(plan).to_json()))
    for run in (folder / RUN, folder / CONFIRMED):
        segment = {"steps": 0, "configuration": {"lr": 1e-3}, "member": "trial_0000", "donor": None}
        later = segment | {"steps": 9000, "donor": "trial_0002", "changed": {"lr": [1e-3, 2e-3]}}
        (run / "schedule.json").write_text(json.dumps({"schedule": [segment, later], "history": [later]}))
        saved_state.save(run, [{"steps": 4096, "wall_s": 1.0, "objective": 0.5}], [{"state": 1}], key=KEY)
    (folder / "rllib.json").write_text(json.dumps({"default": {"lr": 3e-4}, "trial_0001": {"lr": 1e-3}}))
    for run in folder.glob("*/*_*"):
        checkpoint = run / "checkpoint_000000"
        checkpoint.mkdir()
        write_policy(checkpoint, exported())
    write_report(folder, figures=False)
    return folder, plan


def exported():
    """A policy of random weights."""
    with contextlib.closing(make_vector(ENV, {}, 1)) as env:
        size, parts = env.single_observation_space.shape[0], action_decoder(env.single_action_space).parts
    layout = {
        "vf_share_layers": False, "fcnet_hiddens": [8], "fcnet_activation": "tanh", "conv_filters": None,
        "conv_activation": "relu", "head_fcnet_hiddens": [], "head_fcnet_activation": "relu",
        "free_log_std": False, "log_std_clip_param": 20.0, "use_lstm": False,
        "fcnet_use_layernorm": False, "head_fcnet_use_layernorm": False,
    }  # fmt: skip
    shapes = {
        "encoder.actor_encoder.net.mlp.0.weight": (8, size), "encoder.actor_encoder.net.mlp.0.bias": (8,),
        "pi.net.mlp.0.weight": (5, 8), "pi.net.mlp.0.bias": (5,), "pi.log_std_clip_param_const": (1,),
    }  # fmt: skip
    about = Description.of({
        "format": 1, "normalises": False, "layout": layout, "observation_space": "", "action_space": "",
        "distribution": [{"kind": part.kind, "sizes": list(part.sizes)} for part in parts],
    })  # fmt: skip
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return ExportedPolicy(about=about, weights=weights)


class Readers:
    """Every reader of a folder, by what it is for."""

    def __init__(self, folder, plan):
        self.folder, self.plan = folder, plan

    def records(self):
        rllib_settings(self.folder, "trial_0001")
        for phase in Phase:
            for records in read_runs(self.folder / phase):
                if isinstance(records.run, FinishedRun):
                    _ = records.run.objective, records.run.repetition, ranking_key(records.run, 1)
                for damage in records.damage:
                    check_line(str(damage))
        read_policy(self.folder / CONFIRMED / "checkpoint_000000")

    def manifest(self):
        read_manifest(self.folder)

    def best(self):
        read_best(self.folder)

    def analysis(self):
        load_lineage(self.folder)
        verdict_on(load_sweep(self.folder))

    def state(self):
        for run in (self.folder / RUN, self.folder / CONFIRMED):
            results_of(run), refusal_of(run)
            with contextlib.suppress(saved_state.VersionError, saved_state.ForeignStateError):
                saved_head(run)
                saved_state.load(run, key=KEY)

    def resume(self):
        manifest = recorded_manifest(self.plan.folder)
        for phase in Phase:
            check_readable(self.folder / phase)
            saved_state.check_own(self.folder / phase, key=KEY)
        if manifest is not None and difference_of(manifest, manifest_of(self.plan)) is None:
            continued(manifest, manifest_of(self.plan), runs=True)
        lacks_runs(self.plan), chosen_configurations(self.plan)

    def warm_start(self):
        read_warm_start(self.folder, ppo.CORE | ppo.BATCH, trials=8, option="--warm-start")

    def retrain(self):
        original = Original.of(self.folder, "fuzzed_sweep")
        original.check_environment(ENV, trust=False)
        original.declared(self.plan.experiment)
        original.compared([0.5, 0.6])

    def policy(self):
        policy = load_policy(self.folder)
        policy.compute_action(policy.observation_space.sample())

    def slow(self):
        """What takes long, or writes: into a copy."""
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / "fuzzed_sweep" / "x"
            shutil.copytree(self.folder, copy, symlinks=True, copy_function=copied)
            kept_report(copy)
            tables.write_runs(
                load_sweep(copy), csv=Path(place) / "runs.csv", parquet=Path(place) / "runs.parquet"
            )
            write_report(copy, figures=False)
            with contextlib.suppress(CannotCompareError):
                write_comparison(compare(copy, self.folder), Path(place) / "comparison")
            replay(copy, episodes=2)
            for phase in Phase:
                tidy(copy / phase)


def copied(source, target):
    """Copies a file; of what is none, its kind."""
    if Path(source).is_file():
        shutil.copyfile(source, target)
    elif not Path(source).is_symlink():
        os.mkfifo(target)


def check_line(text):
    if "\n" in text or not text.isprintable() or len(text) > 1_000:
        raise AssertionError(f"no line for people: {text!r:.300}")


WORDS = (
    "default", "rllib", "trial_0001", "../trial_0001", "trial_²", "trial_٠٠٠١", "failed", "running", "nan",
    "", "\n", "\0", "a" * 999, "\ud800", "é", "\x1b[31m", "64x64-tanh", "sweeps/Trading-v0", "os:system",
    "pbt", "CartPole-v1", "asha", "true", "1e5", "\u202e",
)  # fmt: skip
NUMBERS = (
    0,
    -1,
    1,
    2,
    2**31,
    2**53,
    2**63,
    -(2**63),
    2**64,
    10**30,
    10**400,
    -(10**400),
    0.5,
    -0.0,
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
)


def value(rng, depth=0):
    """Any JSON value."""
    kind = rng.randrange(6 if depth > 2 else 8)
    if kind < 2:
        return rng.choice(NUMBERS)
    if kind < 4:
        return rng.choice(WORDS)
    if kind == 4:
        return rng.choice((None, True, False))
    if kind == 5:
        return "".join(
            chr(rng.choice((rng.randrange(128), rng.randrange(0x3000)))) for _ in range(rng.randrange(9))
        )
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {str(rng.choice(WORDS)): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def changed(content, rng):
    """A JSON value of which something at some depth is another, missing, new or twice there."""
    if isinstance(content, dict | list) and content and rng.random() < 0.85:
        copy = content.copy()
        place = rng.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        if rng.random() < 0.1:
            del copy[place]
        else:
            copy[place] = changed(copy[place], rng)
        return copy
    if isinstance(content, dict) and rng.random() < 0.4:
        return content | {rng.choice(WORDS): value(rng)}
    if isinstance(content, list) and rng.random() < 0.4:
        return [*content, value(rng)] * rng.choice((1, 2, 50))
    if isinstance(content, int | float) and not isinstance(content, bool) and rng.random() < 0.5:
        return rng.choice(NUMBERS)
    return value(rng)


def spoilt_value(name, content, rng):
    """A file's content with another value somewhere."""
    if name.endswith("yaml"):
        return yaml.safe_dump(changed(yaml.safe_load(content), rng), allow_unicode=True).encode(
            "utf-8", "replace"
        )
    if name.endswith("result.json"):
        lines = changed([json.loads(line) for line in content.splitlines()], rng)
        return "\n".join(
            json.dumps(line) for line in (lines if isinstance(lines, list) else [lines])
        ).encode()
    if name.endswith("ckpt"):
        head, _, rest = content.partition(b"\n")
        return json.dumps(changed(json.loads(head), rng)).encode() + b"\n" + rest
    if name.endswith("safetensors"):
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        if rng.random() < 0.5:
            about = changed(json.loads(header["__metadata__"]["policy"]), rng)
            header["__metadata__"]["policy"] = json.dumps(about)
        else:
            header = changed(header, rng)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + content[end:]
    return json.dumps(changed(json.loads(content), rng)).encode()


EXTREMES = (
    b"",
    b"\0",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 5_000,
    b"1e999",
    b'"\\ud800"',
    b"\xff\xfe",
    b"null",
    b"{}",
    b"[]",
    b"- " * 5_000,
    b"a: &a [*a]",
    b"!!python/name:os.system",
    b"{" * 3_000,
    b"? " * 3_000,
    b"\xef\xbb\xbf{}",
)


def spoilt_bytes(content, rng):
    """Content that was cut off, changed, doubled, or is something else."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(EXTREMES)
    if kind == 1:
        return content[: rng.randrange(len(content) + 1)]
    at = rng.randrange(len(content))
    if kind == 2:
        return content[:at] + rng.randbytes(rng.randrange(1, 9)) + content[at + rng.randrange(9) :]
    if kind == 3:
        to = min(len(content), at + rng.randrange(1, 200))
        return content[:to] + content[at:to] * rng.randrange(1, 4) + content[to:]
    if kind == 4:
        return content[:at] + rng.choice(EXTREMES)[:2_000] + content[at:]
    copy = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        copy[rng.randrange(len(copy))] = rng.randrange(256)
    return bytes(copy)


@contextlib.contextmanager
def replaced(path, rng):
    """A file of another kind in a file's place."""
    kept = path.with_name("kept")
    path.rename(kept)
    kind = rng.choice(("folder", "pipe", "socket", "loop", "nothing", "null"))
    listening = socket.socket(socket.AF_UNIX)
    try:
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            with contextlib.chdir(path.parent):
                listening.bind(path.name)
        elif kind != "nothing":
            path.symlink_to(path.name if kind == "loop" else "/dev/null")
        yield kind
    finally:
        listening.close()
        if kind == "folder":
            path.rmdir()
        elif kind != "nothing":
            path.unlink()
        kept.rename(path)


RUN_NAMES = (
    "trial_²",
    "trial_0001²",
    "trial_٠٠٠١",
    "trial_",
    "trial_99999999999",
    "default",
    "trial_0001_seed²",
    "trial_0001_seed99999999999",
    "rllib_seed0",
    "adapted_seed0",
    "ablation_00_seed0",
    "\udcff",
    "trial_0001\n",
    "trial_0001_seed1_seed2",
)


@contextlib.contextmanager
def renamed(run, rng):
    """A run's folder under another name."""
    other = run.with_name(rng.choice(RUN_NAMES))
    if other.exists():
        yield "as it is"
        return
    run.rename(other)
    try:
        yield other.name
    finally:
        other.rename(run)


@contextlib.contextmanager
def spoilt(folder, whole, rng):
    """The folder with one file or name spoilt; as it was afterwards."""
    name = rng.choice(list(whole))
    path, kind = folder / name, rng.random()
    if kind < 0.02:
        with replaced(path, rng) as what:
            yield name, what
    elif kind < 0.03:
        with renamed(folder / rng.choice((RUN, CONFIRMED)), rng) as what:
            yield "a run", repr(what)
    else:
        content = whole[name]
        content = spoilt_value(name, content, rng) if kind < 0.6 else spoilt_bytes(content, rng)
        path.write_bytes(content)
        try:
            yield name, repr(content[:2_000])
        finally:
            path.write_bytes(whole[name])


class Found:
    """What readers raised that they should not, once for each place."""

    def __init__(self):
        self.examples, self.counts = {}, Counter()

    def note(self, reader, what, error):
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        key = (type(error).__name__, reader, place)
        self.counts[key] += 1
        if key not in self.examples:
            self.examples[key] = (what, "".join(traceback.format_exception(error))[-3_000:])


def out_of_time(signum, frame):
    raise TimeoutError(f"more than {SECONDS} s")


def read(reader, name, what, found):
    """Reads, and notes what is wrong with how; returns whether the folder was refused."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        reader()
    except REFUSALS as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        try:
            check_line(str(error))
        except AssertionError as wrong:
            found.note(name, what, wrong)
        return True
    except Exception as error:  # which is what is looked for
        found.note(name, what, error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return False


def files_below(folder):
    """Every file that a reader reads, with what it holds."""
    names = ("manifest.json", "best.yaml", "rllib.json")
    runs = ("params.json", "state.json", "result.json", "schedule.json", "unfinished.ckpt")
    places = [*names, *(f"{run}/{name}" for run in (RUN, CONFIRMED) for name in runs)]
    places += [f"{CONFIRMED}/checkpoint_000000/policy.safetensors"]
    return {name: (folder / name).read_bytes() for name in places}


def fuzz(settings):
    """Makes inputs and returns what was found."""
    rng, found, refused = random.Random(settings.seed), Found(), 0
    signal.signal(signal.SIGPROF, out_of_time)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        folder, plan = whole_folder(Path(place))
        readers, whole = Readers(folder, plan), files_below(folder)
        quick = ("records", "manifest", "best", "state")
        wholes = ("analysis", "policy", "resume", "warm_start", "retrain")
        for name in (*quick, *wholes, "slow"):
            getattr(readers, name)()  # what is whole is read
        before, started = sorted(folder.rglob("*")), time.time()
        for number in range(settings.inputs):
            with spoilt(folder, whole, rng) as what:
                names = [*quick]
                names += [wholes[number // WHOLE_SHARE % len(wholes)]] if number % WHOLE_SHARE == 0 else []
                names += ["slow"] if number % SLOW_SHARE == 0 else []
                refusals = [read(getattr(readers, name), name, what, found) for name in names]
                refused += any(refusals)
            if number % 10_000 == 9_999:
                print(
                    f"{number + 1} inputs, {time.time() - started:.0f} s, {len(found.examples)} found",
                    flush=True,
                )
        if sorted(folder.rglob("*")) != before:
            found.note("all", ("", ""), AssertionError("files came or went"))
    return found, refused


def main():
    """Fuzzes, and prints what was found."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    settings = read_options(
        Settings, sys.argv[1:], program="python -m tests.faults.fuzz_readers", description=__doc__ or ""
    )
    found, refused = fuzz(settings)
    for key, (what, text) in found.examples.items():
        print(f"== {found.counts[key]} x {' in '.join(key)}\n{what}\n{text}")
    print(f"{settings.inputs} inputs: {refused} refused, {sum(found.counts.values())} raised something else")
    return 1 if found.examples else 0


if __name__ == "__main__":
    sys.exit(main())
