"""What an environment prints is kept beside its run, and printing is never what ends it."""

import subprocess
import sys

from experiments.core.records import RunOutput
from experiments.core.records.output import MOST_CHARACTERS


def test_a_run_that_prints_nothing_has_no_file(tmp_path):
    RunOutput(tmp_path / "run").close()
    assert not (tmp_path / "run").exists()


def test_lines_of_the_environment_and_of_its_processes_are_kept_and_added_to(tmp_path):
    for start in ("first", "second"):
        output = RunOutput(tmp_path)
        print(f"{start} ü \ud800", file=output)
        subprocess.run([sys.executable, "-c", "print('simulator')"], stdout=output, check=True)
        output.close()
    lines = (tmp_path / "output.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["first ü \\ud800", "simulator", "second ü \\ud800", "simulator"]


def test_a_flood_is_cut_off(tmp_path):
    output = RunOutput(tmp_path)
    for _ in range(30):
        assert output.write("x" * 100_000) == 100_000
    output.close()
    text = (tmp_path / "output.txt").read_text()
    assert text.endswith("\n... only the first 1,000,000 characters are kept\n")
    assert text.count("x") == MOST_CHARACTERS


def test_what_cannot_be_written_is_lost_without_an_error(tmp_path):
    (tmp_path / "run").write_text("a file where the folder should be")
    output = RunOutput(tmp_path / "run")
    print("lost", file=output)
    print("lost, too", file=output)
