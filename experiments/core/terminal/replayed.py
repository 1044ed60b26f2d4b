"""Lines that a replay prints: returns and scores of the episodes beside the environment's references."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.statistics import mean_interval
from analysis.sweep import Phase
from analysis.text import counted

if TYPE_CHECKING:
    from experiments.core.policy import Replay


def replay_lines(replay: Replay) -> Iterator[str]:
    """Says what the episodes earned, against the environment's references and the policy's own score."""
    policy, result, scale = replay.policy, replay.result, replay.scale
    if replay.gif is not None:
        yield f"written: {replay.gif}"
    if replay.shown:
        returns = ", ".join(f"{each:.4g}" for each in replay.shown)
        yield f"shown: {len(replay.shown)} episodes, returns {returns}"
    low, high = mean_interval(result.returns)
    interval = "" if math.isnan(low) else f" [{low:.4g}, {high:.4g}] at 95 %"
    yield f"{policy.run} in {policy.env}, {counted(result.returns.size, 'episode')} from seed {replay.seed}"
    yield (
        f"  mean return {replay.mean_return:.4g}{interval} ({scale.return_unit}), "
        f"{result.lengths.mean():.0f} steps an episode"
    )
    if scale.optimum is not None:
        source = (
            f"its confirmation run: {policy.score:.3f}"
            if policy.phase is Phase.CONFIRM
            else f"in the search: {policy.score:.3f}; not confirmed yet"
        )
        yield f"  score  {replay.score:.3f}  ({source})"
        for name, value in sorted(scale.references.items(), key=lambda item: item[1]):
            yield f"    {name:<18} {value:>10.4g}  score {scale.score(value):.3f}"
    for name, value in result.summaries.items():
        yield f"  {name:<18} {value:.4g}"
