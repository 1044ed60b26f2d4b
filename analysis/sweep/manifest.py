"""Manifest of a sweep: what it is asked for, how it was started and who went on with it.

`manifest.json` carries the version of the whole folder's form. A folder of a later form is refused, since
what this release does not know of it could be lost.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, Struct, field

from analysis.sweep.layout import MANIFEST_FILE
from analysis.sweep.records import (
    Configuration,
    Count,
    DamagedError,
    Name,
    Positive,
    Record,
    Value,
    Whole,
    read_record,
)
from analysis.sweep.schema import MINIMAL_EFFECT, SCHEMA_VERSION


class NotASweepError(Exception):
    """The folder is no sweep that this release reads; one line says what was found and what was expected."""


class EnvRecord(Struct, frozen=True, kw_only=True):
    """The environment, with the references of its score."""

    id: Name
    parameters: dict[str, Any] = field(default_factory=dict)
    validation_parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters that evaluations of the search have besides, or in place of the others."""
    test_parameters: dict[str, Any] = field(default_factory=dict)
    """The same of the confirmation."""
    return_unit: str = ""
    floor: float | None = None
    floor_policy: str | None = None
    optimum: float | None = None
    optimum_source: str | None = None
    references: dict[str, float] = field(default_factory=dict)
    """Expected return of each reference policy."""


class RealRange(Struct, frozen=True, kw_only=True):
    """Bounds of real numbers."""

    step: Annotated[float, Meta(gt=0)] | None = None
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        ordered = math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high
        if not ordered or (self.log and (self.low <= 0 or self.step is not None)):
            raise ValueError(f"no such range: {self}")


class WholeRange(Struct, frozen=True, kw_only=True):
    """Bounds of whole numbers."""

    log: bool = False
    step: Positive = 1
    low: Whole
    high: Whole

    def __post_init__(self) -> None:
        if self.low > self.high or (self.log and (self.low < 1 or self.step != 1)):
            raise ValueError(f"no such range: {self}")


class Choices(Struct, frozen=True, kw_only=True):
    """Values to choose from."""

    choices: Annotated[list[Value], Meta(min_length=1)]


class RealDomain(Struct, frozen=True, tag_field="name", tag="FloatDistribution"):
    """Real numbers of a range, as Optuna writes them."""

    attributes: RealRange


class WholeDomain(Struct, frozen=True, tag_field="name", tag="IntDistribution"):
    """Whole numbers of a range, as Optuna writes them."""

    attributes: WholeRange


class ChoiceDomain(Struct, frozen=True, tag_field="name", tag="CategoricalDistribution"):
    """A choice, as Optuna writes it."""

    attributes: Choices


Domain = RealDomain | WholeDomain | ChoiceDomain


class HyperparameterRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One hyperparameter of the space."""

    distribution: Domain
    default: Value
    source: str = ""
    when: dict[str, list[Value]] = field(default_factory=dict)
    """Name that it depends on, to the values with which it is active."""


class BudgetRecord(Struct, frozen=True, kw_only=True):
    """What the search may spend."""

    trials: Count
    steps_per_trial: Positive
    evaluations: Positive


class ReplicasRecord(Struct, frozen=True, kw_only=True):
    """Training seeds of one trial."""

    seeds_per_trial: Positive = 1
    seed_penalty: float = 0.0
    seed_stride: Count | None = None


class EvaluationRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an evaluation plays."""

    episodes: Positive
    max_steps: Positive | None = None
    """Steps after which an episode is cut off, as declared; None for as many as a trial trains."""


class ConfirmationRecord(Struct, frozen=True, kw_only=True):
    """What is confirmed, on how many test seeds, and in how many runs it is ablated."""

    top_k: Count
    seeds: Count
    looks: list[Positive] = field(default_factory=list)
    """Numbers of seeds at the interim analyses of a race; a single one if the number of seeds is fixed."""
    minimal_effect: float = MINIMAL_EFFECT
    max_collapse: float | None = None
    ablation: Count = 0


class SeedsRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every seed by its purpose."""

    root: int
    block: Count = 0
    """Block of the test seeds."""
    looks: Positive = 1
    """Sweeps of the experiment, with this one, that had taken test seeds by then."""
    sampler: int | None = None
    training: int | None = None
    training_stride: int | None = None
    evaluation: int | None = None
    test_seeds: list[Count] = field(default_factory=list)
    """Indices of the test seeds of a retraining, which has no search."""
    test_training: list[int] = field(default_factory=list)
    test_evaluation: list[int] = field(default_factory=list)


class GitRecord(Struct, frozen=True, kw_only=True):
    """A checkout: the suite's, or the experiment's own. Equal hashes, equal changes to tracked files."""

    commit: str | None = None
    dirty: bool | None = None
    diff_sha256: str | None = None


class WarmStart(Struct, frozen=True, kw_only=True):
    """What another sweep gives to this one."""

    source: str
    """The other sweep's folder."""
    configurations: dict[str, Configuration]
    """Values to try by their id in the other sweep, best first; names that it did not search are missing."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Its other good configurations by id, with the reason why this space cannot take them."""

    def __str__(self) -> str:
        """What is tried and what is not, in one line."""
        tried = ", ".join(self.configurations) or "nothing fits besides the default"
        missing = "".join(f"; left out {name}: {reason}" for name, reason in self.left_out.items())
        return f"warm start from {self.source}: {tried}{missing}"


class StartRecord(Struct, frozen=True, kw_only=True):
    """A start of a sweep that had been begun before."""

    command: str = ""
    started: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    git: GitRecord = GitRecord()
    program_git: GitRecord = GitRecord()
    budget: BudgetRecord | None = None
    """What the search could spend from then on."""
    replaced: dict[str, Any] = field(default_factory=dict)
    """Entries of the manifest that were different until then."""


class Manifest(Record, frozen=True, kw_only=True):
    """What a sweep is asked for by now, and how it was first started."""

    schema_version: int = SCHEMA_VERSION
    experiment: Name
    sweep: Name
    question: str = ""
    env: EnvRecord
    space: dict[Name, HyperparameterRecord] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    budget: BudgetRecord
    lanes: Positive
    vectorization: str = "auto"
    resources: dict[str, Any] = field(default_factory=dict)
    replicas: ReplicasRecord = ReplicasRecord()
    evaluation: EvaluationRecord
    confirmation: ConfirmationRecord
    baselines: dict[str, Configuration] = field(default_factory=dict)
    scheduler: dict[str, Any] | str | None = None
    sampler: str | None = None
    warm_start: WarmStart | None = None
    checkpoint_budget_gb: float | None = None
    trainer: Literal["fast", "rllib"] = "fast"
    seeds: SeedsRecord
    command: str = ""
    started: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    git: GitRecord = GitRecord()
    program_git: GitRecord = GitRecord()
    continued: list[StartRecord] = field(default_factory=list)
    """Later starts that ran anything or asked for something else."""
    added: dict[str, Any] = field(default_factory=dict)
    """Entries that this release does not know; they stay where they were."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Returns the manifest that a file's entries are."""
        entries = msgspec.convert(value, dict[str, Any])
        own = set(cls.__struct_fields__) - {"added"}
        added = {name: entries.pop(name) for name in [*entries] if name not in own}
        return msgspec.convert(entries | {"added": added}, cls)

    def to_json(self) -> dict[str, Any]:
        """Returns the inverse of :meth:`of`."""
        # Through JSON, in which a tuple is a list.
        entries: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(self, enc_hook=_number)))
        del entries["added"]
        if not self.continued:
            del entries["continued"]
        return entries | self.added

    @property
    def scheduler_name(self) -> str | None:
        """Name of the scheduler."""
        named = self.scheduler.get("name") if isinstance(self.scheduler, dict) else self.scheduler
        return None if named is None else str(named)


def _number(value: Any) -> float:
    """A parameter of an environment as JSON has it, which may be a float of NumPy's."""
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError(f"{value!r} cannot be written as JSON")


class _Version(Record, frozen=True):
    schema_version: int


def read_manifest(folder: Path) -> Manifest | None:
    """Returns the manifest of the sweep in a folder; None if there is none.

    Raises:
        DamagedError: It is not what a sweep writes.
        NotASweepError: A later release wrote it.
    """
    path = folder / MANIFEST_FILE
    version = read_record(path, _Version)
    if version is None:
        return None
    if version.schema_version > SCHEMA_VERSION:
        raise NotASweepError(
            f"{folder} was written by a later release of ppo-sweeps (schema_version "
            f"{version.schema_version}, and this one reads {SCHEMA_VERSION}): use that release"
        )
    if version.schema_version < 1:
        raise DamagedError(path, f"schema_version is {version.schema_version}")
    return read_record(path, Manifest)
