"""Typed record of best.yaml: the configuration to use, and what it takes to train it without this suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import UNSET, Struct, UnsetType

from analysis.sweep.layout import BEST_FILE, RLLIB_FILE, SCHEDULE
from analysis.sweep.records import (
    ConfigId,
    Configuration,
    Count,
    DamagedError,
    Positive,
    Record,
    content_of,
    read_record,
)

FROM_STEP = "from_step"
"""Key, in a change of a schedule, of the steps from which it is active; the others are hyperparameters."""


class BestTraining(Struct, frozen=True, kw_only=True):
    """How it was trained."""

    steps: Positive
    lanes: Positive
    trainer: Literal["fast", "rllib"]


class BestEvaluation(Struct, frozen=True, kw_only=True):
    """How it was evaluated."""

    evaluations: Positive
    episodes: Positive


class BestSeeds(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seeds of the confirmation."""

    root: int
    test_seeds: list[Count] = []
    test_training: list[int] = []
    test_evaluation: list[int] = []


class BestRecord(Record, frozen=True, kw_only=True):
    """The configuration to use, in the order in which it is read."""

    config_id: ConfigId
    reason: str = ""
    experiment: str = ""
    sweep: str = ""
    confirmed: dict[str, Any] | None = None
    """Its score and interval; None where nothing was confirmed."""
    configuration: Configuration
    """Its values, or those of the start where it changes on the way."""
    schedule: list[dict[str, Any]] | UnsetType = UNSET
    """Its changes, of a population's member: the hyperparameters that change, and `from_step`."""
    fixed: dict[str, Any]
    rllib: dict[str, Any] | None = None
    """Settings given to RLlib, under RLlib's own names; None where the sweep did not record them."""
    env: str
    env_parameters: dict[str, Any]
    test_parameters: dict[str, Any]
    training: BestTraining
    evaluation: BestEvaluation
    seeds: BestSeeds
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.schedule is not UNSET:
            msgspec.convert([change.get(FROM_STEP) for change in self.schedule], list[Count])
            msgspec.convert(self.schedule, list[Configuration])

    @property
    def trained(self) -> dict[str, Any]:
        """The configuration as a run's trainable receives it, with its schedule if it has one."""
        if not self.schedule:
            return dict(self.configuration)
        schedule = [
            {
                "steps": change[FROM_STEP],
                "configuration": {name: value for name, value in change.items() if name != FROM_STEP},
            }
            for change in self.schedule
        ]
        return {**self.configuration, SCHEDULE: schedule}


class RllibSettings(Record, frozen=True):
    """What RLlib was told, by configuration."""

    by_config_id: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, value: Any) -> RllibSettings:
        """Returns the record that a file's entries are."""
        return msgspec.convert({"by_config_id": value}, cls)


def read_best(folder: Path) -> BestRecord | None:
    """Returns a sweep's best.yaml; None if there is none.

    Raises:
        DamagedError: It is not what a report writes.
    """
    path = folder / BEST_FILE
    content = content_of(path)
    if content is None:
        return None
    try:
        return BestRecord.of(yaml.safe_load(content.decode("utf-8")))
    except Exception as error:  # garbage makes PyYAML raise anything
        raise DamagedError(path, str(error)) from error


def rllib_settings(folder: Path, config_id: str) -> dict[str, Any] | None:
    """Returns RLlib's settings of a configuration; None where the sweep did not record them."""
    try:
        settings = read_record(folder / RLLIB_FILE, RllibSettings)
    except DamagedError:
        return None
    return None if settings is None else settings.by_config_id.get(config_id)
