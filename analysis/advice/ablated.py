"""Ablation of a sweep's winner: the changes it is made of, the runs that are missing, and what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import pandas as pd

from analysis.sweep import DEFAULT, Phase, Scale, State, Sweep, ablation_name, configurations_of, is_ablation
from analysis.text import counted
from analysis.verdict import MIN_PAIRS, Ablation, Changes, End, Evidence, Path, Step, values_by_seed

Config = Mapping[str, Any]

TOGETHER: Final = (
    ("batch_size", "num_minibatches", "minibatch_size"),
    ("layout", "depth", "activation", "width_1", "width_2", "width_3", "width_4", "width_5", "width_6"),
)
"""Hyperparameters of which a value alone may be invalid, or mean something else: they change together."""


@dataclass(frozen=True, kw_only=True)
class Ablated:
    """Ablation of a winner that beats the default."""

    winner: str
    """Its config_id."""
    names: tuple[tuple[str, ...], ...]
    """Hyperparameters of each change."""
    values: tuple[tuple[tuple[Any, Any], ...], ...]
    """Their values in the default and in the winner; None where one has none."""
    configs: Mapping[Changes, Config]
    """Configuration of each step."""
    ids: Mapping[Changes, str]
    """Its config_id."""
    path: Path
    """The path, as far as it has been walked."""
    missing: tuple[dict[str, Any], ...]
    """Runs to do next: configuration, `config_id` and `test_seed`."""
    spent: int
    """Runs of the path that have ended."""
    budget: int
    """Runs that it may spend."""

    @property
    def simpler(self) -> Step | None:
        """The configuration with fewer changes that is as good as the winner; None if none is."""
        return self.path.steps[-1] if self.path.end == End.AS_GOOD else None

    def change(self, number: int) -> str:
        """Writes a change as its hyperparameters with their values, such as "batch_size 2048 → 512"."""
        pairs = zip(self.names[number], self.values[number], strict=True)
        return ", ".join(f"{name} {_shown(before)} → {_shown(after)}" for name, (before, after) in pairs)

    def sentence(self, scale: Scale) -> str:
        """Says which changes carry the gain, and whether the simpler configuration is as good."""
        if not self.path.steps:
            ended = "its budget is too small for a first step" if self.path.end else "unfinished"
            return f"Ablation of {self.winner}: {ended} ({self.spent} of {self.budget} runs)."
        step, simpler = self.path.steps[-1], self.simpler
        named = [name for taken in self.path.steps for name in self.names[taken.change]]
        listed = _listed(named)
        carry = "carries" if len(named) == 1 else "carry"
        low, high = scale.text(step.behind.low, step.behind.high, signed=True)
        apart = "difference" + (f" [{low}, {high}]" if step.behind.low < step.behind.high else " none")
        share = f"{listed} {carry} {step.carried:.0%} of the gain"
        rest = counted(len(self.names) - len(step.changes), "other change")
        seeds = counted(step.seeds, "seed")
        if simpler is not None:
            only = "it" if len(named) == 1 else "them"
            return (
                f"{share}, and of the {rest} nothing can be seen: with {only} alone the default is as good "
                f"as {self.winner} ({apart} on {seeds})."
            )
        why = {
            None: "the ablation is unfinished",
            End.BUDGET: f"no more was found with {counted(self.budget, 'run')}",
            End.ALL: "nothing less than the winner was shown to be as good",
        }[self.path.end]
        return f"{share} on {seeds} (from {self.winner}: {apart}); {why}."


def ablate(
    confirmation: pd.DataFrame,
    ablation: pd.DataFrame,
    configurations: Mapping[str, Config],
    *,
    interim_analyses: Sequence[int],
    budget: int,
    minimal_effect: float = 0.0,
) -> Ablated | None:
    """Ablates the winner of a confirmation, if it is better than the default; a pure function of the runs.

    Args:
        confirmation: One row per confirmation run: config_id, test_seed, state, objective.
        ablation: The same of the path's runs.
        configurations: Of all of them, by config_id.
        interim_analyses: Numbers of seeds at which the race was analysed; one if it was fixed.
        budget: Runs that it may spend; 0 for none.
        minimal_effect: Loss that is too little to matter.

    Returns:
        The ablation; None where nothing is better than the default, the configurations are not known, or
        one hyperparameter alone was changed.
    """
    evidence = Evidence.of(confirmation, interim_analyses)
    winner = evidence.winner()
    against = evidence.against_default.get(winner or "")
    if not budget or winner is None or against is None or evidence.is_unfinished or not against.above_zero:
        return None
    if DEFAULT not in configurations or winner not in configurations:
        return None
    mix = _Mix(configurations[DEFAULT], configurations[winner])
    seeds = sorted(set(evidence.runs[DEFAULT].index) & set(evidence.runs[winner].index))
    if len(mix.names) < 2 or len(seeds) < MIN_PAIRS:
        return None
    between = dict(mix.named(configurations))
    values, runs = _values(evidence, ablation), defaultdict[Changes, dict[int, float]](dict)
    for config, changes in between.items():
        own = values.get(config, {})
        runs[changes] |= {k: own[seed] for k, seed in enumerate(seeds) if seed in own}
    free = frozenset(changes for config, changes in between.items() if not is_ablation(config))
    path = Ablation(
        changes=len(mix.names), seeds=len(seeds), budget=budget, runs=runs, free=free,
        minimal_effect=minimal_effect,
    ).path()  # fmt: skip
    ids = _ids(between, path, configurations)
    taken = [step.changes for step in path.steps]
    return Ablated(
        winner=winner,
        names=mix.names,
        values=mix.values,
        configs={changes: mix.config(changes) for changes in taken},
        ids=ids,
        path=path,
        missing=tuple(
            {**mix.config(changes), "config_id": ids[changes], "test_seed": int(seeds[k])}
            for changes, k in path.missing
        ),
        spent=sum(len(own) for changes, own in runs.items() if changes not in free),
        budget=budget,
    )


def _ids(between: Mapping[str, Changes], path: Path, known: Collection[str]) -> dict[Changes, str]:
    """Returns the config_id of each configuration of a path; those that have none yet take the next ones.

    A baseline's own further runs would be a race's. So what is missing of it is trained under another id.
    """
    own = {changes: config for config, changes in between.items() if is_ablation(config)}
    unused = (name for name in map(ablation_name, count()) if name not in known)
    for changes, _ in path.missing:
        if changes not in own:
            own[changes] = next(unused)
    return {changes: config for config, changes in between.items()} | own


def ablation_of(sweep: Sweep) -> Ablated | None:
    """Ablates the winner of a sweep's folder as it is."""
    asked = sweep.manifest.confirmation
    return ablate(
        sweep.confirmation, sweep.ablation, configurations_of(sweep.folder / Phase.CONFIRM),
        interim_analyses=sweep.interim_analyses, budget=asked.ablation,
        minimal_effect=asked.minimal_effect if sweep.scale.has_references else 0.0,
    )  # fmt: skip


