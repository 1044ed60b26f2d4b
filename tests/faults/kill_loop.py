"""Kills of real sweeps at random moments, each followed by the same command, and what is left afterwards.

    python -m tests.faults.kill_loop --kills 100

Sweeps of real PPO trials are killed in their check, search, confirmation and report: the whole tree of
processes, the driver alone, or a process that trains. After each kill no process may be left, no lock may
block, and nothing of a run that had ended may have changed. A sweep that has come to its end has each run
exactly once, both baselines among them, and curves that are those of the same configurations and seeds
trained without a stop, bit for bit but for times. One line for each kill, a table at the end; what does not
hold makes the exit code 1.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from analysis.command_line import read_options
from analysis.sweep import Phase, is_partial, load_sweep, trial_name
from analysis.sweep.layout import (
    LOCK_FILE,
    PARAMS_FILE,
    REPORT_FILE,
    RESULT_FILE,
    STATE_FILE,
    UNFINISHED_FILE,
)
from experiments.core.planning import Options, Plan
from experiments.core.records import CONFIGURATION
from experiments.core.tuning import quiet_libraries

SWEEP = Path(__file__).with_name("small_sweep.py")
MARKER = "KILL_LOOP"
"""Variable that every process of a sweep inherits."""
CLOCK = ("wall_s", "steps_per_s")
"""What no two runs share."""
KINDS = ("tree", "driver", "trainer")
MOMENTS = ("check", *Phase, "report")
KILLS_OF_A_SWEEP = 8
"""More than this, and a sweep would be killed while it starts again and again."""
GONE_S = 60.0
"""Seconds in which all processes of a sweep whose driver is gone have to end."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Options of the loop."""

    kills: int = 20
    """How many in all."""
    seed: int = 0
    """Decides what is killed and when, as far as the machine's timing allows."""
    minutes: float | None = None
    """Begins no further sweep after so many."""


@dataclass
class Outcome:
    """What was seen."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By moment and by what was killed."""
    sweeps: int = 0
    kept: int = 0
    """Times that a run which had ended was looked at again."""
    compared: int = 0
    """Runs whose curves were compared."""
    went_on: int = 0
    """Of these, those that were cut off and went on from what they had saved."""
    slowest_end_s: float = 0.0
    """Seconds until the last process had ended after a kill of the driver or the tree."""
    faults: list[str] = field(default_factory=list)
    """What does not hold."""


def processes(marker: str, *, titled: str = "") -> list[int]:
    """Returns the processes of a sweep, by the variable that they inherited; zombies are none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_its = f"{MARKER}={marker}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if is_its and titled.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def title_of(number: int) -> str:
    """Returns what a process is called, its state, and what it waits in; "" if it is gone."""
    with contextlib.suppress(OSError):
        folder = Path("/proc") / str(number)
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{command.strip()[:80]} ({state}, {(folder / 'wchan').read_text()})"
    return ""


def kill_all(numbers: list[int]) -> None:
    """Kills processes, those that have just ended not among them."""
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@dataclass
class Sweep:
    """One sweep of the loop, and the process that works on it at present."""

    storage: Path
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    went_on: set[str] = field(default_factory=set)
    """Runs that had saved themselves and were cut off."""
    known: dict[Path, tuple[int, str]] = field(default_factory=dict)
    """Records of the runs that had ended when they were last looked at."""

    @property
    def folder(self) -> Path:
        return self.storage / SWEEP.stem / "x"

    def start(self) -> None:
        """Starts the command, the same each time."""
        environment = {**os.environ, MARKER: str(self.storage), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(SWEEP), "--name", "x", "--storage", str(self.storage)]
        self.started = time.time()
        with (self.storage / "printed.txt").open("ab") as printed:
            self.running = subprocess.Popen(
                command, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True, env=environment
            )

    def moment(self) -> str:
        """Returns what the sweep is doing, by what this start has left on disk so far."""
        if self.has_written(self.folder / REPORT_FILE) or self.has_written(self.folder / "rllib.json"):
            return "report"
        for phase in reversed(Phase):
            if any(self.has_written(path) for path in (self.folder / phase).glob(f"*/{RESULT_FILE}")):
                return phase
        return "check"

    def has_written(self, path: Path) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_mtime > self.started
        return False

    def unfinished(self) -> set[str]:
        """Returns the runs that could go on, since they have saved themselves and have not ended."""
        saved = self.folder.glob(f"*/*/{UNFINISHED_FILE}")
        return {f"{path.parents[1].name}/{path.parent.name}" for path in saved if not ended(path.parent)}


def ended(run: Path) -> bool:
    return (run / STATE_FILE).exists()


def records(folder: Path) -> dict[Path, tuple[int, str]]:
    """Returns time and hash of every file of every run that has ended, but for checkpoints that may go."""
    return {
        path: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for state in folder.glob(f"*/*/{STATE_FILE}")
        for path in state.parent.rglob("*")
        if path.is_file() and not any(part.startswith("checkpoint_") for part in path.parts)
    }


def curve(run: Path) -> str:
    """Returns a run's evaluations without times, as text, in which NaN equals itself."""
    results = [json.loads(line) for line in (run / RESULT_FILE).read_text().splitlines()]
    return json.dumps(
        [{name: value for name, value in each.items() if name not in CLOCK} for each in results]
    )


