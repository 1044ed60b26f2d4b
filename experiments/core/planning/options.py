"""Settings of one run, as the command line and the Python API take them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from experiments.core.declaration import (
    Experiment,
    Population,
    SamplerName,
    SchedulerName,
    check_number,
    schedulers,
)
from experiments.core.errors import UserError

SMOKE_STEPS = 4096

Trainer = Literal["fast", "rllib"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of one run; whatever is left out is as the experiment declares it."""

    trials: int | None = None
    """Configurations that the search tries."""
    steps_per_trial: int | None = None
    """Environment steps of a full trial."""
    seed: int | None = None
    """Root of every seed."""
    name: str | None = None
    """Name of the sweep, which is its folder's; the present time if left out."""
    new_name: str | None = None
    """With --name: start a sweep of this name, under other settings, from the best of that one."""
    warm_start: str | None = None
    """Folder of another sweep, whose best configurations are tried first as far as they fit the space."""
    storage: str = "results"
    """Folder under which sweeps are kept; on a cluster an absolute path that every node reaches."""
    concurrency: int | None = None
    """Trials at once; as many as fit, one for each core, if left out or if fewer fit."""
    confirm_seeds: int | None = None
    """Test seeds on which each chosen configuration is trained again: so many, instead of a race for them."""
    seeds_per_trial: int | None = None
    """Training seeds of one search trial."""
    top_k: int | None = None
    """Configurations of the search that are confirmed."""
    scheduler: SchedulerName | None = None
    """What stops hopeless trials early; pbt and pb2 train a population instead of searching."""
    sampler: SamplerName | None = None
    """What proposes configurations; a population has no use for it."""
    trainer: Trainer = "fast"
    """The suite's fast PPO path, or RLlib's own runner and learner for comparison."""
    retry_failed: bool = False
    """Train again what has failed by an exception; its old records are set aside."""
    retrain: Path | None = None
    """Sweep folder whose best configuration to train again on the test seeds in --seeds, and nothing else."""
    seeds: str | None = None
    """Test seeds to retrain on, such as 200-209 or 200,205,210-214; none that the confirmation used."""
    smoke: bool = False
    """A tiny sweep through every stage, to see that all of it works here."""
    check: bool = False
    """Only check that the sweep could run, and say what it would cost."""
    trust: bool = False
    """Run code that lies in the sweep's folder: for one of yours that another machine or release has left."""
    quiet: bool = False
    """Print the verdict and errors alone."""
    debug: bool = False
    """Show Ray's own messages, and tracebacks instead of one-line errors."""

    def apply(self, experiment: Experiment) -> Experiment:
        """Returns the experiment with these settings in place of its own.

        Raises:
            UserError: An option makes no sense, or the result is not a valid experiment.
        """
        self._check_together()
        if self.smoke:
            experiment = _smoke(experiment)
        spent = _given(trials=self.trials, steps_per_trial=self.steps_per_trial)
        confirmed = _given(top_k=self.top_k, seeds=self.confirm_seeds)
        scheduler = experiment.scheduler
        if self.scheduler is not None:
            scheduler = schedulers.named(self.scheduler, scheduler)
        if self.sampler is not None and isinstance(scheduler, Population):
            raise UserError(
                f"--sampler {self.sampler}: nothing proposes configurations under {scheduler.name}; leave it "
                "out, or choose another --scheduler"
            )
        with _named_as_given(trials="--trials", steps_per_trial="--steps-per-trial"):
            budget = replace(experiment.budget, **spent)
        with _named_as_given(top_k="--top-k", seeds="--confirm-seeds"):
            confirmation = replace(experiment.confirmation, **confirmed)
        if self.top_k is not None and self.top_k >= budget.trials:
            raise UserError(
                f"--top-k {self.top_k}: expected at most {budget.trials - 1}, as many as are tried beside "
                f"the default configuration in {budget.trials} trials; raise --trials, or lower --top-k"
            )
        with _named_as_given(seed="--seed", seeds_per_trial="--seeds-per-trial"):
            return replace(
                experiment,
                budget=budget,
                confirmation=confirmation,
                **_given(
                    seed=self.seed,
                    scheduler=scheduler,
                    sampler=self.sampler,
                    seeds_per_trial=self.seeds_per_trial,
                ),
            )

    def _check_together(self) -> None:
        """Checks that the options make sense beside one another, whatever the experiment."""
        _check_name("--name", self.name)
        _check_name("--new-name", self.new_name)
        if self.new_name is not None and self.name is None:
            raise UserError(
                f"--new-name {self.new_name}: expected --name as well, of the sweep to start from; "
                "--name alone starts a sweep from nothing"
            )
        if self.new_name is not None and self.new_name == self.name:
            raise UserError(
                f"--new-name {self.new_name}: expected another name than {self.name}, the sweep to start "
                "from; leave out --new-name to go on with that one"
            )
        if self.new_name is not None and self.warm_start is not None:
            raise UserError(f"--new-name starts from --name {self.name}: leave out --warm-start")
        for option, kind in _CHOICES.items():
            _check_choice(option, getattr(self, option), get_args(kind))
        if "://" in self.storage:
            raise UserError(f"--storage {self.storage}: expected a folder; mount the bucket on every node")
        if self.concurrency is not None:
            check_number(f"--concurrency {self.concurrency}", self.concurrency, 1)
        if (self.retrain is None) != (self.seeds is None):
            raise UserError("--retrain FOLDER and --seeds 200-209 go together: give both, or neither")


def _smoke(experiment: Experiment) -> Experiment:
    return replace(
        experiment,
        budget=replace(experiment.budget, trials=4, steps_per_trial=SMOKE_STEPS, evaluations=4),
        confirmation=replace(experiment.confirmation, top_k=1, seeds=2),
        evaluation_episodes=min(experiment.evaluation_episodes, 32),
    )


_CHOICES = {
    "scheduler": SchedulerName,
    "sampler": SamplerName,
    "trainer": Trainer,
}
"""Options that take one of a few names. The command line knows them; a call from Python can give anything."""


def _check_choice(option: str, value: str | None, choices: Sequence[str]) -> None:
    if value is not None and value not in choices:
        raise UserError(f"--{option} {value!r}: expected {', '.join(choices[:-1])} or {choices[-1]}")


def _check_name(option: str, name: str | None) -> None:
    if name is not None and (Path(name).name != name or name in {"", ".", ".."}):
        raise UserError(f"{option} {name!r}: expected a plain folder name, without a path")


@contextlib.contextmanager
def _named_as_given(**options: str) -> Iterator[None]:
    """Calls a field that is refused by the option that set it, since declared ones were checked before."""
    try:
        yield
    except UserError as error:
        name, _, rest = str(error).partition("=")
        raise UserError(f"{options[name]} {rest}" if name in options else str(error)) from error


def _given(**options: Any) -> dict[str, Any]:
    """Returns those that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}
