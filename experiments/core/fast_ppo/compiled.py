"""Compiled gradient steps, made once for each layout on a machine and loaded in milliseconds.

Torch's ahead-of-time compiler (AOTInductor) fuses the many small operations of a step. It runs in a process
of its own, so that no trial carries it in memory, and leaves a file in torch's cache folder that every trial
of every sweep on the machine loads.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor

from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.gradient_step import NUMBERS, GradientStep
from experiments.core.fast_ppo.layered import LayeredNetwork
from experiments.core.fast_ppo.layers import Dense, Silu
from experiments.core.fast_ppo.loss import Coefficients, Minibatch, SampleLossTerms
from experiments.core.fast_ppo.network import Network
from experiments.core.fast_ppo.parameters import FlatParameters
from experiments.core.torch_internals import compile_ahead, load_compiled

_ROWS, _FEWEST_ROWS = 64, 2
"""Rows of the minibatch that a step is traced with; the compiled one takes any number from the second on."""
_FUSED_PRODUCTS = 2**21
"""Multiplications of a matrix product from which fusing the operations around it gains nothing."""
_SOURCES = ("compiled", "distribution", "gradient_step", "layered", "layers", "loss")
"""Modules whose text decides what is compiled."""


def compiles(network: Network, rows: int) -> bool:
    """Whether a compiled step would be the faster one for a network and a minibatch of so many rows.

    It is where operations are small: at two layers of 64 units it takes 0.4 times as long with 64 rows, 0.5
    to 0.7 times with 128 and 256, and as long with 512. Large matrix products are oneDNN's in the step that
    is not compiled, and convolutions take most of their networks' time.
    """
    if rows < _FEWEST_ROWS:  # tracing takes a single row for a constant
        return False
    return isinstance(network, LayeredNetwork) and all(
        isinstance(layer, Silu)
        or (isinstance(layer, Dense) and rows * layer.weight.numel() < _FUSED_PRODUCTS)
        for layer in network.layers
    )


class CompilationError(Exception):
    """A step cannot be compiled on this machine."""


class CompiledStep:
    """A compiled gradient step, bound to one learner's parameters.

    Args:
        network: What is trained; one that `compiles`.
        distribution: What its logits mean.
        flat: Its parameters.
        example: Some minibatch; only widths and types are used.

    Raises:
        CompilationError: The compiler failed, now or when it was tried before.
    """

    def __init__(
        self, network: Network, distribution: ActionDistribution, flat: FlatParameters, example: Minibatch
    ) -> None:
        assert isinstance(network, LayeredNetwork), "other networks are differentiated by torch"
        self._flat = flat
        self._numbers = torch.zeros(len(NUMBERS))
        step = GradientStep(network, distribution, flat.adam)
        state = [*flat.vectors, self._numbers]
        self._run = load_compiled(_package(step, state, example))

    def prepare(self, weights: Coefficients, grad_clip: float | None) -> None:
        """Takes the numbers of an update."""
        limit = grad_clip or float("inf")
        self._numbers.copy_(torch.tensor([*weights, limit, self._flat.lr]))

    def __call__(self, batch: Minibatch) -> tuple[Tensor, SampleLossTerms]:
        """One gradient step; gives the gradient's norm before clipping, and the terms of its loss."""
        norm, *terms = self._run([*self._flat.vectors, self._numbers, *batch])
        return norm, SampleLossTerms(*terms)


def _package(step: GradientStep, state: list[Tensor], example: Minibatch) -> Path:
    """The compiled file for a step, compiled now if there is none; others that want it wait meanwhile."""
    rows = [torch.zeros((_ROWS, *column.shape[1:]), dtype=column.dtype) for column in example]
    package = _cache() / f"{_key(step, state, rows)}.pt2"
    failure = package.with_suffix(".error")
    package.parent.mkdir(parents=True, exist_ok=True)
    if not package.exists():
        with FileLock(package.with_suffix(".lock")):
            if not package.exists() and not failure.exists():
                _compile_in_a_child(
                    (step, [torch.zeros_like(tensor) for tensor in state], rows), package, failure
                )
    if failure.exists():
        raise CompilationError(failure.read_text(encoding="utf-8"))
    return package


def _compile_in_a_child(
    what: tuple[GradientStep, list[Tensor], list[Tensor]], package: Path, failure: Path
) -> None:
    """Leaves the package, whole, or why there is none, so that nobody tries again."""
    with tempfile.TemporaryDirectory(dir=package.parent) as folder:
        part = Path(folder, package.name)
        done = subprocess.run(
            [sys.executable, "-m", "experiments.core.fast_ppo.compiled", part],
            input=pickle.dumps(what), capture_output=True, check=False,
        )  # fmt: skip
        if part.exists():
            part.replace(package)
        else:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            failure.write_text(lines[-1] if lines else f"exit code {done.returncode}", encoding="utf-8")


def _cache() -> Path:
    """Where torch keeps what it has compiled."""
    default = Path(tempfile.gettempdir(), f"torchinductor_{getpass.getuser()}")
    return Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR", default), "ppo_sweeps")


def _key(step: GradientStep, state: list[Tensor], rows: list[Tensor]) -> str:
    """Names everything that the compiled code depends on."""
    folder = Path(__file__).parent
    told = (
        torch.__version__, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(),
        [(folder / f"{name}.py").read_text(encoding="utf-8") for name in _SOURCES],
        step.signature(), [(tuple(t.shape), str(t.dtype)) for t in (*state, *rows)],
    )  # fmt: skip
    return hashlib.sha256(repr(told).encode()).hexdigest()[:24]


def _compile(payload: bytes, package: Path) -> None:
    step, state, rows = pickle.loads(payload)
    torch.set_num_threads(1)
    any_rows = {0: torch.export.Dim("rows", min=_FEWEST_ROWS, max=2**20)}
    shapes = (*[None] * len(state), *[any_rows] * len(rows))
    with torch.no_grad():
        program = torch.export.export(step, (*state, *rows), dynamic_shapes=shapes, strict=False)
    compile_ahead(program, package)


if __name__ == "__main__":
    _compile(sys.stdin.buffer.read(), Path(sys.argv[1]))
