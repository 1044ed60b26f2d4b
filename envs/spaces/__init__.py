"""Gymnasium's spaces: batches of samples, spaces as text, and (in `encoding`) spaces that PPO can train in.

Imported by the suite's probe of any space, by the checks and by experiments; rests on nothing in envs.
"""

from envs.spaces.batching import ARRAY_SPACES, collate, member, take
from envs.spaces.custom import alike, as_box
from envs.spaces.fit import fitting
from envs.spaces.text import from_description, from_text, in_brief, shortened, to_text

__all__ = [
    "ARRAY_SPACES",
    "alike",
    "as_box",
    "collate",
    "fitting",
    "from_description",
    "from_text",
    "in_brief",
    "member",
    "shortened",
    "take",
    "to_text",
]
