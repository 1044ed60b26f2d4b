from .budget import affordable
from .command import run_new
from .settings import Proposal, proposed
from .source import source_of
from .target import named_target

__all__ = ["Proposal", "affordable", "named_target", "proposed", "run_new", "source_of"]
