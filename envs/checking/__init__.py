"""The parts of `python -m envs.check`: what an environment did, and the rules it must keep.

Imported by :mod:`envs.check`; rests on :mod:`envs.lanes` and :mod:`envs.spaces`.
"""

from envs.checking import single_rules, vector_rules
from envs.checking.compare import difference
from envs.checking.single_rules import INFO
from envs.checking.vector_runs import MakeSingle, MakeVector, Runs

__all__ = ["INFO", "MakeSingle", "MakeVector", "Runs", "difference", "single_rules", "vector_rules"]
