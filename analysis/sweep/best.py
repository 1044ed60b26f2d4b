"""Typed record of best.yaml: the configuration to use, and what it takes to train it without this suite.

What is read of YAML is no more than JSON could say. By aliases a few lines stand for a billion values, tags
ask for other types, and plain words are dates, times and numbers to the base of 60.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

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

_LARGEST: Final = 2**20
"""Bytes that the file may have: a long schedule takes a quarter of it."""
_DEEPEST: Final = 64
_WHOLE: Final = "[-+]?[0-9]{1,308}"
"""Digits of a number, no more of them than a float can hold."""
_SCALARS: Final = {
    "null": ("null|~|", ["n", "~", ""]),
    "bool": ("true|false", ["t", "f"]),
    "int": (_WHOLE, list("-+0123456789")),
    "float": (rf"{_WHOLE}\.[0-9]*(?:[eE][-+]?[0-9]{{1,4}})?|[-+]?\.inf|\.nan", list("-+.0123456789")),
}
"""What plain words may mean, and how they begin."""
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
    ablation: dict[str, Any] | UnsetType = UNSET
    """Which changes carry the gain, and the simpler configuration that is as good, if one is."""
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
    content = content_of(path, largest=_LARGEST)
    if content is None:
        return None
    try:
        return BestRecord.of(_parsed_yaml(content.decode("utf-8")))
    except Exception as error:  # garbage makes PyYAML raise anything
        raise DamagedError(path, str(error)) from error


class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # as is there
    """Loader of JSON's types."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML fills it


for _kind, (_pattern, _first) in _SCALARS.items():
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern})\Z"), _first)


def _parsed_yaml(text: str) -> Any:
    """Returns the value in a YAML text.

    Raises:
        ValueError: It has an alias, an anchor or a tag, or is nested too deeply.
        yaml.YAMLError: It is no YAML.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
            raise ValueError("it has an alias, an anchor or a tag")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} deep")
    return yaml.load(text, Loader=_PlainLoader)


def rllib_settings(folder: Path, config_id: str) -> dict[str, Any] | None:
    """Returns RLlib's settings of a configuration; None where the sweep did not record them."""
    try:
        settings = read_record(folder / RLLIB_FILE, RllibSettings)
    except DamagedError:
        return None
    return None if settings is None else settings.by_config_id.get(config_id)
