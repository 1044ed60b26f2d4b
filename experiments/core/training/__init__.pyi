from . import hyperparameters
from .environment_parameters import PREFIX, is_environment_name, trainer_part, training_parameters
from .task import Task, phase_of
from .trial import PPOTrial, ppo_config

__all__ = [
    "PREFIX",
    "PPOTrial",
    "Task",
    "hyperparameters",
    "is_environment_name",
    "phase_of",
    "ppo_config",
    "trainer_part",
    "training_parameters",
]
