from . import spread
from .ablation import Ablation, Changes, End, Path, Step
from .collapse import missing_runs, most_extra_seeds
from .comparison import Comparison, against_default, compare_paired, values_by_seed
from .decision import Outcome, Verdict, decide, verdict_on
from .evidence import Evidence
from .group_sequential import MIN_PAIRS
from .race import Standing, most_seeds, run_race
from .reproduction import Reproduction, reproduce
from .wording import race_note

__all__ = [
    "MIN_PAIRS",
    "Ablation",
    "Changes",
    "Comparison",
    "End",
    "Evidence",
    "Outcome",
    "Path",
    "Reproduction",
    "Standing",
    "Step",
    "Verdict",
    "against_default",
    "compare_paired",
    "decide",
    "missing_runs",
    "most_extra_seeds",
    "most_seeds",
    "race_note",
    "reproduce",
    "run_race",
    "spread",
    "values_by_seed",
    "verdict_on",
]
