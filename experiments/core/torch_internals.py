"""Private names of torch that the suite depends on, each behind a function with a public name.

No other module names anything private of torch. Each name is here because torch has no public way to the same
thing, or one that costs a multiple, and each has a test that fails when a release drops or changes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_COMPILER = "torch._dynamo"
HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
"""Whether this torch was built with oneDNN."""


@contextmanager
def without_compiler() -> Iterator[None]:
    """Builds RLlib's algorithm without importing `torch._dynamo` and `torch._inductor`.

    They take 70 MiB and a second of every trial actor, and torch imports them for two things that have no
    effect where nothing is compiled: to note in the compiler's settings, too, that deterministic algorithms
    are wanted (RLlib's seeding), and to exempt the optimiser's methods from compilation when they are first
    called. Where the compiler is loaded, torch keeps its way.
    """
    if _COMPILER in sys.modules:
        yield
        return
    for method in vars(torch.optim.Optimizer).values():
        plain = getattr(method, "__wrapped__", None)
        if plain is not None and getattr(method, "__module__", "") == torch.optim.Optimizer.__module__:
            # Where `torch._disable_dynamo` looks for the exempted method.
            plain.__dynamo_disable = plain
    original = torch.use_deterministic_algorithms
    torch.use_deterministic_algorithms = _deterministic
    try:
        yield
    finally:
        torch.use_deterministic_algorithms = original


def _deterministic(mode: bool, *, warn_only: bool = False) -> None:
    torch._C._set_deterministic_algorithms(mode, warn_only=warn_only)


def fused_adam(
    values: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: Tensor,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """Makes a step of Adam in place, by the kernel that `torch.optim.Adam(fused=True)` calls.

    Around it `torch.optim.adam.adam` spends twice the time that the kernel takes for 9,000 parameters, and
    the optimiser itself more.

    Args:
        values: [P] parameters.
        gradient: [P].
        mean: [P] first moments.
        square: [P] second moments.
        step: Number of this step, from 1, a scalar.
        lr: Learning rate.
        betas: Decays of the two moments.
        eps: What is added to the denominator.
        weight_decay: L2 penalty.
    """
    torch._fused_adam_(
        [values], [gradient], [mean], [square], [], [step],
        lr=lr, beta1=betas[0], beta2=betas[1], weight_decay=weight_decay, eps=eps,
        amsgrad=False, maximize=False,
    )  # fmt: skip


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Returns `x @ weight.T + bias` by oneDNN, whatever BLAS torch was built with; needs `HAS_ONEDNN`.

    Torch's public functions choose the BLAS for float32.
    """
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def compile_ahead(program: torch.export.ExportedProgram, package: Path) -> None:
    """Compiles an exported program to machine code, into a file that :func:`load_compiled` reads."""
    torch._inductor.aoti_compile_and_package(program, package_path=package.as_posix())


def load_compiled(package: Path) -> Callable[[list[Tensor]], Any]:
    """Returns the compiled program in a file, without the import of torch's compiler.

    Its public loader, `torch._inductor.aoti_load_package`, imports it.
    """
    run: Callable[[list[Tensor]], Any] = torch._C._aoti.AOTIModelPackageLoader(
        package.as_posix(), "model", False, 1, -1
    ).run
    return run
