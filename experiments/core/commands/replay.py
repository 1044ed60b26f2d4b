"""Plays the best policy of a sweep and says what it earns; Ray is not needed."""

from __future__ import annotations

import math
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from analysis.command_line import REGISTRY, one_line_errors
from experiments.core.errors import UserError

if TYPE_CHECKING:
    from experiments.core.environments import EvaluationResult, ScoreScale
    from experiments.core.policy import TrainedPolicy

SHOWN = 3
"""Episodes that a window shows."""


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What to play."""

    folder: tyro.conf.Positional[Path]
    """A sweep folder."""
    episodes: int = 256
    """Episodes to play, side by side."""
    seed: int = 0
    """Seed of the first episode; the i-th one has seed + i."""
    gif: Path | None = None
    """File to write an animation of the first episode to; of the first few where they are short."""
    human: bool = False
    """Show the first three episodes in a window."""


def run_replay(arguments: list[str]) -> int:
    """Plays episodes and prints their returns against the environment's references; returns the exit code."""
    program = "python -m experiments replay"
    with one_line_errors(program):
        options = tyro.cli(
            ReplayOptions,
            prog=program,
            description="Plays the best policy of a sweep, without Ray.",
            args=arguments,
            config=(tyro.conf.FlagCreatePairsOff,),
            registry=REGISTRY,
        )
    from experiments.core.tuning import quieten

    quieten(debug=False)
    from experiments.core.environments import evaluate, make_vector, scale_of
    from experiments.core.policy import load_policy

    try:
        if options.episodes < 1:
            raise UserError(f"--episodes {options.episodes}: expected a whole number, 1 or more")
        if options.seed < 0:
            raise UserError(f"--seed {options.seed}: expected a whole number, 0 or more")
        policy = load_policy(options.folder)
        with closing(make_vector(policy.env, policy.env_parameters, options.episodes)) as env:
            played = evaluate(env, policy.act, seed=options.seed)
        scale = scale_of(policy.env, policy.env_parameters)
        if options.gif is not None or options.human:
            from experiments.core.policy import record, show

            if options.gif is not None:
                record(policy, options.gif, seed=options.seed)
                print(f"written: {options.gif}")
            if options.human:
                shown = show(policy, episodes=SHOWN, seed=options.seed)
                print(f"shown: {len(shown)} episodes, returns {', '.join(f'{each:.4g}' for each in shown)}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _print_played(policy, played, scale, options.seed)
    return 0


def _print_played(policy: TrainedPolicy, played: EvaluationResult, scale: ScoreScale, seed: int) -> None:
    """What the episodes earned, against the environment's references and the policy's own score."""
    from analysis.statistics import mean_interval
    from analysis.sweep import Phase
    from analysis.text import counted

    mean = float(played.returns.mean())
    low, high = mean_interval(played.returns)
    interval = "" if math.isnan(low) else f" [{low:.4g}, {high:.4g}] at 95 %"
    print(f"{policy.run} in {policy.env}, {counted(played.returns.size, 'episode')} from seed {seed}")
    print(f"  mean return {mean:.4g}{interval} ({scale.return_unit}), "
          f"{played.lengths.mean():.0f} steps an episode")  # fmt: skip
    if scale.optimum is not None:
        source = (
            f"its confirmation run: {policy.score:.3f}"
            if policy.phase is Phase.CONFIRM
            else f"in the search: {policy.score:.3f}; not confirmed yet"
        )
        print(f"  score  {scale.score(mean):.3f}  ({source})")
        for name, value in sorted(scale.references.items(), key=lambda item: item[1]):
            print(f"    {name:<18} {value:>10.4g}  score {scale.score(value):.3f}")
    for name, value in played.summaries.items():
        print(f"  {name:<18} {value:.4g}")
