"""Settings proposed for an environment by what a moment of play in it showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optuna.distributions import CategoricalDistribution

from experiments.core.declaration import Budget, Confirmation, Experiment, Racing, Vectorization
from experiments.core.environments import is_image, time_limit
from experiments.core.preflight import Play
from search_spaces import SearchSpace, model_layouts, ppo

LARGE_OBSERVATION = 3.0
"""Magnitude of what a network reads from which it is normalised, since PPO learns from order one best."""
SMALL_REWARD, LARGE_REWARD = 0.2, 5.0
"""Magnitudes of the largest reward below and above which rewards are scaled."""
SMALL_CHANGE = 0.1
"""Change of most numbers of the observations below which they are normalised."""
WAITING_S = 0.005
"""Seconds of a step from which lanes are stepped in processes of their own, side by side."""
CUT_OFF = 1000
"""Steps after which evaluations cut off episodes of an environment without a time limit."""
CONFIRMATION = Confirmation(top_k=2, seeds=Racing(start=5, maximum=12))
"""The best two of the search on few test seeds, so that short budgets leave some time for the search."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Experiment that is proposed, with a reason for each setting that is not the suite's default."""

    experiment: Experiment
    """The declaration, its budget a first guess."""
    layouts: str
    """The space of layouts as it is written in a program."""
    reasons: Mapping[str, str]
    """Reasons by the name of the setting; those of `fixed` by the hyperparameter's."""
    episode_steps: float
    """Steps that an episode may be expected to take once something was learned."""


def proposed(env: str, play: Play) -> Proposal:
    """Proposes what to search and how to train for an environment.

    Args:
        env: Its name.
        play: What a moment of play in it showed.
    """
    layouts, space, shown = _layouts(play)
    reasons = {"space": shown}
    fixed: dict[str, bool] = {}
    for name, reason in _scaling(play).items():
        fixed[name], reasons[name] = True, reason
    vectorization: Vectorization = "auto"
    if play.step_s > WAITING_S:
        vectorization = "async"
        reasons["vectorization"] = (
            f"A step takes {1000 * play.step_s:.0f} ms: lanes are stepped in processes of their own."
        )
    limit, cut_off = time_limit(env, {}), None
    if limit is None and not play.lengths:
        cut_off = CUT_OFF
        reasons["max_evaluation_steps"] = (
            "No time limit is stated and no episode ended while it was looked at: evaluations cut them off."
        )
    return Proposal(
        experiment=Experiment(
            env=env,
            space=ppo.CORE | ppo.BATCH | space,
            budget=Budget(trials=16, steps_per_trial=65_536, evaluations=12),
            fixed=fixed,
            vectorization=vectorization,
            evaluation_episodes=64,
            max_evaluation_steps=cut_off,
            confirmation=CONFIRMATION,
        ),
        layouts=layouts,
        reasons=reasons,
        episode_steps=_expected_length(play, limit or cut_off),
    )


def _layouts(play: Play) -> tuple[str, SearchSpace, str]:
    """Returns the layouts that fit what is observed: as written, as a space, and what they are for."""
    shape = play.observation_space.shape or ()
    seen = "x".join(str(size) for size in shape)
    if not is_image(play.observation_space):
        number = f"{shape[0]} number{'s' if shape[0] > 1 else ''}"
        return (
            "model_layouts.MLP",
            model_layouts.MLP,
            f"Fully connected networks, for observations of {number}.",
        )
    for name in ("CNN", "TILES"):
        space: SearchSpace = getattr(model_layouts, name)
        domain = space["layout"].domain
        assert isinstance(domain, CategoricalDistribution)
        fitting = tuple(layout for layout in domain.choices if _fits(str(layout), shape))
        if len(fitting) == len(domain.choices):
            return f"model_layouts.{name}", space, f"Convolutional networks, for images of {seen}."
    return (
        f"model_layouts.TILES.narrow(layout={fitting!r})",
        model_layouts.TILES.narrow(layout=fitting),
        f"Convolutional networks that fit images of {seen}.",
    )


def _fits(layout: str, shape: tuple[int, ...]) -> bool:
    try:
        model_layouts.check_fits(layout, shape)
    except ValueError:
        return False
    return True


def _scaling(play: Play) -> dict[str, str]:
    """Returns the scalings that the numbers need, each with the reason."""
    needed = {}
    size = play.largest_observation
    if size > LARGE_OBSERVATION:
        needed["normalise_observations"] = (
            f"The network would read numbers of up to {size:.3g}; PPO learns from order one best."
        )
    elif 0.0 < play.least_change < SMALL_CHANGE:
        needed["normalise_observations"] = (
            f"Some number of the observations changes by no more than {play.least_change:.1g}, too little to "
            "learn from as it is."
        )
    size = play.largest_reward
    if size > LARGE_REWARD or 0.0 < size < SMALL_REWARD:
        upto = "of up to" if size > LARGE_REWARD else "of no more than"
        needed["scale_rewards"] = (
            f"Rewards {upto} {size:.3g} are far from order one; results stay in the environment's unit."
        )
    return needed


def _expected_length(play: Play, limit: int | None) -> float:
    """Returns half way between what random actions last and the limit: good ones end it earlier, or later."""
    if not play.lengths:
        return float(limit or CUT_OFF)
    return play.length_mean if limit is None else (play.length_mean + limit) / 2