class Undisturbed:
    """Curves of runs that nothing disturbed, each trained once, in this process."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], str] = {}
        spec = importlib.util.spec_from_file_location(SWEEP.stem, SWEEP)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.plan = Plan.of(module.EXPERIMENT, Options(), name=SWEEP.stem, question="")

    def curve(self, run: Path) -> str:
        """Returns the curve that a run's configuration and seed give in one go."""
        key = run.parent.name, (run / PARAMS_FILE).read_text()
        if key not in self._curves:
            self._curves[key] = self._trained(json.loads(key[1]))
        return self._curves[key]

    def _trained(self, config: dict[str, object]) -> str:
        import ray

        from experiments.core.training import PPOTrial

        if not ray.is_initialized():  # building an Algorithm needs one
            ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        trial = PPOTrial.__new__(PPOTrial)
        trial._storage = None
        trial.setup(config, self.plan.task())
        results = [trial.step()]
        while not results[-1]["done"]:
            results.append(trial.step())
        trial.cleanup()
        left_out = (*CLOCK, "done", CONFIGURATION)
        return json.dumps([{name: r[name] for name in r if name not in left_out} for r in results])


def look_at_kept(sweep: Sweep, outcome: Outcome) -> int:
    """Checks that runs which had ended have not changed since, and returns how many there are by now."""
    now = records(sweep.folder)
    changed = [path for path, content in sweep.known.items() if now.get(path) != content]
    outcome.faults += [f"{path} of a run that had ended has changed" for path in changed]
    sweep.known = now
    runs = len({path for path in now if path.name == STATE_FILE})
    outcome.kept += runs
    return runs


def kill(sweep: Sweep, kind: str, outcome: Outcome) -> str:
    """Kills what is meant, and returns in words what came of it."""
    running, cut_off = sweep.running, sweep.unfinished()
    look_at_kept(sweep, outcome)
    assert running is not None
    marker = str(sweep.storage)
    if kind == "trainer":
        kill_all(processes(marker, titled="Trainable")[:1])
        said = "a process that trains"
    else:
        started = time.monotonic()
        os.kill(running.pid, signal.SIGKILL)
        while kind == "tree" and (left := processes(marker)):
            kill_all(left)
        running.wait()
        while processes(marker) and time.monotonic() - started < GONE_S:
            time.sleep(0.05)
        took = time.monotonic() - started
        outcome.slowest_end_s = max(outcome.slowest_end_s, took)
        if left := processes(marker):
            titles = ", ".join(sorted({title_of(number) for number in left}))
            outcome.faults.append(f"{marker}: outliving their driver by {GONE_S:g} s: {titles}")
            kill_all(left)
        sweep.running = None
        said = f"the {kind}, all of whose processes were gone after {took:.1f} s"
    sweep.went_on |= cut_off
    runs = look_at_kept(sweep, outcome)
    return f"{said}; {runs} runs had ended, {len(cut_off)} more had saved themselves"


def verify(sweep: Sweep, undisturbed: Undisturbed, outcome: Outcome) -> None:
    """Looks at a sweep that has come to its end."""
    folder, plan = sweep.folder, undisturbed.plan
    loaded = load_sweep(folder)
    trials = [trial_name(number) for number in range(plan.experiment.budget.trials)]
    seeds = range(plan.experiment.confirmation.maximum)
    confirmed = set(loaded.confirmation["config_id"])
    runs = {f"{config}_seed{k}" for config in confirmed for k in seeds}
    checks = {
        "trials": sorted(loaded.trials["trial_id"]) == trials,
        "confirmation runs": sorted(loaded.confirmation["trial_id"]) == sorted(runs),
        "baselines": plan.baselines.keys() <= confirmed and len(confirmed) == len(plan.baselines) + 1,
        "states": {*loaded.trials["state"], *loaded.confirmation["state"]} == {"completed"},
        "report": (folder / REPORT_FILE).exists(),
        "leftovers": not [
            p for p in folder.rglob("*") if is_partial(p) or p.name in (LOCK_FILE, UNFINISHED_FILE)
        ],
        "set aside": not list(folder.glob("*/*.set-aside-*")),
    }
    outcome.faults += [f"{folder}: wrong {name}" for name, holds in checks.items() if not holds]
    for run in sorted(path.parent for path in folder.glob(f"*/*/{STATE_FILE}")):
        outcome.compared += 1
        outcome.went_on += f"{run.parent.name}/{run.name}" in sweep.went_on
        if curve(run) != undisturbed.curve(run):
            outcome.faults.append(f"{run}: its curve is another one than without a stop")
    outcome.sweeps += 1


