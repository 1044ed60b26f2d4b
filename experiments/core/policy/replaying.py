"""Episodes of a sweep's best policy, played side by side and held against the environment's references."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from experiments.core.declaration import check_number
from experiments.core.environments import EvaluationResult, ScoreScale, evaluate, make_vector, scale_of
from experiments.core.policy.recording import record, show
from experiments.core.policy.trained import TrainedPolicy, load_policy

SHOWN = 3
"""Episodes that a window shows."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Outcome of a replay: what a trained policy earned in some episodes."""

    policy: TrainedPolicy
    """The policy that played."""
    seed: int
    """Seed of the first episode."""
    result: EvaluationResult
    """Returns and lengths of the episodes, [E], and what the environment reported at their ends."""
    scale: ScoreScale
    """The environment's references, and how returns become scores."""
    gif: Path | None = None
    """The animation that was written."""
    shown: tuple[float, ...] = ()
    """Returns of the episodes that a window showed."""

    @property
    def mean_return(self) -> float:
        """Returns the mean over the episodes, in the environment's unit."""
        return float(self.result.returns.mean())

    @property
    def score(self) -> float:
        """Returns the mean return on the common scale, or itself where the environment states no optimum."""
        return self.scale.score(self.mean_return)


def replay(
    folder: str | Path,
    *,
    episodes: int = 256,
    seed: int = 0,
    gif: str | Path | None = None,
    human: bool = False,
    trust: bool = False,
) -> Replay:
    """Plays the best policy of a sweep; Ray is not needed.

    Args:
        folder: A sweep folder.
        episodes: E, played side by side.
        seed: Of the first episode; the i-th one has `seed + i`.
        gif: File to write an animation of the first episode to; of the first few where they are short.
        human: Whether to show the first three episodes in a window.
        trust: Whether code that lies in the folder may run, as for :func:`load_policy`.

    Raises:
        UserError: A number is out of its range, the folder has no policy that can be read, or the environment
            cannot be drawn.
    """
    check_number(f"--episodes {episodes}", episodes, 1)
    check_number(f"--seed {seed}", seed, 0)
    policy = load_policy(folder, trust=trust)
    with closing(make_vector(policy.env, policy.env_parameters, episodes)) as env:
        result = evaluate(env, policy.act, seed=seed, most_steps=policy.most_steps)
    if gif is not None:
        gif = Path(gif)
        record(policy, gif, seed=seed)
    return Replay(
        policy=policy,
        seed=seed,
        result=result,
        scale=scale_of(policy.env, policy.env_parameters),
        gif=gif,
        shown=tuple(show(policy, episodes=SHOWN, seed=seed)) if human else (),
    )
