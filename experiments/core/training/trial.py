"""Tune trainable of one configuration: a thin shell around RLlib's PPO that every run of a sweep uses."""

from __future__ import annotations

import atexit
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

from analysis.sweep import Phase, configuration_of
from envs.lanes import described
from experiments.core.declaration import Resources, replica_seeds
from experiments.core.environments import (
    EvaluationSetting,
    RLlibEnv,
    close_open,
    episode_limit,
    make_vector,
)
from experiments.core.errors import UserError
from experiments.core.fast_ppo import use_fast_path
from experiments.core.records import CONFIGURATION, RunOutput, open_dump, saved_state, write_cause_of_loss
from experiments.core.training import hyperparameters
from experiments.core.training.environment_parameters import trainer_part, training_parameters
from experiments.core.training.replicas import SeedReplicas
from experiments.core.training.run import TrainingRun, TrainingSchedule
from experiments.core.training.schedule import ConfigurationSchedule
from experiments.core.training.task import Task, phase_of
from experiments.core.training.watch import StopTraining, Watch, end_with_ray

SAVE_EVERY_S = 1.0
"""Seconds of training after which a trial under way saves itself, at its next evaluation."""
SAVE_SHARE = 0.01
"""Part of its time that a trial may spend on saving: large states are saved less often."""


def ppo_config(config: Mapping[str, Any], task: Task) -> PPOConfig:
    """Makes the RLlib configuration of one run.

    Args:
        config: Hyperparameters of one configuration, besides `seed`.
        task: Settings that are not part of the configuration.

    Raises:
        UserError: A hyperparameter is unknown or the batch sizes do not fit.
    """
    settings = settings_of(config, task)
    parameters = training_parameters(task.env_parameters, configuration_of(config))
    built = (
        PPOConfig()
        .environment(
            RLlibEnv,
            env_config={"id": task.env, "parameters": parameters, "vectorization": task.vectorization},
        )
        .env_runners(
            num_env_runners=0,
            num_envs_per_env_runner=task.lanes,
            gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT,
        )
        .training(**hyperparameters.training_keywords(settings))
        .rl_module(model_config=DefaultModelConfig(**hyperparameters.model_keywords(settings)))
        .learners(num_gpus_per_learner=task.resources.gpus)
        .debugging(seed=config["seed"], log_level="ERROR")
    )
    if task.trainer == "rllib":
        return built
    return use_fast_path(built, **hyperparameters.fast_path_keywords(settings))


