from . import hyperparameters
from .compilation import Compile, has_compiler
from .environment_parameters import PREFIX, is_environment_name, trainer_part, training_parameters
from .task import Task
from .trial import PPOTrial, ppo_config

__all__ = [
    "PREFIX",
    "Compile",
    "PPOTrial",
    "Task",
    "has_compiler",
    "hyperparameters",
    "is_environment_name",
    "ppo_config",
    "trainer_part",
    "training_parameters",
]
