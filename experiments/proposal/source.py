"""Source text of a proposed experiment: a file that is run as it is, and read to be changed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from experiments.proposal.settings import Proposal

WIDTH = 100
"""Columns of a comment."""


def source_of(proposal: Proposal, *, question: str, command: str, cost: str, spent: str) -> str:
    """Writes the program that declares a proposed experiment and runs it.

    Args:
        proposal: The experiment, and the reasons for its settings.
        question: What it asks.
        command: What runs the file.
        cost: What it takes, in words.
        spent: What the budget was chosen by.
    """
    experiment = proposal.experiment
    confirmation, seeds = experiment.confirmation, experiment.confirmation.seeds
    budget = experiment.budget
    declared = [
        f"    env={experiment.env!r},".replace("'", '"'),
        *_commented(proposal.reasons["space"]),
        *_space(proposal.layouts),
        *_commented(spent),
        f"    budget=Budget(trials={budget.trials}, steps_per_trial={budget.steps_per_trial:_}, "
        f"evaluations={budget.evaluations}),",
        *_fixed(proposal),
        *_optional(proposal),
        f"    evaluation_episodes={experiment.evaluation_episodes},",
        *_commented(
            f"The best {confirmation.top_k} and the untuned ones are trained again, on seeds that the search "
            "never saw."
        ),
        f"    confirmation=Confirmation(top_k={confirmation.top_k}, seeds={seeds!r}),",
    ]
    return "\n".join(
        [
            f'"""{question}',
            "",
            f"Run:    {command} --check     (is it sound, what will it cost? Nothing is written)",
            f"        {command}             (search, confirm, report: {cost})",
            '"""',
            "",
            "from experiments import Budget, Confirmation, Experiment, Racing, main",
            "from search_spaces import model_layouts, ppo",
            "",
            "EXPERIMENT = Experiment(",
            *declared,
            ")",
            "",
            'if __name__ == "__main__":',
            "    main(EXPERIMENT)",
            "",
        ]
    )


def _space(layouts: str) -> Iterator[str]:
    """Yields the search space, on as many lines as it takes."""
    whole = f"    space=ppo.CORE | ppo.BATCH | {layouts},".replace("'", '"')
    if len(whole) <= WIDTH:
        yield whole
        return
    call, _, arguments = whole.partition("(")
    yield f"{call}("
    yield from textwrap.wrap(
        arguments.removesuffix("),") + ",", WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12
    )
    yield "    ),"


def _commented(text: str, indent: int = 4) -> list[str]:
    margin = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=f"{margin}# ", subsequent_indent=f"{margin}# ")


def _fixed(proposal: Proposal) -> Iterator[str]:
    """Yields the hyperparameters that are not searched, each with its reason."""
    if not proposal.experiment.fixed:
        return
    yield "    fixed={"
    for name, value in proposal.experiment.fixed.items():
        yield from _commented(proposal.reasons[name], indent=8)
        yield f'        "{name}": {value!r},'
    yield "    },"


def _optional(proposal: Proposal) -> Iterator[str]:
    """Yields the settings that only some environments need, each with its reason."""
    for name in ("vectorization", "max_evaluation_steps"):
        if name in proposal.reasons:
            yield from _commented(proposal.reasons[name])
            yield f"    {name}={getattr(proposal.experiment, name)!r},".replace("'", '"')
