"""Differences between manifests: what was asked for, and with what code, where sweeps differ in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pandas as pd

from analysis.comparison.contestants import Contestant
from analysis.sweep import ChoiceDomain, HyperparameterRecord, Manifest

PARTS: Final = (
    "env", "fixed", "budget", "sampler", "scheduler", "warm_start", "replicas", "evaluation", "confirmation",
    "baselines", "trainer", "lanes", "vectorization", "resources", "seeds", "versions", "git", "machine",
)  # fmt: skip
"""What is looked at, besides the space."""
COMMON_PARTS: Final = (
    "budget",
    "sampler",
    "scheduler",
    "confirmation",
    "trainer",
    "versions",
    "git",
    "machine",
)
"""The same where sweeps are of different experiments, which differ in the rest anyway."""
ABSENT: Final = "–"


def manifest_differences(contestants: Sequence[Contestant], *, one_experiment: bool) -> pd.DataFrame:
    """Returns a row for each entry in which sweeps differ: its name, and its text in each sweep."""
    entries = {
        contestant.label: dict(_entries(contestant.sweep.manifest, one_experiment=one_experiment))
        for contestant in contestants
    }
    names = dict.fromkeys(name for own in entries.values() for name in own)
    rows = [[name, *(own.get(name, ABSENT) for own in entries.values())] for name in names]
    return pd.DataFrame(
        [row for row in rows if len(set(row[1:])) > 1], columns=["entry", *entries], dtype=str
    )


def _entries(manifest: Manifest, *, one_experiment: bool) -> Iterator[tuple[str, str]]:
    if one_experiment:
        for name, record in manifest.space.items():
            yield f"space {name}", _domain(record)
    whole = msgspec.to_builtins(manifest, enc_hook=str)
    for part in PARTS if one_experiment else COMMON_PARTS:
        yield from _flat(part, whole.get(part))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name} {key}", inner)
    # Test seeds are told by their block; each by itself would fill a page.
    elif not isinstance(value, list):
        yield name, ABSENT if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _domain(record: HyperparameterRecord) -> str:
    attributes = record.distribution.attributes
    if isinstance(record.distribution, ChoiceDomain):
        text = " | ".join(map(str, record.distribution.attributes.choices))
    else:
        text = f"{attributes.low:g} to {attributes.high:g}{', log' if attributes.log else ''}"  # type: ignore[union-attr]
    when = ", ".join(f"{name} in {values}" for name, values in record.when.items())
    return f"{text}; default {record.default}{f'; when {when}' if when else ''}"
