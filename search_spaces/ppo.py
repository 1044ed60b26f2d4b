"""Hyperparameters of PPO in the literature's terms, with the source of every bound.

Sources, by the short names used below:

- Schulman 2017: Schulman et al., "Proximal Policy Optimization Algorithms", arXiv 1707.06347.
- Schulman 2016: Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage
  Estimation", arXiv 1506.02438.
- Andrychowicz 2020: "What Matters In On-Policy Reinforcement Learning?", arXiv 2006.05990; "choice" names
  the design choice in its appendix.
- Huang 2022: "The 37 Implementation Details of Proximal Policy Optimization", ICLR blog track.
- SB3: the defaults of Stable-Baselines3's PPO.
"""

from __future__ import annotations

from search_spaces.space import choice, integer, log_uniform, uniform

CORE = (
    log_uniform(
        "lr", 1e-5, 1e-2, default=3e-4,
        source="Andrychowicz 2020, section 3.7: Adam with 3e-4 is safe, tuning pays; bounds 30 times to each "
        "side because short budgets favour larger steps",
    )
    | log_uniform(
        "kl_coeff", 1e-3, 10.0, default=0.2,
        source="Schulman 2017, section 6.1: fixed 0.3 to 10, or adapted from 1; the default 0.2 is RLlib's",
    )
    | log_uniform(
        "kl_target", 0.003, 0.03, default=0.01,
        source="Schulman 2017, table 1: 0.003, 0.01 and 0.03, 0.01 best",
    )
    | uniform(
        "clip", 0.1, 0.4, default=0.2,
        source="Schulman 2017, table 1: 0.1, 0.2 and 0.3, 0.2 best; Andrychowicz 2020: start at 0.25",
    )
    | uniform(
        "entropy_coeff", 0.0, 0.03, default=0.0,
        source="Schulman 2017: 0.01 for Atari (table 5), none for control (table 3); SB3: 0",
    )
    | log_uniform(
        "vf_coeff", 0.1, 2.0, default=0.5,
        source="Schulman 2017, table 5: 1; SB3 and Huang 2022: 0.5",
    )
    | uniform(
        "gae_lambda", 0.8, 1.0, default=0.95,
        source="Schulman 2016, section 6: best between 0.92 and 0.98; Andrychowicz 2020, section 3.4: 0.9",
    )
    | log_uniform(
        "one_minus_gamma", 1e-4, 0.1, default=0.01,
        source="Andrychowicz 2020, section 3.6: start with gamma 0.99 and tune it, it matters most; "
        "searched as 1 - gamma because the horizon 1 / (1 - gamma) is what matters",
    )
    | log_uniform(
        "grad_clip", 0.1, 5.0, default=0.5,
        source="Huang 2022, detail 11, and SB3: 0.5; Andrychowicz 2020, section 3.3: of secondary importance",
    )
    | integer(
        "epochs", 3, 20, default=10,
        source="Schulman 2017: 3 (Atari, table 5), 10 (MuJoCo, table 3), 15 (Roboschool, table 4)",
    )
)  # fmt: skip
"""Learning rate, KL penalty, clipping, loss weights, horizon and passes over the data."""

BATCH = (
    choice(
        "batch_size", 512, 1024, 2048, 4096, default=2048,
        source="Schulman 2017, table 3, and SB3: 2048; powers of two around it, which divide every budget",
    )
    | choice(
        "num_minibatches", 4, 8, 16, 32, default=32,
        source="SB3 and Schulman 2017, table 3: 2048 / 64 = 32; table 5 (Atari): 1024 / 256 = 4",
    )
)  # fmt: skip
"""Steps per update and into how many minibatches they are cut; every combination divides evenly."""

NORMALISATION = choice(
    "normalise_observations", False, True, default=False,
    source="Andrychowicz 2020, section 3.3: always normalise; off by default because the suite's "
    "observations are of order one already",
)  # fmt: skip
"""Running normalisation of observations, for environments whose numbers are not of order one."""
