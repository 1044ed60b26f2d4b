"""Gymnasium's spaces: batches of samples, spaces as text, and their encoding in spaces that PPO can train in.

:func:`encode` and :func:`encode_vector` wrap an environment: what an observation becomes stands in
:mod:`envs.spaces.observation_encoder`, what an action is made of in :mod:`envs.spaces.action_decoder`. An
environment that is in this form already comes back as it is.

Imported by the suite's probe of any space, by the checks and by experiments; rests on nothing in envs.
"""

from envs.spaces.action_decoder import ActionDecoder, finite_sides
from envs.spaces.batching import ARRAY_SPACES, collate, member, take
from envs.spaces.custom import alike
from envs.spaces.encoded_envs import EncodedVectorEnv, encode, encode_vector
from envs.spaces.encoding_limits import Limits, UnsupportedSpaceError
from envs.spaces.fit import fitting
from envs.spaces.observation_encoder import ObservationEncoder
from envs.spaces.text import from_description, from_text, in_brief, shortened, to_text

__all__ = [
    "ARRAY_SPACES",
    "ActionDecoder",
    "EncodedVectorEnv",
    "Limits",
    "ObservationEncoder",
    "UnsupportedSpaceError",
    "alike",
    "collate",
    "encode",
    "encode_vector",
    "finite_sides",
    "fitting",
    "from_description",
    "from_text",
    "in_brief",
    "member",
    "shortened",
    "take",
    "to_text",
]
