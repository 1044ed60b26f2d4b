"""Search space: hyperparameters with their domains, their defaults and the source of each bound."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from optuna import create_study
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.samplers import RandomSampler

from search_spaces.domains import Scalar, check_choices, contains, describe, ends, plain


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """Hyperparameter with its domain, its default and the source of both.

    Raises:
        ValueError: The default lies outside the domain, or a choice is not a scalar.
    """

    name: str
    """Readable name; the trainer knows what it means."""
    domain: BaseDistribution
    """The values it may take, on the scale on which they are searched."""
    default: Scalar
    """The value of the untuned configuration."""
    source: str
    """Where the bounds and the default come from."""
    when: tuple[str, tuple[Scalar, ...]] | None = None
    """Another hyperparameter and its values with which this one counts; None if it always does."""

    def active(self, values: Mapping[str, Any]) -> bool:
        """Returns whether this one counts beside these values of the hyperparameters before it."""
        return self.when is None or values.get(self.when[0]) in self.when[1]

    def __post_init__(self) -> None:
        if isinstance(self.domain, CategoricalDistribution):
            check_choices(self.name, self.domain.choices)
        if not contains(self.domain, self.default):
            raise ValueError(
                f"{self.name}: the default {self.default!r} lies outside {describe(self.domain)}"
            )


@dataclass(frozen=True)
class SearchSpace:
    """Ordered set of hyperparameters; spaces join with `|`, branch, and shrink with :meth:`narrow`.

    A configuration has a value for every active hyperparameter: all of them, unless the space branches
    (:meth:`branch`).

    Raises:
        ValueError: A hyperparameter appears twice, or depends on one that does not come before it.
    """

    hyperparameters: tuple[Hyperparameter, ...] = field(default=())
    """In order; one that depends on another comes after it."""

    def __post_init__(self) -> None:
        names = [hyperparameter.name for hyperparameter in self.hyperparameters]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"{', '.join(twice)} declared twice: join spaces that have no hyperparameter in common"
            )
        for place, h in enumerate(self.hyperparameters):
            if h.when is not None and h.when[0] not in names[:place]:
                raise ValueError(f"{h.name} depends on {h.when[0]}: leave both out, or neither")

    def __iter__(self) -> Iterator[Hyperparameter]:
        return iter(self.hyperparameters)

    def __len__(self) -> int:
        return len(self.hyperparameters)

    def __or__(self, other: SearchSpace) -> SearchSpace:
        """Returns the hyperparameters of both spaces.

        Raises:
            ValueError: They have a hyperparameter in common.
        """
        return SearchSpace(self.hyperparameters + other.hyperparameters)

    def __getitem__(self, name: str) -> Hyperparameter:
        """Looks up a hyperparameter.

        Raises:
            KeyError: The space does not have it; the message names the nearest.
        """
        for hyperparameter in self.hyperparameters:
            if hyperparameter.name == name:
                return hyperparameter
        nearest = difflib.get_close_matches(name, self.names, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise KeyError(f"the space has no hyperparameter {name!r}{hint} It has: {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every hyperparameter, in order."""
        return tuple(hyperparameter.name for hyperparameter in self.hyperparameters)

    @property
    def branches(self) -> bool:
        """Whether some hyperparameters count only with certain values of others."""
        return any(hyperparameter.when is not None for hyperparameter in self)

    @property
    def domains(self) -> dict[str, BaseDistribution]:
        """Domain of every hyperparameter by name: what Optuna samples from."""
        return {hyperparameter.name: hyperparameter.domain for hyperparameter in self}

    @property
    def defaults(self) -> dict[str, Scalar]:
        """The untuned configuration."""
        return self.configuration({})

    def configuration(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Returns the configuration with these values and the defaults of all other active hyperparameters.

        Args:
            values: By hyperparameter. Those that are not active with the others' values are left out.
        """
        chosen: dict[str, Scalar] = {}
        for h in self:
            if h.active(chosen):
                chosen[h.name] = values.get(h.name, h.default)
        return chosen

    def branch(self, then: SearchSpace, **when: tuple[Scalar, ...]) -> SearchSpace:
        """Adds hyperparameters that count only with certain values of one that the space has already.

        Args:
            then: The hyperparameters to add.
            **when: The one hyperparameter and the values with which they count, such as `depth=(2, 3)`.

        Raises:
            KeyError: The space does not have the one they depend on.
            ValueError: It cannot take one of the values, there is not exactly one, or `then` branches.
        """
        if len(when) != 1:
            raise ValueError(f"a branch depends on one hyperparameter, not {len(when)}")
        if then.branches:
            raise ValueError(f"{', '.join(then.names)} branches itself: add its hyperparameters one by one")
        ((name, values),) = when.items()
        domain = self[name].domain
        if not values or not all(contains(domain, value) for value in values):
            raise ValueError(f"{name} in {values}: expected values inside {describe(domain)}")
        return SearchSpace(self.hyperparameters + tuple(replace(h, when=(name, values)) for h in then))

    def narrow(self, **limits: tuple[Any, ...]) -> SearchSpace:
        """Restricts hyperparameters to fewer values.

        Args:
            **limits: For numbers the new `(low, high)`, inside the old ones; for choices those that stay. A
                default that is left out moves to the nearest value that stays, or to the first choice.
                Hyperparameters that could never be active any more are left out.

        Raises:
            KeyError: The space does not have one of them.
            ValueError: The limits reach beyond the present ones.
        """
        narrowed = {name: _narrow(self[name], limit) for name, limit in limits.items()}
        kept: dict[str, Hyperparameter] = {}
        for h in (narrowed.get(h.name, h) for h in self):
            if h.when is None:
                kept[h.name] = h
            elif h.when[0] in kept:
                name, values = h.when
                possible = tuple(value for value in values if contains(kept[name].domain, value))
                if possible:
                    kept[h.name] = replace(h, when=(name, possible))
        return SearchSpace(tuple(kept.values()))

    def without(self, *names: str) -> SearchSpace:
        """Returns the space less the given hyperparameters, which then stay at the trainer's own values.

        Raises:
            KeyError: The space does not have one of them.
        """
        dropped = {self[name].name for name in names}
        return SearchSpace(tuple(h for h in self if h.name not in dropped))

    def contains(self, config: Mapping[str, Any]) -> bool:
        """Returns whether a configuration has exactly the active hyperparameters, each inside its domain."""
        active = [h for h in self if h.active(config)]
        names = {h.name for h in active}
        return set(config) == names and all(contains(h.domain, config[h.name]) for h in active)

    def misfits(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Returns the hyperparameters whose value in a configuration is outside, each with its domain."""
        return {
            h.name: describe(h.domain)
            for h in self
            if h.name in config and not contains(h.domain, config[h.name])
        }

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Returns domains, defaults, sources and conditions by name as JSON, for the manifest of a sweep."""
        return {
            h.name: {
                "distribution": json.loads(distribution_to_json(h.domain)),
                "default": h.default,
                "source": h.source,
                **({"when": {h.when[0]: list(h.when[1])}} if h.when is not None else {}),
            }
            for h in self
        }


def uniform(name: str, low: float, high: float, *, default: float, source: str) -> SearchSpace:
    """Makes a space of one real number, every value in [low, high] alike."""
    return _space(name, FloatDistribution(*ends(name, low, high)), default, source)


def log_uniform(name: str, low: float, high: float, *, default: float, source: str) -> SearchSpace:
    """Makes a space of one positive real number in [low, high], every order of magnitude alike."""
    return _space(name, FloatDistribution(*ends(name, low, high, log=True), log=True), default, source)


def integer(name: str, low: int, high: int, *, default: int, source: str) -> SearchSpace:
    """Makes a space of one whole number from low to high."""
    return _space(name, IntDistribution(*ends(name, low, high, whole=True)), default, source)


def choice(name: str, *choices: Scalar, default: Scalar, source: str) -> SearchSpace:
    """Makes a space of one choice between named values."""
    scalars = tuple(map(plain, choices))
    check_choices(name, scalars)  # before Optuna warns of them
    return _space(name, CategoricalDistribution(scalars), default, source)


def _space(name: str, domain: BaseDistribution, default: Scalar, source: str) -> SearchSpace:
    return SearchSpace((Hyperparameter(name=name, domain=domain, default=plain(default), source=source),))


def _narrow(hyperparameter: Hyperparameter, limit: tuple[Any, ...]) -> Hyperparameter:
    name, domain, default = hyperparameter.name, hyperparameter.domain, hyperparameter.default
    if not limit or not all(contains(domain, value) for value in limit):
        raise ValueError(f"{name} narrowed to {limit}: expected values inside {describe(domain)}")
    if isinstance(domain, CategoricalDistribution):
        kept = CategoricalDistribution(limit)
        return replace(hyperparameter, domain=kept, default=default if default in limit else limit[0])
    if len(limit) != 2 or not limit[0] < limit[1]:
        raise ValueError(f"{name} narrowed to {limit}: expected (low, high) with low below high")
    assert isinstance(domain, FloatDistribution | IntDistribution)
    low, high = limit
    inside = type(domain)(low, high, log=domain.log)
    return replace(hyperparameter, domain=inside, default=min(max(default, low), high))


@lru_cache(maxsize=8)
def drawn(space: SearchSpace, count: int) -> tuple[Mapping[str, Scalar], ...]:
    """Draws configurations at random, the same ones each time."""
    study = create_study(sampler=RandomSampler(seed=0))
    return tuple(MappingProxyType(space.configuration(study.ask(space.domains).params)) for _ in range(count))
