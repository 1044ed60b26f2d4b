from .collapse import missing_runs, most_extra_seeds
from .comparison import Comparison, compare, values_by_seed
from .decision import Outcome, Verdict, decide, verdict_on
from .evidence import Evidence
from .group_sequential import MIN_PAIRS
from .race import Standing, most_seeds, run_race
from .reproduction import Reproduction, reproduce
from .wording import race_note

__all__ = [
    "MIN_PAIRS",
    "Comparison",
    "Evidence",
    "Outcome",
    "Reproduction",
    "Standing",
    "Verdict",
    "compare",
    "decide",
    "missing_runs",
    "most_extra_seeds",
    "most_seeds",
    "race_note",
    "reproduce",
    "run_race",
    "values_by_seed",
    "verdict_on",
]
