"""Command `python -m envs.catalogue OUT.md`: a page of every environment, its pictures and its returns.

Writes one page from the registry: a new environment appears in it by being registered. The pictures are those
of `python -m envs.gallery`, in the folder `pictures/environments` beside the page.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import envs
from envs.commands import CommandParser, one_line_errors
from envs.spaces import in_brief

PICTURES = "pictures/environments"
"""Where the gallery's files are, seen from the page."""
_HEAD = """# Environments

Made by `make figures` from the environments themselves; every return is computed, none typed in. A score of 0
is the floor, 1 the optimum. The class named with an environment is its specification: spaces, rewards,
starting state, episode end, arguments.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page and says where it is."""
    parser = CommandParser(prog="python -m envs.catalogue", description=__doc__)
    parser.add_argument("out", type=Path, help="the page; its folder is made if missing")
    given = parser.parse_args(arguments)
    with one_line_errors():
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(page(), encoding="utf-8")
        print(given.out)


def page() -> str:
    """Returns the whole page in Markdown, one section an id."""
    return "\n".join([_HEAD, *(section(env_id) for env_id in envs.ids())])


def section(env_id: str) -> str:
    """Describes one environment: idea, pictures, spaces, and what its reference policies earn, best first."""
    found, references = envs.entry(env_id), envs.references(env_id)
    env, name = found.dynamics(found.parameters(), 1), env_id.rpartition("/")[2]
    source = f"{found.dynamics.__module__.replace('.', '/')}.py"
    preset = ", ".join(f"`{key}={value!r}`" for key, value in found.preset.items())
    horizon = "none" if env.horizon is None else f"{env.horizon:,} step{'s' * (env.horizon > 1)}"
    summary = inspect.cleandoc(found.dynamics.__doc__ or "").splitlines()[0]
    roles = {references.floor_policy: " (floor)", references.optimal_policy: " (optimum)"}
    ranked = sorted(references.policies.items(), key=lambda named: -named[1].expected_return)
    return "\n".join(
        [
            f"## {env_id}",
            "",
            summary,
            "",
            "| the end of an optimal episode | the optimal policy | random actions |",
            "| :---: | :---: | :---: |",
            f"| ![]({PICTURES}/{name}.png) | ![]({PICTURES}/{name}_optimal.gif) "
            f"| ![]({PICTURES}/{name}_random.gif) |",
            "",
            f"- specification: [`{found.dynamics.__name__}`](../{source})"
            + (f" with {preset}" if preset else ""),
            f"- observes `{in_brief(env.observation_space)}`",
            f"- acts in `{in_brief(env.action_space)}`",
            f"- horizon: {horizon}",
            f"- optimum: {references.source}",
            "",
            f"| reference policy | | expected return ({found.dynamics.return_unit}) | score |",
            "| --- | --- | ---: | ---: |",
            *(
                f"| {policy_name}{roles.get(policy_name, '')} | {policy.description} "
                f"| {policy.expected_return:.4g} | {references.score(policy.expected_return):.2f} |"
                for policy_name, policy in ranked
            ),
            "",
        ]
    )


if __name__ == "__main__":
    main()
