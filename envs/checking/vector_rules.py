"""Rules that a vector environment must keep, each checked on recorded runs.

Gymnasium checks single environments only; a vector environment that resets its lanes late, shares one
generator among them or hands out a buffer that it overwrites trains silently on wrong data. Each rule here
looks at recorded runs and says what is wrong, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space, iterate

from envs.checking.compare import difference
from envs.checking.vector_runs import MakeSingle, Problem, Runs, Transitions, lane_view, play, take_step
from envs.lanes import SyncLanes, closed_at_last

UNSEEN = "so this could not be seen: raise the steps"
"""How a problem ends that says nothing about the environment, only that the runs were too short."""


def promises(runs: Runs, make_single: MakeSingle | None) -> dict[str, Callable[[], Problem]]:
    """Returns the rules by what they promise.

    Args:
        runs: Of the environment.
        make_single: Makes the single environment that it must agree with, where there is one.
    """
    rules: dict[str, Callable[[], Problem]] = {
        "spaces of lanes and batch agree": partial(spaces_agree, runs),
        "the autoreset mode is declared": partial(mode_declared, runs),
        "observations, rewards and flags keep their form": partial(form_kept, runs),
        "the autoreset mode is obeyed": partial(autoreset_obeyed, runs),
        "reset steps pay nothing": partial(reset_rewards_zero, runs),
        "infos are well-formed": partial(infos_well_formed, runs),
        "equal seeds give equal runs": partial(equal_seeds_equal_runs, runs),
        "lanes are seeded as in SyncVectorEnv": partial(seeded_as_singles, runs),
        "lanes are independent": partial(lanes_independent, runs),
        "returned arrays belong to the caller": partial(arrays_are_the_callers, runs),
    }
    if make_single is not None:
        rules["SyncVectorEnv of the single environment agrees"] = partial(
            agrees_with_singles, runs, make_single
        )
    return rules


def spaces_agree(runs: Runs) -> Problem:
    """Checks that the batched spaces are the single ones, once for each lane."""
    env = runs.env
    if env.num_envs != runs.num_envs:
        return f"num_envs is {env.num_envs} where {runs.num_envs} lanes were asked for"
    for name in ("observation_space", "action_space"):
        single, batched = getattr(env, f"single_{name}"), getattr(env, name)
        expected = batch_space(single, env.num_envs)
        if batched != expected:
            return f"{name} is {batched}, but {env.num_envs} lanes of single_{name} are {expected}"
    return None


def mode_declared(runs: Runs) -> Problem:
    """Checks that `metadata["autoreset_mode"]` is one of Gymnasium's modes."""
    if isinstance(runs.mode, AutoresetMode):
        return None
    return f'metadata["autoreset_mode"] is {runs.mode!r}: set one of gymnasium.vector.AutoresetMode'


def form_kept(runs: Runs) -> Problem:
    """Checks that observations belong to the space, rewards are numbers and flags booleans, one a lane."""
    env = runs.env
    shape = (env.num_envs,)
    for t, frame in enumerate(runs.main):
        for lane, observation in enumerate(iterate(env.observation_space, frame.observations)):
            if not env.single_observation_space.contains(observation):
                where = f"is outside {env.single_observation_space}"
                return f"step {t}: observation {observation!r} of lane {lane} {where}"
        for name, kinds in (("rewards", "fiu"), ("terminated", "b"), ("truncated", "b")):
            values = getattr(frame, name)
            if not isinstance(values, np.ndarray) or values.shape != shape or values.dtype.kind not in kinds:
                what = "booleans" if kinds == "b" else "numbers"
                return f"step {t}: {name} is {values!r}: expected an array of {env.num_envs} {what}"
        if not np.isfinite(frame.rewards).all():
            return f"step {t}: rewards {frame.rewards} are not finite"
    return None


def autoreset_obeyed(runs: Runs) -> Problem:
    """Checks that a finished lane begins its next episode in the way that the declared mode says."""
    if not runs.endings:
        return f"no episode ended within {runs.steps} steps, {UNSEEN}"
    if runs.mode == AutoresetMode.DISABLED:
        return _masked_reset(runs)
    same_step = runs.mode == AutoresetMode.SAME_STEP
    for t, lane in runs.endings[: 2 * runs.num_envs]:
        frame, following = runs.main[t], runs.main[t + 1]
        if same_step:
            if "final_obs" not in frame.infos or "final_info" not in frame.infos:
                return f"step {t}: lane {lane} ended without final_obs and final_info in the infos"
        elif "final_obs" in frame.infos:
            return f"step {t}: lane {lane} has a final_obs, but the declared mode is {runs.mode.value}"
        elif following.over[lane]:
            return f"step {t + 1}: lane {lane} ended at step {t} and is over again, so it was not reset"
    return None if same_step else _next_episode_problem(runs)


def _next_episode_problem(runs: Runs) -> Problem:
    """Compares the first observation after an episode with what an explicit reset there gives."""
    single = runs.lane
    for lane in range(runs.num_envs):
        frames = runs.play(runs.script, lane=lane)
        ends = [t for t, frame in enumerate(frames[:-1]) if frame.over[0]]
        if ends:
            again = runs.play(runs.script[: ends[0]], lane=lane, reset_last=True)
            first, expected = frames[ends[0] + 1], again[-1]
            views = [lane_view(single, frame, 0)["observation"] for frame in (first, expected)]
            found = difference(*views)
            return found and f"step {ends[0] + 1}: the observation is not the one that reset() gives{found}"
    return None


