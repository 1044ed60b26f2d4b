"""List of a report's figures, drawn from a sweep's frames; everything is computed before."""

from collections.abc import Iterator

import pandas as pd

from analysis.advice import Ablated, surely_important
from analysis.report.figures import (
    ablation,
    colours,
    confirmed,
    curves,
    history,
    hyperparameters,
    population,
)
from analysis.report.figures.figure import Figure
from analysis.sweep import Lineage, Sweep, copies, line_of, parts, shown_member
from analysis.text import counted
from analysis.verdict import Outcome, Verdict


def draw_all(
    sweep: Sweep,
    verdict: Verdict,
    importance: pd.DataFrame,
    lineage: Lineage | None = None,
    ablated: Ablated | None = None,
) -> list[Figure]:
    """Draws what the sweep has data for, in the order of the report."""
    return [
        *_confirmation_figures(sweep, verdict),
        *_ablation_figures(ablated),
        *_population_figures(sweep, verdict, lineage),
        *_search_figures(sweep, verdict, importance),
    ]


def _confirmation_figures(sweep: Sweep, verdict: Verdict) -> Iterator[Figure]:
    scale = sweep.scale
    runs = curves.confirmed_runs(sweep.curves, verdict.evidence.started)
    if not runs.empty:
        yield Figure(
            name="confirmed_curves",
            title=_curves_title(sweep, verdict),
            reading="Lines: interquartile mean over test seeds, which the search never saw. Bands: its 95 % "
            "interval at each step, from five seeds on. Faint: the other contenders. The verdict compares "
            "means of the last three evaluations.",
            panels=(curves.draw_confirmed(runs, curves.typical_curves(runs), verdict, scale),),
        )
    if (verdict.table["n"] > 0).any():
        yield Figure(
            name="confirmed_scores",
            title="Confirmed scores, every seed visible",
            reading="Large dots: mean over test seeds with its 95 % interval. Small dots: one seed each, the "
            "mean of its last three evaluations. Hollow diamonds: what the search had promised; right of the "
            "mean, that is the winner's curse.",
            panels=(confirmed.draw_scores(verdict, scale),),
        )
    if verdict.contenders and verdict.table["difference"].notna().any():
        yield Figure(
            name="paired_differences",
            title=_difference_title(verdict),
            reading="Each tuned configuration minus the default on the same test seeds. The intervals hold "
            f"together for all {verdict.contenders} with 95 %; right of the line is better.",
            panels=(confirmed.draw_differences(verdict, scale),),
        )


def _ablation_figures(ablated: Ablated | None) -> Iterator[Figure]:
    if ablated is None or not ablated.path.steps:
        return
    carried = ablated.path.steps[-1].carried
    changes = counted(len(ablated.path.steps), "change")
    yield Figure(
        name="ablation",
        title=f"{changes} of {len(ablated.names)} carried {carried:.0%} of the gain",
        reading="From the default at 0 % to the winner at 100 %: the share of its gain with each change that "
        "was taken over, on test seeds that all of them share.",
        panels=(ablation.draw(ablation.carried(ablated)),),
    )


def _population_figures(sweep: Sweep, verdict: Verdict, lineage: Lineage | None) -> Iterator[Figure]:
    member = None if lineage is None else shown_member(sweep, verdict.winner)
    if lineage is None or member is None:
        return
    number = len(lineage.copies)
    yield Figure(
        name="population",
        title=f"{sweep.trials['trial_id'].nunique()} members, {number} {'copy' if number == 1 else 'copies'}",
        reading="Thin lines: members. A cross is where one gave up its weights; the dotted arrow leads to "
        f"the donor that it copied. Blue: how the weights of {member} came to be. Orange: the default, which "
        "copies nobody.",
        panels=(
            population.draw(
                parts(sweep, lineage),
                copies(sweep, lineage),
                line_of(sweep, lineage, member),
                member,
                sweep.scale,
            ),
        ),
    )


def _search_figures(sweep: Sweep, verdict: Verdict, importance: pd.DataFrame) -> Iterator[Figure]:
    scale, trials = sweep.scale, sweep.trials
    if trials.empty:
        return
    frame = history.history(trials)
    yield Figure(
        name="search_history",
        title=_history_title(frame),
        reading="One mark per trial; the line is the best completed one so far. Search scores come from one "
        "seed each and are optimistic at the top; trials without a score lie on the bottom edge.",
        panels=(history.draw(frame, scale),),
    )
    if trials["evaluations"].gt(0).any():
        yield Figure(
            name="search_curves",
            title="Learning curves of all search trials",
            reading="One line per trial, coloured by its last objective. A dot is where a trial was stopped.",
            panels=(curves.draw_search(sweep.curves, trials, scale),),
        )
    space = sweep.manifest.space
    panels = {name: hyperparameters.panel_frame(trials, name, verdict.winner) for name in space}
    if any(not panel.empty for panel in panels.values()):
        yield Figure(
            name="hyperparameters",
            title="Objective against each hyperparameter",
            reading="Large blue: the winner. Orange: the default. Light blue: completed trials. Grey: "
            "stopped early, so judged on less training. Axes span the searched range.",
            panels=tuple(
                hyperparameters.draw_panel(panel, name, space[name].distribution, scale)
                for name, panel in panels.items()
                if not panel.empty
            ),
        )
    if not importance.empty:
        yield Figure(
            name="importance",
            title=_importance_title(importance),
            reading="Dots: share of importance. Lines: 95 % range when the trials are resampled; where lines "
            "overlap, the order may be chance. It is about these trials as they were chosen: a value that "
            "the sampler settled on early, and that most of them have, can matter most and show least. What "
            "a change does is told by training it alone, as an ablation does.",
            panels=(hyperparameters.draw_importance(importance),),
        )


def _curves_title(sweep: Sweep, verdict: Verdict) -> str:
    finding = {
        "better": f"The tuned configuration {verdict.winner} beats the default",
        "worse": "The tuned configurations are worse than the default",
        "not better": "No tuned configuration beats the default",
    }.get(str(verdict.outcome), "Learning curves of the confirmed configurations")
    return f"{finding} on {sweep.manifest.env.id}"


def _difference_title(verdict: Verdict) -> str:
    if verdict.beats_default:
        return f"{verdict.winner} beats the default: its whole interval lies right of zero"
    if verdict.outcome == Outcome.TOO_FEW:
        return "Difference from the default: too few seeds for a verdict"
    against = verdict.evidence.against_default.get(verdict.winner or "")
    if against is not None and against.above_zero:
        return f"{verdict.winner} beats the default, but not every untuned configuration, or not safely"
    return "No interval of a tuned configuration lies right of zero"


def _history_title(frame: pd.DataFrame) -> str:
    counts = frame["state"].value_counts()
    parts = ", ".join(f"{counts[state]} {state}" for state in colours.STATES if state in counts)
    return f"{len(frame)} trials: {parts}"


def _importance_title(importance: pd.DataFrame) -> str:
    decisive = ", ".join(surely_important(importance)) or "nothing"
    return f"What decided which trials are the best quarter: {decisive} for certain"
