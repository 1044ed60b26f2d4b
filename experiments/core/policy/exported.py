"""Trained policy as a file without code: its weights as safetensors, what they mean as JSON in the header.

Whoever reads it gets numbers and text that were checked against their types; nothing is imported or called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

import gymnasium as gym
import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from analysis.sweep import NOT_TYPED, POLICY_FILE, DamagedError, Record, content_of, parsed, write_bytes
from envs.spaces import in_brief, to_text
from experiments.core.environments import ActionPart, action_decoder

Array = NDArray[Any]

FORMAT: Final = 1
"""Number of the file's form; it rises where an older release would misread it."""
LARGEST: Final = 2**31
"""Bytes of a file, far above any layout that has a name."""
_ABOUT: Final = "policy"
"""Key of the description in the header, whose values are text."""
_NUMBERS: Final = frozenset(
    {"F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL"}
)
_PLAIN: Final = "ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module.DefaultPPOTorchRLModule"
_NORMALISING: Final = "experiments.core.fast_ppo.normalise.NormalisingPPOModule"
_CATALOG: Final = "ray.rllib.algorithms.ppo.ppo_catalog.PPOCatalog"
_VALUES: Final = ("vf.", "encoder.critic_encoder.")
"""How the weights begin that only training needs."""
_ELSEWHERE: Final = ("lstm_", "max_seq_len", "fusionnet_")
"""How settings begin that matter to recurrent layouts and to other algorithms only."""
_AT_FIRST: Final = ("_initializer", "_initializer_kwargs")
"""How settings end that say what weights training starts with."""

Number = int | float
Setting = None | bool | Number | str | list[Number | list[Number]]
"""What a setting of a layout may be; a convolution is channels, kernel and stride."""


class UnknownModuleError(Exception):
    """Error of a module that is none of those known here, or of weights that do not fit; it says what."""


class _LeafDistribution(Struct, frozen=True, kw_only=True):
    """A leaf of the action space, and its distribution."""

    kind: str
    sizes: tuple[int, ...]


class Description(Record, frozen=True, kw_only=True):
    """What the weights of a policy mean."""

    format: int
    normalises: bool
    """Whether observations are normalised before the network sees them, by `obs_mean` and `obs_factor`."""
    layout: dict[str, Setting]
    """RLlib's model configuration, by the names of its `DefaultModelConfig`."""
    observation_space: str
    """Space that the policy reads, as :mod:`envs.spaces.text` writes it; for people."""
    action_space: str
    """Space that it acts in, likewise."""
    distribution: tuple[_LeafDistribution, ...]
    """What the logits mean, leaf by leaf of the action space."""
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    """Versions that wrote it."""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format}, and this release reads {FORMAT}")


class ExportedPolicy(Struct, frozen=True, kw_only=True):
    """Weights of a policy, and what they mean."""

    about: Description
    weights: Mapping[str, Array]
    """Parameters and buffers by torch's names, such as `pi.net.mlp.0.weight`."""

    @classmethod
    def of(cls, module: Any, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> Self:
        """Describes one of RLlib's modules, and takes the weights out of it that acting needs.

        Args:
            module: The module.
            observation_space: Space of one observation that it was trained on.
            action_space: Space of one action.

        Raises:
            UnknownModuleError: It is of another class than the two that are known here, or was made from
                settings that are no plain values.
        """
        kind = _name(type(module))
        _, made_from = module.get_ctor_args_and_kwargs()
        settings = made_from["model_config"]
        layout = {n: settings[n] for n in settings if not (n.startswith(_ELSEWHERE) or n.endswith(_AT_FIRST))}
        if kind not in (_PLAIN, _NORMALISING) or _name(made_from["catalog_class"]) != _CATALOG:
            raise UnknownModuleError(f"{kind} of {_name(made_from['catalog_class'])}")
        try:
            typed = msgspec.convert(layout, dict[str, Setting])
        except msgspec.ValidationError as error:
            raise UnknownModuleError(f"a layout of {layout}: {error}") from error
        parts = action_decoder(action_space).parts
        about = Description(
            format=FORMAT,
            normalises=kind == _NORMALISING,
            layout=typed,
            observation_space=_described(observation_space),
            action_space=_described(action_space),
            distribution=tuple(_LeafDistribution(kind=part.kind, sizes=part.sizes) for part in parts),
            versions=_versions(),
        )
        weights = {
            name: np.ascontiguousarray(values)
            for name, values in module.get_state().items()
            if not name.startswith(_VALUES)
        }
        return cls(about=about, weights=weights)

    @property
    def parts(self) -> tuple[ActionPart, ...]:
        """What the logits mean."""
        return tuple(ActionPart(part.kind, part.sizes) for part in self.about.distribution)


def write_policy(folder: Path, policy: ExportedPolicy) -> Path:
    """Writes a policy into a folder as one file, and returns its path."""
    header = {_ABOUT: msgspec.json.encode(policy.about).decode("utf-8")}
    return write_bytes(folder / POLICY_FILE, safetensors.save(dict(policy.weights), metadata=header))


def read_policy(folder: Path) -> ExportedPolicy | None:
    """Returns the policy that a folder holds; None where there is none.

    Raises:
        DamagedError: The file is not what :func:`write_policy` writes, or of another release's form.
    """
    path = folder / POLICY_FILE
    content = content_of(path, largest=LARGEST)
    if content is None:
        return None
    try:
        header = parsed(content[8 : 8 + int.from_bytes(content[:8], "little")])
        _check_numbers(header)
        about = Description.of(parsed(header["__metadata__"][_ABOUT].encode("utf-8")))
        return ExportedPolicy(about=about, weights=safetensors.load(content))
    except (*NOT_TYPED, SafetensorError, LookupError, TypeError, AttributeError) as error:
        raise DamagedError(path, f"{type(error).__name__}: {error}") from error


def _check_numbers(header: Any) -> None:
    """Checks that all arrays are of numbers that NumPy has."""
    for name, entry in header.items():
        if name != "__metadata__" and not (entry["dtype"] in _NUMBERS and math.prod(entry["shape"]) >= 0):
            raise ValueError(f"{name} is no array of numbers")


def _described(space: gym.Space[Any]) -> str:
    """Describes a space; one of a class of the user's own in brief."""
    try:
        return to_text(space)
    except ValueError:
        return in_brief(space)


def _name(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '?')}.{getattr(kind, '__qualname__', kind)}"


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("gymnasium", "numpy", "ray", "torch", "safetensors")}
