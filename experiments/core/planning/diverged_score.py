"""Score of a trial whose numbers are no longer finite."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from analysis.sweep import Phase
from experiments.core.environments import episode_limit, evaluate, make_vector
from experiments.core.planning.plan import Plan
from experiments.core.records import kept_from_the_terminal


def score_of_diverged(plan: Plan) -> float:
    """Returns the score that a diverged trial counts as."""
    stated = plan.evaluation_settings[Phase.SEARCH].scale.diverged
    return random_return(plan) if stated is None else stated


def random_return(plan: Plan, *, episodes: int = 64) -> float:
    """Estimates the mean return of random actions: what a diverged trial counts as without a stated floor."""
    experiment, setting = plan.experiment, plan.evaluation_settings[Phase.SEARCH]
    lanes = experiment.lanes if experiment.vectorization == "async" else episodes
    with (
        kept_from_the_terminal(),
        closing(
            make_vector(experiment.env, experiment.env_parameters, lanes, experiment.vectorization)
        ) as env,
    ):
        env.action_space.seed(0)
        played = evaluate(
            env,
            lambda _: env.action_space.sample(),
            episodes=episodes,
            seed=0,
            most_steps=episode_limit(experiment.env, setting.parameters, setting.most_steps),
        )
    return float(np.mean(played.returns))
