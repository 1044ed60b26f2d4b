"""Independent streams of random numbers, all derived from the run's one seed.

Environments are seeded with the seed itself, as RLlib does it.
"""

import numpy as np
import torch

SAMPLING, SHUFFLING, RESTARTING = 1, 2, 3
"""The streams: actions, minibatches, and environments of a restored run that have to begin anew."""


def stream_seed(seed: int, stream: int, *place: int) -> int:
    """The seed of a stream, or of one place in it."""
    return int(np.random.SeedSequence([seed, stream, *place]).generate_state(1)[0])


def stream_generator(seed: int | None, stream: int, *place: int) -> torch.Generator:
    """A generator at the beginning of a stream, or at a place in it; without a seed it begins anywhere."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(stream_seed(seed, stream, *place))
    return generator
