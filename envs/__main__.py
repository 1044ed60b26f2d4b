"""Command `python -m envs`: the list of environments, and what can be earned in each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import envs
from envs.commands import CommandParser
from envs.spaces import in_brief

PIPED_WIDTH = 100
"""Columns where the output is no terminal that says how wide it is."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the list; every reference return is computed on the spot."""
    CommandParser(prog="python -m envs", description=__doc__).parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(listing())
    console.print(
        "A score of 0 is the floor, 1 the optimum. To play: python -m envs.play ID", highlight=False
    )


def listing() -> Table:
    """Makes a table with a section for each id: spaces, horizon, and the reference policies, worst first."""
    table = Table()
    table.add_column("environment", overflow="fold")
    table.add_column("reference policy")
    table.add_column("expected return", justify="right")
    table.add_column("score", justify="right")
    for env_id in envs.ids():
        references = envs.references(env_id)
        roles = {references.floor_policy: " (floor)", references.optimal_policy: " (optimum)"}
        ranked = sorted(references.policies.items(), key=lambda named: named[1].expected_return)
        facts = _facts(env_id)
        for place in range(max(len(facts), len(ranked))):
            cells = [facts[place] if place < len(facts) else ""]
            if place < len(ranked):
                name, policy = ranked[place]
                score = references.score(policy.expected_return)
                cells += [name + roles.get(name, ""), f"{policy.expected_return:.4g}", f"{score:.2f}"]
            table.add_row(*cells, end_section=place == max(len(facts), len(ranked)) - 1)
    return table


def _facts(env_id: str) -> list[str]:
    """Returns the id and what is known of it without playing."""
    found = envs.entry(env_id)
    env = found.dynamics(found.parameters(), 1)
    horizon = "none" if env.horizon is None else f"{env.horizon:,}"
    return [
        f"[bold]{env_id}[/bold]",
        f"observes {escape(in_brief(env.observation_space))}",
        f"acts in {escape(in_brief(env.action_space))}",
        f"horizon: {horizon}",
        f"[dim]unit: {found.dynamics.return_unit}[/dim]",
    ]


if __name__ == "__main__":
    main()
