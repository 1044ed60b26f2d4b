# ruff: noqa: NPY002 - the global generators are what is looked at
"""The promises of a single environment, as rules that look at runs of it.

Every rule makes the environments that it needs, and closes each of them once.
"""

from __future__ import annotations

import random
import re
import secrets
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.utils.passive_env_checker import env_render_passive_checker

from envs.checking.compare import difference
from envs.checking.vector_runs import MakeSingle, Problem
from envs.lanes import closed_at_last, in_brief, reported, reward_of
from envs.spaces import fitting

INFO = "info of "
"""What a difference begins with that is only in infos."""
NO_FAULTS = (
    # RLlib scales actions to any bounded box by itself.
    "we recommend using a symmetric and normalized space",
    # The usual space of quantities without natural bounds.
    "A Box observation space minimum value is -infinity",
    "A Box observation space maximum value is infinity",
    # What a reward may be is a rule below, and arrays of one number are fine.
    "The reward returned by `step()` must be a float",
)
"""Parts of warnings that are none here."""


def gymnasium_passes(make: MakeSingle, drawing: bool) -> Problem:
    """Checks that Gymnasium's `check_env` has nothing to say.

    Args:
        make: Makes the environment.
        drawing: Whether to try its render modes too.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with closed_at_last(make()) as env:
            # What Gymnasium makes for these two checks stays open where they fail.
            check_env(env.unwrapped, skip_render_check=True, skip_close_check=True)
            if drawing and env.unwrapped.spec is not None:
                _draw(env.unwrapped, env.unwrapped.spec)
    # Gymnasium colours its warnings for terminals.
    messages = [re.sub(r"\x1b\[\d*m", "", str(warning.message)) for warning in caught]
    said = dict.fromkeys(" ".join(message.removeprefix("WARN: ").split()) for message in messages)
    return "; ".join(message for message in said if not any(text in message for text in NO_FAULTS)) or None


def _draw(env: gym.Env[Any, Any], spec: EnvSpec) -> None:
    """Lets Gymnasium look at a frame in every render mode."""
    if env.render_mode is not None:
        env_render_passive_checker(env)  # type: ignore[no-untyped-call]  # Gymnasium forgot its annotation
    for mode in env.metadata["render_modes"]:
        with closed_at_last(spec.make(render_mode=mode)) as drawn:
            drawn.reset()
            env_render_passive_checker(drawn)  # type: ignore[no-untyped-call]


def forms_exact(make: MakeSingle, steps: int, seed: int) -> Problem:
    """Checks that observations lie in their space, rewards are finite numbers and flags booleans."""
    with closed_at_last(make()) as env:
        space = env.observation_space
        returned = _play(env, steps, seed)
    for t, (observation, *outcome) in enumerate(returned):
        found = _observation_problem(space, observation)
        if found is None and len(outcome) == 4:
            found = _outcome_problem(*outcome[:3])
        if found is not None:
            return f"step {t}: {found}"
    return None


def _observation_problem(space: gym.Space[Any], observation: Any) -> Problem:
    misfit = fitting(space)(observation)
    if misfit is not None:
        return f"observation {misfit}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Gymnasium says that it takes a list for an array
        if space.contains(observation):
            return None
    dtype = np.asarray(observation).dtype if isinstance(space, gym.spaces.Box) else space.dtype
    if dtype != space.dtype:
        return f"observation of type {dtype}, expected {space.dtype}"
    return f"observation {_outside(space, observation)}"


def _outside(space: gym.Space[Any], observation: Any) -> str:
    """Returns where an observation leaves its space."""
    if isinstance(space, gym.spaces.Box):
        values = np.asarray(observation)
        wrong = ~((values >= space.low) & (values <= space.high))
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            index = "".join(f"[{i}]" for i in at)
            return f"{index} is {values[at]}, expected {space.low[at]} to {space.high[at]}"
    shown = " ".join(repr(observation).split())
    return f"{shown if len(shown) <= 100 else f'{shown[:97]}...'} is outside {space}"


def _outcome_problem(reward: Any, terminated: Any, truncated: Any) -> Problem:
    number = reward_of(reward)
    if number is None:
        return f"reward is {in_brief(reward)}, expected a number"
    if not np.isfinite(number):
        return f"reward {number} is not finite"
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if not isinstance(flag, bool | np.bool_):
            return f"{name} is {in_brief(flag)}, expected bool"
    return None


def twins_agree(make: MakeSingle, steps: int, seed: int) -> Problem:
    """Checks that two environments with the same seed and actions do the same, and report the same."""
    with closed_at_last(make()) as one, closed_at_last(make()) as other:
        runs = [*zip(_play(one, steps, seed), _play(other, steps, seed), strict=True)]
    for part, of in ((slice(None, -1), ""), (slice(-1, None), INFO)):
        for t, (first, second) in enumerate(runs):
            found = difference(first[part], second[part])
            if found is not None:
                return f"{of}step {t}{found}"
    return None


def randomness_is_its_own(make: MakeSingle, steps: int, seed: int) -> Problem:
    """Checks that the random numbers of the whole process are neither used nor seeded."""
    with _fresh_generators() as states:
        before = {name: state() for name, state in states.items()}
        with closed_at_last(make()) as env:
            _play(env, min(steps, 100), seed)
            env.reset()
        touched = [name for name, state in states.items() if state() != before[name]]
    return f"{' and '.join(touched)} moved on, or was seeded" if touched else None


@contextmanager
def _fresh_generators() -> Iterator[dict[str, Callable[[], str]]]:
    """Gives the process's generators states that nobody else comes by; yields what reads them, by name."""
    states = {
        "random": lambda: repr(random.getstate()),
        "numpy.random": lambda: repr(np.random.get_state(legacy=False)),
    }
    torch = sys.modules.get("torch")  # not imported here; an environment that draws from it has done so
    before = random.getstate(), np.random.get_state(), None if torch is None else torch.get_rng_state()
    fresh = secrets.randbits(32)
    random.seed(fresh)
    np.random.seed(fresh)
    if torch is not None:
        torch.manual_seed(fresh)
        states["torch"] = lambda: repr(torch.get_rng_state().tolist())
    try:
        yield states
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch is not None:
            torch.set_rng_state(before[2])


def promises(make: MakeSingle, steps: int, seed: int, drawing: bool) -> dict[str, Callable[[], Problem]]:
    """Returns the rules by what they promise."""
    return {
        "Gymnasium's check_env passes without a warning": partial(gymnasium_passes, make, drawing),
        "types, dtypes and bounds are exact": partial(forms_exact, make, steps, seed),
        "equal seeds give equal episodes": partial(twins_agree, make, steps, seed),
        "random numbers are the environment's own": partial(randomness_is_its_own, make, steps, seed),
    }


def _play(env: gym.Env[Any, Any], steps: int, seed: int) -> list[tuple[Any, ...]]:
    """Returns what `reset` and `step` give over some episodes, observations and infos copied."""
    actions = deepcopy(env.action_space)
    actions.seed(seed)
    returned: list[tuple[Any, ...]] = [_copy(env.reset(seed=seed))]
    for _ in range(steps):
        last = returned[-1]
        over = len(last) == 5 and (last[2] or last[3])
        returned.append(_copy(env.reset() if over else env.step(actions.sample())))
    return returned


def _copy(returned: Any) -> tuple[Any, ...]:
    """Returns a copy of what a call returned, with the numbers alone of an info that cannot be copied."""
    *others, info = returned
    try:
        copy = deepcopy(info)
    except Exception:  # of a user's class, or a handle
        copy = reported(info)
    return *deepcopy(others), copy
