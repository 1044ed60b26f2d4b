from .recording import record, show
from .serving import serve
from .trained import TrainedPolicy, load_policy

__all__ = ["TrainedPolicy", "load_policy", "record", "serve", "show"]
