"""A program that checks and replays twice, and says what files, sockets and processes it holds each time."""

import sys
from dataclasses import replace
from pathlib import Path

from simulator_sweep import EXPERIMENT

from envs.check import main as check_env
from experiments import check, replay
from experiments.core.errors import UserError


def held():
    """Counts open files and sockets, and child processes."""
    children = [task.joinpath("children").read_text().split() for task in Path("/proc/self/task").iterdir()]
    return len([*Path("/proc/self/fd").iterdir()]), sum(map(len, children))


FOLDER = sys.argv[1]
RAISING = replace(EXPERIMENT, env_parameters={"raises_at": 7})
JOBS = {
    "envs.check": lambda: check_env([EXPERIMENT.env, "--steps", "30"]),
    "check": lambda: check(EXPERIMENT),
    "check async": lambda: check(replace(EXPERIMENT, vectorization="async")),
    "a refused check": lambda: check(RAISING),
    "replay": lambda: replay(FOLDER, episodes=3),
}

if __name__ == "__main__":
    for job in JOBS.values():
        counts = []
        for _ in range(2):
            try:
                job()
            except UserError as refusal:
                print(refusal)
            counts.append(held())
        print(f"held: {counts[0]} / {counts[1]}")