def settings_of(config: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """Returns every setting of the trainer by name, as :func:`ppo_config` uses it."""
    return hyperparameters.with_defaults(trainer_part(configuration_of(config)), task.fixed)


class PPOTrial(tune.Trainable):  # type: ignore[misc]  # ray ships no types
    """Tune trainable that trains one configuration and reports one result for each evaluation.

    `config` holds the sampled hyperparameters, the training `seed` and the `config_id`; a confirmation run
    also holds the index of its `test_seed`, and one of a population's winner its schedule, by which
    hyperparameters change on the way. Actors are reused: :meth:`reset_config` builds the next trial in place.
    """

    def setup(self, config: dict[str, Any], task: Task) -> None:
        """Prepares the process once and builds the first trial."""
        _prepare_process(task.resources)
        if task.portable is not None:
            task.portable.unpack()
        self._task = task
        self._watch = Watch(task.step_timeout_s, self._tell_loss, task.stop_file)
        self._watch.start()
        end_with_ray()
        self._keep_output()
        # Whatever ends this process in good order closes what is open in it, SIGTERM included.
        atexit.register(_close_quietly)
        with _closing_after_errors():
            self._evaluate_in(task.evaluation_settings[phase_of(config)])
            self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial without a new process."""
        with _closing_after_errors():
            self._replicas.stop()
            self._keep_output()
            setting = self._task.evaluation_settings[phase_of(new_config)]
            if setting != self._evaluation_setting:
                self._evaluation_env.close()
                self._evaluate_in(setting)
            self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Trains up to the next evaluation and evaluates."""
        try:
            with _closing_after_errors(), self._watch.training():
                result = self._replicas.advance()
        except StopTraining as stop:  # Ray knows no interruption of its own kind
            raise RuntimeError("the sweep was told to stop") from stop
        with _closing_after_errors():
            result = {**result, CONFIGURATION: configuration_of(self._replicas.config)}
            self._results.append({name: value for name, value in result.items() if name != "done"})
            if not result["done"]:
                self._save_if_due()
            if self._output is not None:
                self._output.bound()
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Saves RLlib's checkpoint and how far training has come, of each replica.

        Raises:
            FileNotFoundError: The sweep's folder is gone, which Tune would begin anew in its place.
        """
        if storage := getattr(self, "_storage", None):
            Path(storage.trial_fs_path).parent.stat()
        self._replicas.save(Path(checkpoint_dir))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Continues from where :meth:`save_checkpoint` was, or copies another trial from its checkpoint.

        Whatever the checkpoint was trained with, from now on the configuration of this trial is active.
        """
        with _closing_after_errors():
            self._replicas.load(Path(checkpoint_dir))

    def cleanup(self) -> None:
        """Frees the trainers and every environment of the process."""
        atexit.unregister(_close_quietly)
        with suppress(Exception):  # a run that is over is not changed by what closing raises
            self._replicas.stop()
        _close_quietly()
        self._watch.stop()

    def _begin(self, config: dict[str, Any]) -> None:
        """Starts a trial, or continues one that was cut off, with the results it would have had.

        Nearly those under `--trainer rllib`, whose runner begins new episodes and whose KL coefficient is
        reset.
        """
        storage = getattr(self, "_storage", None)  # outside Tune there is none, and nothing to go on from
        self._replicas = self._built(config)
        self._results: saved_state.Results = []
        # A member of a population has checkpoints for its pauses, and no use for more.
        self._folder = Path(storage.trial_fs_path) if storage and self._task.goes_on else None
        if self._folder is not None:
            self._go_on(self._folder, config)
        self._saved_at, self._save_cost = time.perf_counter(), 0.0

    def _evaluate_in(self, setting: EvaluationSetting) -> None:
        """Makes the lanes in which a phase evaluates."""
        task, self._evaluation_setting = self._task, setting
        self._evaluation_env = make_vector(
            task.env, setting.parameters, task.evaluation_lanes, task.vectorization
        )

    def _keep_output(self) -> None:
        """Keeps in the run's folder what its environment prints, which would be lost in Ray's own logs."""
        self._output: RunOutput | None = None
        storage = getattr(self, "_storage", None)
        if storage:
            sys.stdout = sys.stderr = self._output = RunOutput(Path(storage.trial_fs_path))
            self._output.take_descriptors()
            with suppress(OSError):
                self._watch.dump_to(open_dump(Path(storage.trial_fs_path)))

    def _tell_loss(self, cause: str) -> None:
        """Leaves the cause by which this process is about to end, for whoever records it."""
        storage = getattr(self, "_storage", None)
        if storage:
            write_cause_of_loss(Path(storage.trial_fs_path), cause)

    def _go_on(self, folder: Path, config: dict[str, Any]) -> None:
        """Continues from what the run had saved; where that cannot be done it restarts and says so."""
        try:
            before = saved_state.load(folder, key=self._task.key, trust=self._task.trust)
            if before is not None:
                results, state = before
                self._replicas.set_state(state)
                self._results = results
        except Exception as error:  # a state of other code may raise anything, and none of it ends the trial
            saved_state.refuse(folder, described(error))
            with suppress(Exception):  # what was restored by half may not close
                self._replicas.stop()
            self._replicas = self._built(config)

    def _save_if_due(self) -> None:
        """Saves what a killed sweep continues from, at most every second and for one part in a hundred."""
        started = time.perf_counter()
        wait = max(SAVE_EVERY_S, self._save_cost / SAVE_SHARE)
        if self._folder is None or started - self._saved_at < wait:
            return
        with suppress(OSError):  # what was saved before is still there; the driver looks to the storage
            self._folder.mkdir(exist_ok=True)
            saved_state.save(self._folder, self._results, self._replicas.get_state(), key=self._task.key)
        self._saved_at = time.perf_counter()
        self._save_cost = self._saved_at - started

    def _built(self, config: dict[str, Any]) -> SeedReplicas:
        task, setting = self._task, self._evaluation_setting
        searching = phase_of(config) is Phase.SEARCH
        schedule = TrainingSchedule(
            steps=task.steps,
            evaluations=task.evaluations,
            env=self._evaluation_env,
            episodes=task.evaluation_episodes,
            most_steps=episode_limit(task.env, setting.parameters, setting.most_steps),
            seed=task.seeds.evaluation if searching else task.seeds.test_evaluation(config["test_seed"]),
            scale=setting.scale,
        )
        count = task.seeds_per_trial if searching else 1
        seeds = replica_seeds(config["seed"], count, lanes=task.lanes)
        configurations = [
            ConfigurationSchedule(
                received={**config, "seed": seed},
                build=partial(ppo_config, task=task),
                settings=partial(settings_of, task=task),
            )
            for seed in seeds
        ]
        runs = [TrainingRun(each, schedule) for each in configurations]
        return SeedReplicas(runs, penalty=task.seed_penalty)


@contextmanager
def _closing_after_errors() -> Iterator[None]:
    """Closes every environment of the process where training raises, since nothing runs in it afterwards."""
    try:
        yield
    except BaseException:
        _close_quietly()
        raise


def _close_quietly() -> None:
    """Closes what is still open; what a user's `close` raises goes to the process's own output."""
    try:
        close_open()
    except Exception:
        traceback.print_exc()


def _prepare_process(resources: Resources) -> None:
    """Sets as many threads as cores are declared to Ray, and silences libraries in the trial's output.

    Raises:
        UserError: A GPU is declared that torch cannot use.
    """
    if resources.gpus and not torch.cuda.is_available():
        raise UserError(
            f"a trial takes {resources.gpus:g} of a GPU, and torch {torch.__version__} finds none: install "
            "torch for the GPU's driver, or declare gpus=0 in the experiment's resources"
        )
    torch.set_num_threads(resources.cpus)
    warnings.filterwarnings("ignore")
