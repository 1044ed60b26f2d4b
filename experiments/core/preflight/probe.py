"""Probe of the extreme configurations: whether they train here, and what training costs, without Ray.

A trial's two working parts, RLlib's environment runner and its learner, are built as the trial would build
them and do a little of its work, on what was seen in the environment before. Their times are processor time
of one thread, so that other programs do not enter; how much the clock ran ahead of it is reported beside.
An evaluation, in which the environment may wait, is measured on the clock.
"""

from __future__ import annotations

import math
import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from experiments.core.environments import EvaluationSetting, episode_limit, evaluate, make_vector
from experiments.core.fast_ppo import DivergenceError, module_policy
from experiments.core.preflight.cost_model import NetworkCost
from experiments.core.preflight.play import Play
from experiments.core.preflight.workers import Workers
from experiments.core.training import Task, hyperparameters, ppo_config, trainer_part

ROWS, FEW_ROWS = 512, 128
"""Rows of a measured gradient step, and of one where they take long."""
SLOW_S = 0.01
"""Seconds of a gradient step over `FEW_ROWS`, or of sampling them, from which it counts as slow."""
ALWAYS = 2
"""Configurations that are tried, and layouts measured, however long it takes: those of the baselines, which
nearly every sweep confirms."""
BUSY = 1.25
"""Seconds on the clock for one of computing above which the machine counts as busy; files take a little."""


@dataclass(frozen=True, kw_only=True)
class ExtremeRuns:
    """Results of trying configurations."""

    networks: Mapping[str, NetworkCost]
    """Cost of each layout."""
    updated: int
    """Configurations that were built and took one update."""
    given: int
    """Configurations that were given."""
    diverged: Sequence[str]
    """Of those, the ones whose first update was not finite, by name."""
    slowdown: float
    """Seconds on the clock for each second of computing: above 1 where others compute or anything waits."""


@dataclass(frozen=True, kw_only=True)
class EvaluationCost:
    """Cost and result of evaluating an untrained policy."""

    seconds: float
    """Of one evaluation, on the clock; extrapolated if not every episode ended."""
    finished: bool
    """Whether every episode ended, or was cut off, before the time was up."""
    cut_off: bool
    """Whether one reached the number of steps after which it is cut off, or over by a time limit."""
    steps: int
    """Steps until the last episode ended, or until the time was up."""
    length_mean: float
    """Mean steps of an episode; if not all ended, of those that were played before, NaN if none were."""
    score: float
    """Of the untrained policy; NaN if not all episodes ended."""
    measured: bool = True
    """Whether there was time for it, and not only for some play."""


