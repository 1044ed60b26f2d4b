"""Encoding of any Gymnasium space, so that PPO can train in it: :func:`encode` and :func:`encode_vector`.

What an observation becomes stands in :mod:`envs.spaces.encoding.observations`, what an action is made of in
:mod:`envs.spaces.encoding.actions`. An environment that is in this form already comes back as it is.
"""

from envs.spaces.encoding.actions import ActionDecoder, finite_sides
from envs.spaces.encoding.limits import Limits, UnsupportedSpaceError
from envs.spaces.encoding.observations import ObservationEncoder
from envs.spaces.encoding.wrappers import EncodedVectorEnv, encode, encode_vector

__all__ = [
    "ActionDecoder",
    "EncodedVectorEnv",
    "Limits",
    "ObservationEncoder",
    "UnsupportedSpaceError",
    "encode",
    "encode_vector",
    "finite_sides",
]