def _masked_reset(runs: Runs) -> Problem:
    """Checks that, with autoreset disabled, a reset by mask leaves the other lanes where they are."""
    if runs.num_envs < 2:
        return None
    with closed_at_last(runs.make(runs.num_envs)) as env:
        before, _ = env.reset(seed=runs.seed)
        before = deepcopy(before)
        mask = np.arange(runs.num_envs) == 0
        after, _ = env.reset(options={"reset_mask": mask})
    pairs = zip(iterate(env.observation_space, before), iterate(env.observation_space, after), strict=True)
    for lane, (old, new) in enumerate(pairs):
        if lane and (found := difference(old, new)) is not None:
            return f"a reset of lane 0 by reset_mask changed lane {lane}{found}"
    return None


def reset_rewards_zero(runs: Runs) -> Problem:
    """Checks that a step that only begins an episode pays nothing."""
    if runs.mode != AutoresetMode.NEXT_STEP:
        return None
    for t, lane in runs.endings:
        reward = runs.main[t + 1].rewards[lane]
        if reward != 0:
            return f"step {t + 1}: lane {lane} got reward {reward:g} on its reset step, expected 0"
    return None


def infos_well_formed(runs: Runs) -> Problem:
    """Checks that every entry has one value and one mask bit a lane: `name` and `_name`."""
    for t, frame in enumerate(runs.main):
        found = _info_problem(frame.infos, runs.num_envs, "")
        if found is not None:
            return f"step {t}: {found}"
    return None


def _info_problem(infos: Any, lanes: int, where: str) -> Problem:
    if not isinstance(infos, dict):
        return f"infos{where} is a {type(infos).__name__}: expected one dict for all lanes"
    for name, values in infos.items():
        # A mask's own name starts with an underscore too.
        if name.startswith("_") and name[1:] in infos:
            continue
        mask = infos.get(f"_{name}")
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (lanes,):
            return f"infos{where}[{name!r}] has no mask of {lanes} booleans under {f'_{name}'!r}"
        if isinstance(values, dict):
            found = _info_problem(values, lanes, f"{where}[{name!r}]")
            if found is not None:
                return found
        elif not isinstance(values, np.ndarray | tuple) or len(values) != lanes:
            return f"infos{where}[{name!r}] is {values!r}: expected an array with one value a lane"
    return None


def equal_seeds_equal_runs(runs: Runs) -> Problem:
    """Checks that two runs with the same seed and actions are the same, infos included."""
    return _frames_problem(runs.main, runs.play(runs.script))


def seeded_as_singles(runs: Runs) -> Problem:
    """Checks that lane i of `reset(seed=s)` is one lane after `reset(seed=s + i)`, as in SyncVectorEnv."""
    single = runs.lane
    for lane in range(runs.num_envs):
        alone = runs.play(runs.script, lane=lane)
        for t, (one, many) in enumerate(zip(alone, runs.main, strict=True)):
            found = difference(lane_view(single, one, 0), lane_view(runs.env, many, lane))
            if found is not None:
                return f"step {t}: one lane alone with seed {runs.seed + lane} against lane {lane}{found}"
    return None


def lanes_independent(runs: Runs) -> Problem:
    """Checks that other actions in lane 0 leave the other lanes as they were."""
    changed = [[actions[-1], *actions[1:]] for actions in runs.script]
    for t, (one, other) in enumerate(zip(runs.main, runs.play(changed), strict=True)):
        for lane in range(1, runs.num_envs):
            found = difference(lane_view(runs.env, one, lane), lane_view(runs.env, other, lane))
            if found is not None:
                return f"step {t}: lane {lane} changed with the actions of lane 0{found}"
    return None


def arrays_are_the_callers(runs: Runs) -> Problem:
    """Checks that what was returned is neither overwritten by a later step nor needed by it."""
    # Up to the first episode's end, since beyond it every autoreset mode is stepped in its own way.
    first_end = next((t for t, frame in enumerate(runs.main) if frame.over.any()), len(runs.script))
    with closed_at_last(runs.make(runs.num_envs)) as env:
        kept, _ = env.reset(seed=runs.seed)
        for t, actions in enumerate(runs.script[:first_end]):
            copy = deepcopy(kept)
            observations = take_step(env, actions)[0]
            if (found := difference(copy, kept)) is not None:
                return f"step {t + 1} overwrote the observations returned before it{found}"
            kept = observations
    found = _frames_problem(runs.main, runs.play(runs.script, scribble=True))
    return None if found is None else f"writing into returned observations changes the environment: {found}"


def agrees_with_singles(runs: Runs, make_single: MakeSingle) -> Problem:
    """Checks that SyncVectorEnv over the single environment gives the same run, bit for bit."""
    sync = SyncLanes([make_single] * runs.num_envs, autoreset_mode=runs.mode)
    return _frames_problem(runs.main, play(sync, runs.script, runs.seed))


def _frames_problem(frames: Sequence[Transitions], others: Sequence[Transitions]) -> Problem:
    for t, (one, other) in enumerate(zip(frames, others, strict=True)):
        found = difference(one._asdict(), other._asdict())
        if found is not None:
            return f"step {t}{found}"
    return None
