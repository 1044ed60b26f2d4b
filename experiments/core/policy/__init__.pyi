from .recording import record, show
from .replaying import Replay, replay
from .serving import serve
from .trained import TrainedPolicy, load_policy

__all__ = ["Replay", "TrainedPolicy", "load_policy", "record", "replay", "serve", "show"]
