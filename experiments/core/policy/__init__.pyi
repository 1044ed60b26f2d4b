from .numpy_policy import export_policy
from .recording import record, show
from .replaying import Replay, replay
from .serving import serve
from .trained import TrainedPolicy, load_policy

__all__ = ["Replay", "TrainedPolicy", "export_policy", "load_policy", "record", "replay", "serve", "show"]
