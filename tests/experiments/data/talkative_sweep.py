"""Do numbers in infos keep their value?"""

import os

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="talkative_env:tests/Talkative-v0",
    vectorization=os.environ["VECTORIZATION"],
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=2, steps_per_trial=2048, evaluations=2),
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=6,
    lanes=3,
    scheduler=NoScheduler(),
)

main(EXPERIMENT)  # without the guard that many a script lacks
