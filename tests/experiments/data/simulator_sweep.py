"""Does a simulator live exactly as long as it is used?"""

import json
import os

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="simulator_env:tests/Simulated-v0",
    env_parameters=json.loads(os.environ.get("SIMULATOR_PARAMETERS", "{}")),
    vectorization=os.environ.get("SIMULATOR_VECTORIZATION", "auto"),
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=2, steps_per_trial=1024, evaluations=2),
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=3,
    lanes=2,
    scheduler=NoScheduler(),
)

if __name__ == "__main__":
    main(EXPERIMENT)
