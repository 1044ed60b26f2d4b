"""Seeds of a sweep: every seed has a purpose, and no two purposes share one.

One root seed gives a block of numbers to each purpose. Inside a block every index (a trial, a test seed) owns
`LANES` consecutive numbers, because lane i of an environment reset with seed s draws what a single
environment draws from seed s + i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LANES = 1 << 12
"""Numbers that each index owns: the most lanes or evaluation episodes there may be."""
INDICES = 1 << 12
"""Indices of each purpose: the most trials or test seeds there may be."""
_PURPOSES = 5
_WINDOW = _PURPOSES * INDICES * LANES
BLOCKS = 50
"""Blocks of test seeds that a root has: so many windows lie between 0 and 2**32."""
_GOLDEN_RATIO = 2654435769  # 2**32 / golden ratio: spreads neighbouring roots far apart


@dataclass(frozen=True)
class Seeds:
    """Seeds of one sweep by purpose, all derived from its root."""

    root: int
    """Seed that the user gives with `--seed`, 0 or more."""
    block: int = 0
    """Block of test seeds, below `BLOCKS`; no earlier sweep of the experiment has seen it."""

    @property
    def sampler(self) -> int:
        """Seeds the search algorithm."""
        return self._seed(0, 0)

    @property
    def probe(self) -> int:
        """Seeds the probe before a sweep; it comes next to the sampler's, which needs no lanes."""
        return self._seed(0, 1)

    def training(self, trial: int) -> int:
        """Seeds a search trial: its network, its minibatches and its lanes."""
        return self._seed(1, trial)

    @property
    def evaluation(self) -> int:
        """Seeds the evaluation episodes of the search, the same for every trial."""
        return self._seed(2, 0)

    def test_training(self, test_seed: int) -> int:
        """Seeds the k-th retraining of a chosen configuration."""
        return self._seed(3, test_seed, self.block)

    def test_evaluation(self, test_seed: int) -> int:
        """Seeds the evaluation episodes of the k-th retraining.

        Every k has episodes of its own: were they shared, luck with them would look like skill on all.
        """
        return self._seed(4, test_seed, self.block)

    def to_json(self, *, test_seeds: int) -> dict[str, Any]:
        """Returns every seed by its purpose, for the manifest."""
        return {
            "root": self.root,
            "block": self.block,
            "sampler": self.sampler,
            "training": self.training(0),
            "training_stride": LANES,
            "evaluation": self.evaluation,
            "test_training": [self.test_training(k) for k in range(test_seeds)],
            "test_evaluation": [self.test_evaluation(k) for k in range(test_seeds)],
        }

    def _seed(self, purpose: int, index: int, block: int = 0) -> int:
        if not 0 <= index < INDICES:
            raise ValueError(f"index {index}: expected 0 to {INDICES - 1}")
        # Below 2**32, which NumPy's and Python's global generators ask for.
        start = (self.root * _GOLDEN_RATIO + block * _WINDOW) % (2**32 - _WINDOW)
        return start + (purpose * INDICES + index) * LANES


def replica_seeds(seed: int, count: int, *, lanes: int) -> list[int]:
    """Returns the training seeds of the replicas in one trial, which share the numbers that its index owns.

    Args:
        seed: The trial's training seed, which is the first replica's.
        count: Replicas.
        lanes: Lanes, and so numbers, that each replica needs.

    Raises:
        ValueError: The index does not own so many.
    """
    if count * lanes > LANES:
        raise ValueError(f"{count} replicas of {lanes} lanes: expected at most {LANES} numbers together")
    return [seed + replica * lanes for replica in range(count)]
