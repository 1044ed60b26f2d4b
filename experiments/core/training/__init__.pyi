from . import hyperparameters
from .environment_parameters import PREFIX, is_environment_name, trainer_part, training_parameters
from .task import Task
from .trial import PPOTrial, ppo_config

__all__ = [
    "PREFIX",
    "PPOTrial",
    "Task",
    "hyperparameters",
    "is_environment_name",
    "ppo_config",
    "trainer_part",
    "training_parameters",
]