@contextmanager
def preserve_rng_state() -> Iterator[None]:
    """Leaves the process as it was: RLlib seeds the global generators, and one thread is measured."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state(), torch.get_num_threads()  # noqa: NPY002
    torch.set_num_threads(1)
    try:
        # Ray gives a trial's process as many threads as cores; here all of the machine's would be taken.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # as in a trial's process
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002  # the global generator is the one to put back
        torch.set_rng_state(states[2])
        torch.set_num_threads(states[3])


@dataclass(frozen=True)
class Patience:
    """Time limit of a probe."""

    computing_s: float
    """Seconds of processor time."""
    clock_s: float
    """Seconds on the clock, more, so that a busy machine does not cut the checks short at once."""

    def started(self) -> Callable[[], bool]:
        """Starts the clock; what it returns says whether the time is up."""
        computing, clock = time.process_time(), time.perf_counter()
        return lambda: (
            time.process_time() - computing > self.computing_s or time.perf_counter() - clock > self.clock_s
        )


def try_extremes(
    configs: Mapping[str, Mapping[str, Any]],
    task: Task,
    play: Play,
    *,
    seed: int,
    few_rows: int,
    patience: Patience,
) -> ExtremeRuns:
    """Lets each configuration take one update, and then measures every layout among them.

    Args:
        configs: By name, the most important first.
        task: Settings that all runs have in common.
        play: What was seen in the environment.
        seed: For runs that nobody keeps.
        few_rows: The smallest minibatch of any configuration.
        patience: After it, what is left is neither tried nor measured, save the first `ALWAYS` of each.

    Raises:
        UserError: A configuration cannot be built.
    """
    time_is_up = patience.started()
    computing, clock = time.process_time(), time.perf_counter()

    def workers_of(name: str) -> Workers:
        return Workers(ppo_config({**configs[name], "seed": seed}, task), play)

    settings = {
        name: hyperparameters.with_defaults(trainer_part(config), task.fixed)
        for name, config in configs.items()
    }
    updated, diverged = _updated(settings, workers_of, time_is_up)
    # An update takes hundredths of a second, a measurement tenths: every configuration has its turn first.
    layouts: dict[str, str] = {}
    for name in updated:
        layouts.setdefault(settings[name]["layout"], name)
    networks, diverged_later = _networks(layouts, workers_of, time_is_up, min(few_rows, FEW_ROWS // 4))
    ratio = (time.perf_counter() - clock) / max(time.process_time() - computing, 1e-9)
    return ExtremeRuns(
        networks=networks,
        updated=len(updated),
        given=len(configs),
        diverged=[*diverged, *diverged_later],
        slowdown=ratio if ratio > BUSY else 1.0,
    )


def _updated(
    settings: Mapping[str, Mapping[str, Any]],
    workers_of: Callable[[str], Workers],
    time_is_up: Callable[[], bool],
) -> tuple[list[str], list[str]]:
    """Returns the configurations that took an update, by name, and those whose update was not finite."""
    updated: list[str] = []
    diverged: list[str] = []
    for name in settings:
        if len(updated) >= ALWAYS and time_is_up():
            break
        rows = min(settings[name]["minibatch_size"], FEW_ROWS)
        with workers_of(name) as workers:
            try:
                # What the first gradient step did to the weights shows in the second.
                workers.update(workers.sample(rows), rows=rows, epochs=2)
            except DivergenceError:
                diverged.append(name)
            else:
                updated.append(name)
    return updated, diverged


def _networks(
    layouts: Mapping[str, str],
    workers_of: Callable[[str], Workers],
    time_is_up: Callable[[], bool],
    few_rows: int,
) -> tuple[dict[str, NetworkCost], list[str]]:
    """Returns the measured cost of each layout, and the configurations that diverged meanwhile."""
    networks: dict[str, NetworkCost] = {}
    diverged: list[str] = []
    for layout, name in layouts.items():
        if len(networks) >= ALWAYS and time_is_up():
            break
        with workers_of(name) as workers:
            try:
                networks[layout] = _measured(workers, few_rows)
            except DivergenceError:
                diverged.append(name)
    return networks, diverged


def measure_evaluation(
    config: Mapping[str, Any],
    task: Task,
    play: Play,
    setting: EvaluationSetting,
    *,
    seconds: float,
    seed: int,
) -> EvaluationCost:
    """Evaluates an untrained policy as a trial evaluates its own, if there is time in fewer lanes.

    Args:
        config: Whose policy.
        task: Settings that all runs have in common.
        play: What was seen in the environment that it would train in.
        setting: Where.
        seconds: On the clock, of making the lanes, and of playing in them.
        seed: Of the network and the episodes.
    """
    with Workers(ppo_config({**config, "seed": seed}, task), play) as workers:
        module = workers.runner.module
    all_lanes = task.evaluation_lanes
    lanes = play.affordable_lanes(all_lanes, task.vectorization, seconds)
    steps, started = 0, 0.0

    def bounded(observations: Any) -> Any:
        nonlocal steps
        if time.perf_counter() - started > seconds:
            raise _TimeUpError
        steps += 1
        return policy(observations)

    most_steps = episode_limit(task.env, setting.parameters, setting.most_steps)
    made = make_vector(task.env, setting.parameters, lanes, task.vectorization)
    with closing(made) as env:
        policy = module_policy(module, env.single_observation_space, env.single_action_space)
        started = time.perf_counter()
        try:
            played = evaluate(env, bounded, seed=seed, episodes=lanes, most_steps=most_steps)
        except _TimeUpError:
            played = None
        taken_s = time.perf_counter() - started
    if played is None:
        # Random actions may have seen how long episodes last, where there was no time for this policy's.
        taken_s *= max(1.0, max(play.lengths, default=most_steps) / max(steps, 1))
    # Lanes in processes step together, others one after the other.
    turns = -(-task.evaluation_episodes // all_lanes)
    more = turns if task.vectorization == "async" else task.evaluation_episodes / lanes
    return EvaluationCost(
        seconds=taken_s * more,
        finished=played is not None,
        cut_off=played is not None and bool((played.lengths >= most_steps).any()),
        steps=steps,
        length_mean=play.length_mean if played is None else float(played.lengths.mean()),
        score=math.nan if played is None else setting.scale.score(float(played.returns.mean())),
    )


class _TimeUpError(Exception):
    """Error of an evaluation that takes longer than a check may."""


def _measured(workers: Workers, few: int) -> NetworkCost:
    """Tells apart what an environment step, a gradient step and a row of its minibatch cost.

    With many rows in one minibatch and with few in each, over one epoch and over several, the differences
    are gradient steps and rows alone; what is left of an update is counted with the steps that it came from.
    """
    sampled, few_s = _timed(lambda: workers.sample(FEW_ROWS))
    _, update_s = _timed(lambda: workers.update(sampled, rows=FEW_ROWS), 2)
    many = FEW_ROWS if update_s > SLOW_S else ROWS
    sampled, sampling_s = _timed(lambda: workers.sample(many), 1 if few_s > SLOW_S else 2)
    epochs = 3
    _, once_s = _timed(lambda: workers.update(sampled, rows=many), 3)
    _, again_s = _timed(lambda: workers.update(sampled, rows=many, epochs=epochs), 2)
    _, cut_s = _timed(lambda: workers.update(sampled, rows=few), 2)
    step_s = max(again_s - once_s, 0.0) / (epochs - 1)
    prepared_s = max(once_s - step_s, 0.0)
    gradient_s = max(cut_s - prepared_s - step_s, 0.0) / (many / few - 1)
    return NetworkCost(
        sampling_s=(sampling_s + prepared_s) / many,
        gradient_s=gradient_s,
        row_s=max(step_s - gradient_s, 0.0) / many,
        checkpoint_bytes=workers.checkpoint_bytes(),
    )


def _timed(work: Callable[[], Any], times: int = 1) -> tuple[Any, float]:
    """Returns the result of some work, and its seconds of processor time, the least of several tries."""
    given, taken = None, []
    for _ in range(times):
        started = time.process_time()
        given = work()
        taken.append(time.process_time() - started)
    return given, min(taken)