class _Mix:
    """Configurations between two: the default's values, some of them replaced by the winner's."""

    def __init__(self, start: Config, target: Config) -> None:
        self._start, self._target = start, target
        differ = [n for n in {**start, **target} if _value(start, n) != _value(target, n)]
        groups = [[n for n in differ if n in together] for together in TOGETHER]
        alone = [[n] for n in differ if not any(n in group for group in groups)]
        ordered = sorted((g for g in (*groups, *alone) if g), key=lambda group: differ.index(group[0]))
        self.names = tuple(tuple(group) for group in ordered)
        self.values = tuple(tuple((start.get(n), target.get(n)) for n in group) for group in self.names)

    def config(self, changes: Changes) -> dict[str, Any]:
        """Returns the configuration with these changes."""
        moved = {name for number in changes for name in self.names[number]}
        order = {**self._start, **self._target}
        mixed = {n: (self._target if n in moved else self._start) for n in order}
        return {n: source[n] for n, source in mixed.items() if n in source}

    def named(self, configurations: Mapping[str, Config]) -> Iterator[tuple[str, Changes]]:
        """Yields the configurations that lie between the two, with their changes."""
        for config_id, config in configurations.items():
            changes = frozenset(
                number
                for number, names in enumerate(self.names)
                if all(_value(config, n) == _value(self._target, n) for n in names)
            )
            if self.config(changes) == dict(config):
                yield config_id, changes


_NOTHING: Final = object()


def _value(config: Config, name: str) -> Any:
    """Returns a value, by which True is not 1 and a missing one not None."""
    found = config.get(name, _NOTHING)
    return (type(found), found) if isinstance(found, bool) else found


def _values(evidence: Evidence, ablation: pd.DataFrame) -> dict[str, dict[int, float]]:
    """Returns values by test seed; a failed run of the path is worth less than all that were confirmed."""
    found = {config: _by_seed(own) for config, own in evidence.runs.items()}
    seen = [x for own in found.values() for x in own.values()]
    worst = 2 * min(seen) - max(seen)
    for config, own in values_by_seed(ablation).items():
        found[config] = _by_seed(own)
    failed = ablation[ablation["state"] == State.FAILED]
    for config, seed in zip(failed["config_id"], failed["test_seed"], strict=True):
        found.setdefault(str(config), {})[int(seed)] = worst
    return found


def _by_seed(values: pd.Series[float]) -> dict[int, float]:
    return dict(zip(map(int, values.index.to_numpy()), map(float, values), strict=True))


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "none" if value is None else str(value)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
