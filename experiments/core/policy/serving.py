"""A trained policy as a process that answers observations with actions, one JSON value a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from experiments.core.errors import UserError
from experiments.core.policy.trained import load_policy


def serve(folder: str, questions: TextIO, answers: TextIO, *, trust: bool = False) -> None:
    """Answers observations with actions, one JSON value a line, until the questions end.

    The protocol is that of `envs.play`, which knows nothing of trainers: first the environment and its
    parameters, then `{"action": [...]}` for each `{"observation": [...]}`, both as the space's own JSON.

    Args:
        folder: A sweep folder.
        questions: One observation a line.
        answers: Where to write.
        trust: Whether code that lies in the folder may run, as for :func:`load_policy`.
    """

    def answer(value: Mapping[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        policy = load_policy(folder, trust=trust)
    except UserError as error:
        answer({"error": str(error)})
        return
    answer({"env": policy.env, "parameters": dict(policy.env_parameters)})
    for line in questions:
        (observation,) = policy.observation_space.from_jsonable(json.loads(line)["observation"])
        answer({"action": policy.action_space.to_jsonable([policy.compute_action(observation)])})
