"""Lineage of a population's members: what they trained with and how their weights came to be, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.core.records import write_lineage


class LineageWriter:
    """Writer of every member's history and schedule, whenever they change.

    Args:
        folder: Of the search; the members' folders are below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._histories: dict[str, list[dict[str, Any]]] = {}
        self._schedules: dict[str, list[dict[str, Any]]] = {}

    def begin(self, member: str, configuration: Mapping[str, Any]) -> None:
        """Notes that a member starts untrained."""
        start = {"steps": 0, "configuration": dict(configuration), "changed": {}}
        self._histories[member] = [start | {"donor": None}]
        self._schedules[member] = [start | {"member": member}]

    def copied(self, member: str, donor: str, *, steps: int, configuration: Mapping[str, Any]) -> None:
        """Notes that a member continues from a donor's weights.

        Args:
            member: Who copies.
            donor: Who is copied.
            steps: Of the evaluation point that the donor's weights stand at.
            configuration: What the member trains with from now on.
        """
        before = self._schedules[donor][-1]["configuration"]
        changed = {n: [before[n], value] for n, value in configuration.items() if value != before[n]}
        change = {"steps": steps, "configuration": dict(configuration), "changed": changed}
        self._histories[member].append(change | {"donor": donor})
        inherited = [segment for segment in self._schedules[donor] if segment["steps"] < steps]
        self._schedules[member] = [*inherited, change | {"member": member}]
        write_lineage(
            self._folder / member, history=self._histories[member], schedule=self._schedules[member]
        )
