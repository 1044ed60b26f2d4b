"""Translation of hyperparameters to RLlib's PPO settings; an unknown one is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from analysis.text import did_you_mean
from experiments.core.errors import UserError
from search_spaces import model_layouts, ppo

Setting = Callable[[Any], dict[str, Any]]
"""Turns a value into keywords of `PPOConfig.training`."""

_TRAINING: Mapping[str, Setting] = MappingProxyType(
    {
        "lr": lambda value: {"lr": value},
        "kl_coeff": lambda value: {"kl_coeff": value},
        "kl_target": lambda value: {"kl_target": value},
        "clip": lambda value: {"clip_param": value},
        "vf_clip": lambda value: {"vf_clip_param": math.inf if value is None else value},
        "entropy_coeff": lambda value: {"entropy_coeff": value},
        "vf_coeff": lambda value: {"vf_loss_coeff": value},
        "gae_lambda": lambda value: {"lambda_": value},
        "one_minus_gamma": lambda value: {"gamma": 1.0 - value},
        "grad_clip": lambda value: {"grad_clip": value, "grad_clip_by": "global_norm"},
        "epochs": lambda value: {"num_epochs": value},
        "batch_size": lambda value: {"train_batch_size_per_learner": value},
        "minibatch_size": lambda value: {"minibatch_size": value},
    }
)
_FAST_PATH = ("normalise_observations", "scale_rewards")
_DERIVED = ("num_minibatches", "layout", *model_layouts.PARTS)
STRUCTURAL = (*_FAST_PATH, "layout", *model_layouts.PARTS)
"""Hyperparameters that the network is built by: they cannot change while it trains."""
NAMES = (*_TRAINING, *_FAST_PATH, *_DERIVED)
"""Hyperparameters that a search space or `fixed` may use; None switches `vf_clip` and `grad_clip` off."""

LITERATURE: Mapping[str, Any] = MappingProxyType(
    {
        **(ppo.CORE | ppo.BATCH | model_layouts.MLP).defaults,
        "vf_clip": None,
        **dict.fromkeys(_FAST_PATH, False),
    }
)
"""Values of the hyperparameters that a configuration leaves out."""


def check_names(names: Iterable[str]) -> None:
    """Refuses a hyperparameter that the trainer would ignore.

    Raises:
        UserError: With the nearest one that has a meaning.
    """
    for name in names:
        if name not in NAMES:
            hint = did_you_mean(name, NAMES)
            raise UserError(f"the trainer does not know {name!r}{hint} It knows: {', '.join(NAMES)}")


_WHOLE = ("epochs", "batch_size", "minibatch_size", "num_minibatches")
_OPTIONAL = ("vf_clip", "grad_clip")


def check_values(given: Mapping[str, Any]) -> None:
    """Refuses values of a kind that a hyperparameter cannot have.

    Raises:
        UserError: With what is expected.
    """
    for name, value in given.items():
        if name in _FAST_PATH:
            fits, expected = isinstance(value, bool), "True or False"
        elif name in _TRAINING or name in _WHOLE:
            whole = name in _WHOLE
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            fits = fits or (name in _OPTIONAL and value is None)
            expected = f"a {'whole ' if whole else ''}number"
            expected += ", or None to switch it off" if name in _OPTIONAL else ""
        else:
            continue
        if not fits:
            raise UserError(f"{name}={value!r}: expected {expected}")


def with_defaults(config: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Completes a configuration to all settings of the trainer: its own, the fixed, then the literature's.

    A minibatch size takes the place of the number of minibatches, which is turned into one otherwise. Depth,
    widths and activation are turned into a layout.

    Raises:
        UserError: A hyperparameter is unknown, a minibatch is larger than its batch or does not divide it, or
            a layout is given twice or in part.
    """
    given = {**fixed, **config}
    check_names(given)
    check_values(given)
    given |= _layout(given)
    if "minibatch_size" in given and "num_minibatches" in given and "minibatch_size" not in config:
        raise UserError("minibatch_size is fixed and num_minibatches searched: one follows from the other")
    settings = {**LITERATURE, **given}
    count = settings.pop("num_minibatches")
    batch = settings["batch_size"]
    if "minibatch_size" not in settings:
        if batch % count:
            raise UserError(f"batch_size={batch} does not divide into num_minibatches={count}")
        settings["minibatch_size"] = batch // count
    if settings["minibatch_size"] > batch:
        raise UserError(
            f"minibatch_size={settings['minibatch_size']} is larger than batch_size={batch}: "
            "expected at most the batch; use num_minibatches, from which it is derived"
        )
    return settings


def _layout(given: Mapping[str, Any]) -> dict[str, str]:
    try:
        layout = model_layouts.derived(given)
    except ValueError as error:
        raise UserError(str(error)) from error
    # A trial's configuration also records the layout that its parts mean.
    if layout and given.get("layout", layout["layout"]) != layout["layout"]:
        raise UserError(
            f"layout={given['layout']!r} and depth={given['depth']}: expected the layout by name or in parts"
        )
    return layout


def training_keywords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns keywords of `PPOConfig.training` for settings made by :func:`with_defaults`."""
    keywords: dict[str, Any] = {}
    for name, setting in _TRAINING.items():
        keywords |= setting(settings[name])
    return keywords


def model_keywords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns keywords of RLlib's `DefaultModelConfig` for settings made by :func:`with_defaults`.

    Raises:
        UserError: The layout's name has no meaning.
    """
    try:
        layout = model_layouts.parse(settings["layout"])
    except ValueError as error:
        raise UserError(str(error)) from error
    common = {"fcnet_activation": layout.activation, "vf_share_layers": layout.shared}
    if not layout.filters:
        return {**common, "fcnet_hiddens": list(layout.widths)}
    return {
        **common,
        "conv_filters": [list(layer) for layer in layout.filters],
        "conv_activation": layout.activation,
        "head_fcnet_hiddens": list(layout.widths),
        "head_fcnet_activation": layout.activation,
    }


def check_layout(settings: Mapping[str, Any], observation_shape: tuple[int, ...]) -> None:
    """Refuses a layout that does not fit the environment's observations.

    Raises:
        UserError: With a layout that could.
    """
    try:
        model_layouts.check_fits(settings["layout"], observation_shape)
    except ValueError as error:
        raise UserError(str(error)) from error


def fast_path_keywords(settings: Mapping[str, Any]) -> dict[str, bool]:
    """Returns keywords of the fast path for settings made by :func:`with_defaults`."""
    return {name: settings[name] for name in _FAST_PATH}


def resolve(config: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns RLlib's settings for a configuration, under RLlib's own names.

    Returns:
        "training": keywords of `PPOConfig.training`; "model": keywords of `DefaultModelConfig`; "fast_path":
        keywords of `use_fast_path`.

    Raises:
        UserError: As :func:`with_defaults`.
    """
    settings = with_defaults(config, fixed)
    return {
        "training": training_keywords(settings),
        "model": model_keywords(settings),
        "fast_path": dict(fast_path_keywords(settings)),
    }
