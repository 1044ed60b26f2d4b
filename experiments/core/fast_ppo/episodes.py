"""Conversion of a rollout's arrays to RLlib's episodes: for RLlib's own learners, and for proofs."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import tree
from ray.rllib.core.columns import Columns
from ray.rllib.env.single_agent_episode import SingleAgentEpisode

from experiments.core.environments import action_decoder
from experiments.core.fast_ppo.distribution import ActionDistribution
from experiments.core.fast_ppo.rollout import Rollout


def cut_episodes(
    rollout: Rollout, distribution: ActionDistribution, module_spaces: tuple[gym.Space[Any], gym.Space[Any]]
) -> list[SingleAgentEpisode]:
    """Every episode and fragment of an episode in the rollout, lane by lane.

    Observations and actions are those of the module (encoded), not the environment's.
    """
    _, log_prob = distribution.normalised(
        rollout.logits_tn.reshape(-1, distribution.num_logits),
        rollout.actions_tn.reshape(-1, distribution.num_columns),
    )
    log_prob_tn = log_prob.reshape(rollout.valid_tn.shape)
    structured = action_decoder(module_spaces[1], normalize=False).decode
    done_tn = (rollout.terminated_tn | rollout.truncated_tn) & rollout.valid_tn
    episodes = []
    for lane in range(done_tn.shape[1]):
        start = 0 if rollout.valid_tn[0, lane] else 1
        for end in [*np.flatnonzero(done_tn[:, lane]).tolist(), done_tn.shape[0] - 1]:
            if end < start:
                continue
            part = (slice(start, end + 1), lane)
            actions = structured(rollout.actions_tn[part])
            episode = SingleAgentEpisode(
                observation_space=module_spaces[0],
                action_space=module_spaces[1],
                observations=list(rollout.obs_tn[start : end + 2, lane].copy()),
                actions=[
                    tree.map_structure(lambda leaf, i=i: leaf[i], actions) for i in range(end + 1 - start)
                ],
                rewards=rollout.rewards_tn[part].tolist(),
                terminated=bool(rollout.terminated_tn[end, lane]),
                truncated=bool(rollout.truncated_tn[end, lane]),
                extra_model_outputs={
                    Columns.ACTION_DIST_INPUTS: list(rollout.logits_tn[part]),
                    Columns.ACTION_LOGP: log_prob_tn[part].tolist(),
                },
                len_lookback_buffer=0,
            )
            episodes.append(episode.to_numpy())
            start = end + 2  # the step after the end only resets
    return episodes
