"""Configurations nobody tuned, against which a tuned one has to prove itself."""

from __future__ import annotations

from types import MappingProxyType

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
"""What RLlib 2.60's PPO does when it is told nothing; a test holds it against `PPOConfig()`.

Its gradient clipping is off (None) and its value clipping on, the other way round than in the literature.
"""
