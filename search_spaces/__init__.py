"""Search spaces: named hyperparameters whose bounds state their sources."""

from search_spaces.domains import Scalar, plain
from search_spaces.space import Hyperparameter, SearchSpace, choice, integer, log_uniform, uniform

__all__ = ["Hyperparameter", "Scalar", "SearchSpace", "choice", "integer", "log_uniform", "plain", "uniform"]
