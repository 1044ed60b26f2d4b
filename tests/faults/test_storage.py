"""Storage that is full, read-only or taken away ends a sweep in one line, and the same command goes on."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.sweep.loading import load_sweep

pytestmark = pytest.mark.slow
SWEEP = Path(__file__).with_name("small_sweep.py")
GOES_ON = "; what is written so far is kept, and the same command goes on"


def start(storage):
    command = [sys.executable, str(SWEEP), "--name", "x", "--storage", str(storage), "--trials", "2"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def refused(running):
    """The one line that a sweep ends with."""
    out, err = running.communicate()
    assert running.returncode == 2, out + err
    assert err.count("\n") == 1, err
    (said,) = err.splitlines()
    return said.removeprefix("error: ")


def finished(folder):
    """Content of every file of every run that is over, but for checkpoints, which may go."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for state in folder.glob("*/*/state.json")
        for path in state.parent.rglob("*")
        if path.is_file() and "checkpoint_000000" not in path.parts
    }


def check_whole(folder, kept):
    assert kept.items() <= finished(folder).items()
    sweep = load_sweep(folder)
    assert sweep.trials["trial_id"].tolist() == ["trial_0000", "trial_0001"]
    assert len(sweep.confirmation) == (len(sweep.manifest.baselines) + 1) * 2
    assert {*sweep.trials["state"], *sweep.confirmation["state"]} == {"completed"}
    assert not [*folder.rglob("*.part"), *folder.rglob("*set-aside*"), *folder.rglob("lost.txt")]


def mount(*arguments):
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, of 64 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", disk):
        pytest.skip("whoever runs the tests may not mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_disk_that_fills_up_or_cannot_be_written_is_one_line_and_the_sweep_goes_on(disk, wait_until):
    folder = disk / SWEEP.stem / "x"
    running = start(disk)
    wait_until(lambda: any(folder.glob("search/*/result.json")), running)
    full = disk / "full"
    with full.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                break
    said = refused(running)
    assert said.startswith(f"{folder}")
    assert said.endswith(
        f": No space left on device; free some space, or choose another folder with --storage{GOES_ON}"
    )
    kept = finished(folder)

    assert mount("-o", "remount,ro", disk)
    assert (
        refused(start(disk))
        == f"{folder} cannot be written (Read-only file system): choose a folder that can"
    )
    assert mount("-o", "remount,rw", disk)

    full.unlink()
    running = start(disk)
    out, err = running.communicate()
    assert running.returncode == 0, out + err
    assert "continues: " in out
    check_whole(folder, kept)


def test_a_folder_that_is_taken_away_is_not_begun_again_in_its_place_and_goes_on_when_it_is_back(
    tmp_path, wait_until
):
    folder, away = tmp_path / "storage" / SWEEP.stem / "x", tmp_path / "away"
    (tmp_path / "storage").mkdir()
    running = start(tmp_path / "storage")
    kept = {}
    for phase in ("search", "confirm"):
        wait_until(lambda phase=phase: any(folder.glob(f"{phase}/*/result.json")), running)
        kept |= finished(folder)
        folder.rename(away)
        said = refused(running)
        # Named is the folder, or a file in it if that was to be written first.
        assert said.startswith(f"{folder}")
        assert "; see that it is there, and not moved or unmounted" in said
        assert said.endswith(GOES_ON)
        assert not folder.exists()
        away.rename(folder)
        running = start(tmp_path / "storage")
    out, err = running.communicate()
    assert running.returncode == 0, out + err
    check_whole(folder, kept)
