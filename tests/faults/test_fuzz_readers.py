"""Every reader of a sweep folder reads what is spoilt, or says in one line what is damaged."""

import pytest

pytestmark = pytest.mark.slow


def test_no_reader_raises_anything_but_one_line_of_its_own(run_python):
    done = run_python("-m", "tests.faults.fuzz_readers", "--inputs", "1200")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("1200 inputs: ")
    assert last.endswith(" refused, 0 raised something else")
    assert int(last.split()[2]) > 200, "most damage is damage"
