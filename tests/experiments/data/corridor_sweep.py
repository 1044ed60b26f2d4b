"""Can a corridor be walked?"""

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="user_env:tests/Corridor-v0",
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=4, steps_per_trial=2048, evaluations=4),
    confirmation=Confirmation(top_k=1, seeds=2),
    evaluation_episodes=8,
    scheduler=NoScheduler(),
)

if __name__ == "__main__":
    main(EXPERIMENT)
