"""A process that trains ends with Ray, whatever a user's code has left behind in it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TRAINER = """
import os, threading
from experiments.core.training.watch import end_with_ray
end_with_ray()
threading.Thread(target=threading.Event().wait).start()
print(os.getpid(), flush=True)
"""
NODE = """
import os, subprocess, sys
os.environ["RAY_RAYLET_PID"] = str(os.getpid())
trainer = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
sys.stdin.read()
os._exit(0)
"""


def test_a_process_with_threads_that_never_end_ends_once_its_node_is_gone():
    node = subprocess.Popen(
        [sys.executable, "-c", NODE, TRAINER],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    trainer = int(node.stdout.readline())
    assert Path(f"/proc/{trainer}").exists()
    node.stdin.close()
    node.wait()
    # The pipe that both write to is at its end when both are gone.
    assert node.stdout.read() == ""
    node.stdout.close()
