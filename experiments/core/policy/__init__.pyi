from .recording import record, show
from .trained import TrainedPolicy, load

__all__ = ["TrainedPolicy", "load", "record", "show"]