def wait_for(sweep: Sweep, moment: str, more_s: float) -> bool:
    """Waits until the sweep is at a moment, or beyond, and some time more; returns whether it still runs."""
    running = sweep.running
    assert running is not None
    while running.poll() is None and MOMENTS.index(sweep.moment()) < MOMENTS.index(moment):
        time.sleep(0.02)
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(timeout=more_s)
    return running.poll() is None


def disturb(sweep: Sweep, kills: int, chance: random.Random, outcome: Outcome) -> None:
    """Kills a sweep so many times, earlier moments first, and lets it come to its end."""
    moments = sorted(chance.choices(MOMENTS, weights=(1, 4, 4, 1), k=kills), key=MOMENTS.index)
    for moment in moments:
        kind, more_s = chance.choice(KINDS), chance.uniform(0.0, 3.0 if moment != "report" else 1.0)
        if sweep.running is None:
            sweep.start()
        if not wait_for(sweep, moment, more_s):
            break
        at = sweep.moment()
        if kind == "trainer" and not processes(str(sweep.storage), titled="Trainable"):
            kind = "tree"
        said = kill(sweep, kind, outcome)
        outcome.kills[at, kind] += 1
        print(f"kill {outcome.kills.total()}: {sweep.storage.name}, in the {at}: {said}", flush=True)
    if sweep.running is None:
        sweep.start()
    assert sweep.running is not None
    code = sweep.running.wait()
    if code != 0:
        printed = (sweep.storage / "printed.txt").read_text().splitlines()[-3:]
        outcome.faults.append(f"{sweep.storage}: the command ended with {code}: {' / '.join(printed)}")
    look_at_kept(sweep, outcome)


def loop(settings: Settings, root: Path, outcome: Outcome) -> None:
    """Kills sweeps until there were as many kills as asked for."""
    chance, undisturbed = random.Random(settings.seed), Undisturbed()
    started = time.monotonic()
    while (left := settings.kills - outcome.kills.total()) > 0:
        if settings.minutes is not None and time.monotonic() - started > 60 * settings.minutes:
            break
        sweep = Sweep(root / f"sweep_{outcome.sweeps}")
        sweep.storage.mkdir()
        faults = len(outcome.faults)
        try:
            disturb(sweep, min(left, chance.randint(3, KILLS_OF_A_SWEEP)), chance, outcome)
        finally:
            kill_all(processes(str(sweep.storage)))
        if len(outcome.faults) == faults:
            verify(sweep, undisturbed, outcome)
        else:
            outcome.sweeps += 1


def print_table(outcome: Outcome) -> None:
    """Prints what was killed when, and what was seen."""
    print(f"\n{'kills':<10}" + "".join(f"{kind:>10}" for kind in KINDS))
    for moment in MOMENTS:
        print(f"{moment:<10}" + "".join(f"{outcome.kills[moment, kind]:>10}" for kind in KINDS))
    print(f"\n{outcome.kills.total()} kills of {outcome.sweeps} sweeps")
    print(f"{outcome.kept} times a run that had ended was looked at again")
    print(f"{outcome.compared} curves were compared, {outcome.went_on} of them of runs that went on")
    print(f"{outcome.slowest_end_s:.1f} s at most until every process was gone")
    print(f"{len(outcome.faults)} faults")
    for fault in outcome.faults:
        print(f"fault: {fault}")


def main() -> int:
    """Runs the loop, and prints what was found."""
    settings = read_options(
        Settings, sys.argv[1:], program="python -m tests.faults.kill_loop", description=__doc__ or ""
    )
    outcome = Outcome()
    with (
        quiet_libraries(debug=False),
        tempfile.TemporaryDirectory() as root,
        contextlib.suppress(KeyboardInterrupt),
    ):
        loop(settings, Path(root), outcome)
    print_table(outcome)
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
