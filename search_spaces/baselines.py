"""Untuned configurations, against which a tuned one has to prove itself."""

from __future__ import annotations

from types import MappingProxyType

from search_spaces import model_layouts
from search_spaces.domains import Scalar
from search_spaces.space import SearchSpace

RLLIB_DEFAULTS = MappingProxyType(
    {
        "lr": 5e-5,
        "kl_coeff": 0.2,
        "kl_target": 0.01,
        "clip": 0.3,
        "vf_clip": 10.0,
        "entropy_coeff": 0.0,
        "vf_coeff": 1.0,
        "gae_lambda": 1.0,
        "one_minus_gamma": 0.01,
        "grad_clip": None,
        "epochs": 30,
        "batch_size": 4000,
        "minibatch_size": 128,
        "layout": "256x256-tanh",
    }
)
"""Configuration of RLlib 2.60's PPO when nothing is set; a test holds it against `PPOConfig()`.

Its gradient clipping is off (None) and its value clipping on, the other way round than in the literature.
"""


def rllib_defaults(space: SearchSpace) -> dict[str, Scalar | None]:
    """Returns RLlib's defaults for an experiment that searches a space.

    On images they get the space's default network: RLlib has one of its own for five sizes of images only.
    """
    layout = space.defaults.get("layout")
    is_cnn = isinstance(layout, str) and bool(model_layouts.parse(layout).filters)
    return {**RLLIB_DEFAULTS, "layout": layout} if is_cnn else dict(RLLIB_DEFAULTS)
