from .evaluation import EvaluationResult, NonFiniteError, Policy, evaluate, first_non_finite
from .lookup import episode_limit, full_name, imported_module, imported_spec, source_file, time_limit
from .make import RLlibEnv, close_open, close_open_within, make_plain_vector, make_vector
from .named_by_folder import check_named_environment, needs_trust
from .network_spaces import (
    NORMALISED_LIMIT,
    ActionPart,
    Leaf,
    action_decoder,
    is_image,
    leaves,
    most_probable,
    observation_encoder,
)
from .origins import find_as_before, remember_origin
from .portable import PortableEnvironment
from .processes import LaneProcesses, start_lane_server
from .scale import EvaluationSetting, ScoreScale, scale_of

__all__ = [
    "NORMALISED_LIMIT",
    "ActionPart",
    "EvaluationResult",
    "EvaluationSetting",
    "LaneProcesses",
    "Leaf",
    "NonFiniteError",
    "Policy",
    "PortableEnvironment",
    "RLlibEnv",
    "ScoreScale",
    "action_decoder",
    "check_named_environment",
    "close_open",
    "close_open_within",
    "episode_limit",
    "evaluate",
    "find_as_before",
    "first_non_finite",
    "full_name",
    "imported_module",
    "imported_spec",
    "is_image",
    "leaves",
    "make_plain_vector",
    "make_vector",
    "most_probable",
    "needs_trust",
    "observation_encoder",
    "remember_origin",
    "scale_of",
    "source_file",
    "start_lane_server",
    "time_limit",
]
