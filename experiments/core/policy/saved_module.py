"""Reader of a checkpoint's module: kind, layout and weights, without RLlib and torch.

The files are pickles. Of all that they name, only NumPy's arrays and what they consist of are made; nothing
else is imported or called.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_CONSTRUCTION, _STATE = "class_and_ctor_args.pkl", "module_state.pkl"
_PLAIN = "ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module.DefaultPPOTorchRLModule"
_NORMALISING = "experiments.core.fast_ppo.normalise.NormalisingPPOModule"
_CATALOG = "ray.rllib.algorithms.ppo.ppo_catalog.PPOCatalog"
_OF_NO_MATTER = {"observation_space", "action_space", "inference_only", "learner_only"}
"""Arguments of a module that do not change what it computes; the environment says what its spaces are."""


class UnknownModuleError(Exception):
    """Error of a module that only RLlib can build, or of damaged files; the message says what is unknown."""


@dataclass(frozen=True, kw_only=True)
class SavedModule:
    """Module of one of the two classes that are known here, as it was saved."""

    normalises: bool
    """Whether observations are normalised before the network sees them, by `obs_mean` and `obs_factor`."""
    layout: Mapping[str, Any]
    """RLlib's model configuration, by the names of its `DefaultModelConfig`."""
    weights: Mapping[str, Array]
    """Parameters and buffers by torch's names, such as `pi.net.mlp.0.weight`."""


def read(folder: Path) -> SavedModule:
    """Reads a module's folder in a checkpoint.

    Raises:
        UnknownModuleError: It is of another class, made by another catalog or from arguments that are not
            known here, or a file is missing or damaged.
    """
    try:
        made, weights = _load(folder / _CONSTRUCTION), _load(folder / _STATE)
        kind, (positional, named) = made["class"], made["ctor_args_and_kwargs"]
        layout, catalog = named["model_config"], named["catalog_class"]
        unknown = {*named} - _OF_NO_MATTER - {"model_config", "catalog_class"}
    except Exception as error:  # what is no such pickle may raise anything
        raise UnknownModuleError(f"{folder}: {type(error).__name__}: {error}") from error
    if kind not in (_PLAIN, _NORMALISING) or catalog != _CATALOG:
        raise UnknownModuleError(f"{folder}: {kind} of {catalog}")
    if positional or unknown or not (_is_named(layout) and _is_named(weights)):
        raise UnknownModuleError(f"{folder}: made from {positional} and {named}")
    return SavedModule(normalises=kind == _NORMALISING, layout=layout, weights=weights)


def _is_named(values: Any) -> bool:
    return isinstance(values, dict) and all(isinstance(name, str) for name in values)


class _Skipped:
    """Placeholder of a space, or of its generator; nothing of it is read."""

    def __new__(cls, *_: Any) -> _Skipped:
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


_MADE = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
}
_MADE_BY_NUMPY = {
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
}
"""What NumPy's arrays and numbers name in a pickle; the functions are private."""


class _Unpickler(pickle.Unpickler):
    """Unpickler that makes arrays; a module's and a catalog's class become their names."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns what stands in a name's place.

        Raises:
            UnpicklingError: A known module's files do not hold the name.
        """
        if (module, name) in _MADE:
            return _MADE[module, name]
        if (module, name) in _MADE_BY_NUMPY:
            return super().find_class(module, name)
        if module.startswith(("gymnasium.spaces.", "numpy.random.")):
            return _Skipped
        full = f"{module}.{name}"
        if full in (_PLAIN, _NORMALISING, _CATALOG):
            return full
        raise pickle.UnpicklingError(f"{full} is not known here")


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        return _Unpickler(file).load()
