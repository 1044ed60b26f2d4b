"""Sole use of a sweep's folder, and a new folder for a sweep without a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from experiments.core.planning import Plan
from experiments.core.records import check_safe_to_write, recorded_manifest, sole_use, unwritable


@contextmanager
def claimed(plan: Plan) -> Iterator[Plan]:
    """Keeps other processes out of a sweep's folder.

    Gives the plan of the sweep in that folder: one without a name is named after the folder that it gets.
    Where nothing was written, nothing is left behind.

    Raises:
        UserError: Another process works in it, it is a later release's, or it cannot be written.
    """
    recorded_manifest(plan.folder)  # refuses before there is a lock
    check_safe_to_write(plan.folder)
    missing = [folder for folder in plan.folder.parents if not folder.exists()]
    try:
        if plan.options.name is None:
            plan = _in_a_new_folder(plan)
        with sole_use(plan.folder, way_out="choose another --name"):
            yield plan
    finally:
        with suppress(OSError):  # not empty
            for folder in missing:
                folder.rmdir()


def _in_a_new_folder(plan: Plan) -> Plan:
    """Returns the plan under its own name or, if another sweep took it in the same second, a similar one."""
    candidate, number = plan, 1
    while True:
        try:
            candidate.folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            candidate = replace(plan, sweep=f"{plan.sweep}_{number}")
        except OSError as error:
            raise unwritable(candidate.folder, error) from error
        else:
            return candidate
