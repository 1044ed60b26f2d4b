"""Parameters of a network in one buffer, with Adam's moments beside them.

Native functions work on these vectors. The parameters stay what they were, as views of them: modules,
checkpoints and RLlib's optimiser keep working.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatParameters:
    """Parameters and Adam's moments as vectors [P] in the same order.

    Args:
        parameters: Of a module; each one's `data` becomes a view of the vector.

    Attributes:
        values: The parameters.
        starts: Where each parameter begins among them, by its `id`.
        mean: Adam's mean of their gradients.
        square: Adam's mean of their gradients' squares.
        count: Number of Adam's steps, [1], float32.
    """

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self._parameters = parameters
        starts = torch.tensor([0] + [p.numel() for p in parameters]).cumsum(0).tolist()
        self.starts = {id(p): int(start) for p, start in zip(parameters, starts, strict=False)}
        flat = _shared_vector(parameters)
        if flat is None:
            flat = torch.cat([p.detach().reshape(-1) for p in parameters])
            for p, value in zip(parameters, self._views(flat), strict=True):
                p.data = value
        self.values = flat.numpy()
        moments = torch.zeros(2, len(flat))
        self._moments, self._count = moments, torch.zeros(1)
        self.mean, self.square, self.count = moments[0].numpy(), moments[1].numpy(), self._count.numpy()

    def _views(self, vector: Tensor) -> list[Tensor]:
        pieces = torch.split(vector, [p.numel() for p in self._parameters])
        return [piece.view(p.shape) for piece, p in zip(pieces, self._parameters, strict=True)]

    def share_moments(self, optimizer: torch.optim.Adam) -> None:
        """Has an optimiser hold these vectors, which take over its state, unless it holds them already."""
        means, squares = self._views(self._moments[0]), self._views(self._moments[1])
        state, count = optimizer.state, self._count.view(())
        first = state.get(self._parameters[0])
        if first and first["exp_avg"].data_ptr() == means[0].data_ptr():
            return
        for p, mean, square in zip(self._parameters, means, squares, strict=True):
            before = state.get(p) or {"step": 0.0, "exp_avg": torch.zeros(()), "exp_avg_sq": torch.zeros(())}
            mean.copy_(before["exp_avg"])
            square.copy_(before["exp_avg_sq"])
            count.fill_(float(before["step"]))
            state[p] = {"step": count, "exp_avg": mean, "exp_avg_sq": square}


def _shared_vector(parameters: list[nn.Parameter]) -> Tensor | None:
    """The vector of which the parameters are views already, if another network was made of them before."""
    first, end = parameters[0], parameters[0].storage_offset()
    for p in parameters:
        alike = p.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        if not (alike and p.storage_offset() == end and p.is_contiguous()):
            return None
        end += p.numel()
    return first.detach().as_strided((end - first.storage_offset(),), (1,))
