"""Every benchmark is run by one of the Makefile's targets, and only what is a script."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_benchmark_script_belongs_to_exactly_one_target():
    makefile = (ROOT / "Makefile").read_text()
    named = [
        name
        for words in re.findall(r"^(?:LONG_)?BENCHMARKS := (.*)$", makefile, re.M)
        for name in words.split()
    ]
    scripts = [
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    ]
    assert sorted(named) == sorted(scripts)
