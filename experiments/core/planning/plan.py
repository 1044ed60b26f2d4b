"""Plan of one sweep: the declaration, the options of this run, its name and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.sweep import ADAPTED, DEFAULT, RLLIB, STOP_FILE, Phase, WarmStart
from analysis.verdict import most_seeds
from experiments.core.declaration import Experiment, Seeds
from experiments.core.environments import (
    EvaluationSetting,
    PortableEnvironment,
    ScoreScale,
    full_name,
    scale_of,
)
from experiments.core.errors import UserError
from experiments.core.planning.options import Options
from experiments.core.planning.warm_start import read_warm_start
from experiments.core.ray_internals import cores_here
from experiments.core.records import Look, recorded_manifest, take_look
from experiments.core.training import Task
from search_spaces import model_layouts
from search_spaces.baselines import adapted_defaults, rllib_defaults

LEAST_TIMEOUT_S = 60.0
"""Seconds that a call of an environment may take, however fast it is otherwise."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan of a sweep: what it is going to do, and where."""

    experiment: Experiment
    """The declaration, with the options of this run in place of its own values."""
    name: str
    """The experiment's name: that of its module."""
    question: str
    """Its question: the first line of its module's docstring."""
    options: Options
    """The options of this run."""
    sweep: str
    """The name of this sweep."""
    look: Look = Look(block=0, looks=1)  # noqa: RUF009  # a tuple: nobody can change it
    """The test seeds that it takes; known once it has started."""

    @classmethod
    def of(cls, experiment: Experiment, options: Options, *, name: str, question: str) -> Plan:
        """Names the sweep; the options are already part of the experiment."""
        sweep = options.new_name or options.name or datetime.now(UTC).strftime("%Y-%m-%d_%H-%M-%S")
        experiment = replace(experiment, env=full_name(experiment.env))
        return cls(experiment=experiment, name=name, question=question, options=options, sweep=sweep)

    @property
    def folder(self) -> Path:
        """Where the sweep is kept, absolute."""
        return self._folder_of(self.sweep)

    def _folder_of(self, sweep: str) -> Path:
        return Path(self.options.storage).expanduser().absolute() / self.name / sweep

    def looking(self) -> Plan:
        """Returns the plan with test seeds that are its own: those it has, or a block that nobody has seen.

        A smoke test, which shows that everything runs and nothing else, counts as no look.

        Raises:
            OSError: The experiment's results folder cannot be written.
        """
        recorded = recorded_manifest(self.folder)
        if recorded is not None:
            return replace(self, look=Look(recorded.seeds.block, recorded.seeds.looks))
        if self.options.smoke:
            return self
        # Sweeps of a release that kept no ledger, or in another experiment's folder, have seen theirs too.
        folders = set(self.folder.parent.iterdir()) if self.folder.parent.is_dir() else set()
        if self.warm_start is not None:
            folders.add(Path(self.warm_start.source))
        others = set()
        for folder in folders:
            with suppress(UserError):
                if (folder / Phase.CONFIRM).is_dir() and (other := recorded_manifest(folder)) is not None:
                    others.add((other.seeds.root, other.seeds.block))
        look = take_look(self.folder.parent, self.sweep, self.experiment.seed, others)
        return replace(self, look=look)

    @cached_property
    def warm_start(self) -> WarmStart | None:
        """The configurations that this sweep takes over from another one, as it did when it was started.

        Raises:
            UserError: The other folder is not a sweep with completed trials, or this sweep's manifest cannot
                be read.
        """
        recorded = recorded_manifest(self.folder)
        before = None if recorded is None else recorded.warm_start
        if self.options.new_name is not None:
            other, option = self._folder_of(str(self.options.name)), "--name"
        elif self.options.warm_start is not None:
            other, option = Path(self.options.warm_start).expanduser().absolute(), "--warm-start"
        else:
            return before
        if before is not None and before.source == other.as_posix():
            return before
        space, trials = self.experiment.space, self.experiment.budget.trials
        return read_warm_start(other, space, trials=trials, option=option)

    @cached_property
    def evaluation_settings(self) -> Mapping[Phase, EvaluationSetting]:
        """Where each phase evaluates, and on which scale."""
        experiment = self.experiment
        overrides = {
            Phase.SEARCH: experiment.validation_parameters,
            Phase.CONFIRM: experiment.test_parameters,
        }
        parameters = {phase: {**experiment.env_parameters, **own} for phase, own in overrides.items()}
        return {
            phase: EvaluationSetting(
                parameters=keywords,
                scale=scale_of(experiment.env, keywords),
                most_steps=experiment.most_evaluation_steps,
            )
            for phase, keywords in parameters.items()
        }

    @property
    def scale(self) -> ScoreScale:
        """How the returns that the verdict is about become scores."""
        return self.evaluation_settings[Phase.CONFIRM].scale

    @property
    def seeds(self) -> Seeds:
        """Every seed of the sweep."""
        return Seeds(self.experiment.seed, self.look.block)

    @cached_property
    def baselines(self) -> Mapping[str, Mapping[str, Any]]:
        """The untuned configurations by id, slowest first: RLlib's defaults train ten times longer.

        The default with its batch adapted is there where that is another batch, unless the sweep was begun by
        a release that did not know it.
        """
        experiment = self.experiment
        steps, default = experiment.budget.steps_per_trial, experiment.space.defaults
        adapted = adapted_defaults(
            experiment.space, steps=steps, lanes=experiment.lanes, fixed=experiment.fixed
        )
        recorded = recorded_manifest(self.folder)
        known = recorded is None or ADAPTED in recorded.baselines
        found = {ADAPTED: adapted, DEFAULT: default} if known and adapted != default else {DEFAULT: default}
        return {
            RLLIB: rllib_defaults(experiment.space),
            **{name: {**config, **model_layouts.derived(config)} for name, config in found.items()},
        }

    @property
    def test_runs(self) -> int:
        """Runs of the confirmation, if no baseline is among the winners; the most that a race may take."""
        confirmation = self.experiment.confirmation
        race = [*self.baselines, *[""] * self.experiment.top_k]
        extra = confirmation.maximum - confirmation.interim_analyses[-1]
        return sum(most_seeds(name, confirmation.interim_analyses) for name in race) + extra

    @property
    def cores(self) -> int | None:
        """Cores that a Ray of the sweep's own is given; None for all there are.

        More than there are would not make training faster, and nothing that was estimated would hold.
        """
        wanted = self.options.concurrency
        return None if wanted is None else min(wanted * self.experiment.resources.cpus, cores_here())

    def concurrency(self, available: Mapping[str, float]) -> int:
        """Returns the number of runs at once: as many as fit, or fewer where the user says so.

        Args:
            available: Of each resource, in Ray's names.

        Raises:
            UserError: Not even one fits.
        """
        fitting = self.experiment.resources.trials_in(available)
        return min(self.options.concurrency or fitting, fitting)

    def task(self, *, step_timeout_s: float = LEAST_TIMEOUT_S) -> Task:
        """Returns the settings that all runs of the sweep have in common.

        Args:
            step_timeout_s: Seconds after which a call of the environment counts as stuck, if the experiment
                declares none.
        """
        experiment = self.experiment
        return Task(
            env=experiment.env,
            portable=PortableEnvironment.of(experiment.env),
            env_parameters=dict(experiment.env_parameters),
            evaluation_settings=self.evaluation_settings,
            fixed=dict(experiment.fixed),
            lanes=experiment.lanes,
            vectorization=experiment.vectorization,
            resources=experiment.resources,
            steps=experiment.budget.steps_per_trial,
            evaluations=experiment.budget.evaluations,
            evaluation_episodes=experiment.evaluation_episodes,
            seeds=self.seeds,
            trainer=self.options.trainer,
            trust=self.options.trust,
            seeds_per_trial=experiment.seeds_per_trial,
            seed_penalty=experiment.seed_penalty,
            step_timeout_s=experiment.step_timeout_s or step_timeout_s,
            stop_file=self.folder / STOP_FILE,
        )
