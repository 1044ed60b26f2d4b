"""Whatever is wrong on a command line of envs is one line."""

import pytest


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("envs/__main__.py", ["--wrong"], "unrecognized arguments: --wrong; see python -m envs --help"),
        ("envs/check.py", [], "are required: target, parameters; see python -m envs.check --help"),
        ("envs/check.py", ["x", "--steps", "y"], "--steps: invalid int value: 'y'; see python -m envs.check"),
        ("envs/gallery.py", [], "are required: out, ids; see python -m envs.gallery --help"),
        ("envs/catalogue.py", [], "are required: out; see python -m envs.catalogue --help"),
        ("envs/play/__main__.py", ["x", "y"], "unrecognized arguments: y; see python -m envs.play --help"),
    ],
)
def test_a_wrong_command_line_is_one_line(run_here, script, arguments, message):
    done = run_here(script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
