"""`python -m experiments.core.policy serve FOLDER`: a trained policy for programs such as `envs.play`."""

from __future__ import annotations

import sys

from experiments.core.policy.serving import serve

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder]:
            serve(folder, sys.stdin, sys.stdout)
        case _:
            sys.exit("error: expected: python -m experiments.core.policy serve FOLDER")
