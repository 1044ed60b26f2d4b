"""Does a race for test seeds come to an end?"""

from experiments import Budget, Confirmation, Experiment, Racing, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Bandit-v0",
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=3, steps_per_trial=1_024, evaluations=2),
    lanes=32,
    evaluation_episodes=64,
    confirmation=Confirmation(top_k=1, seeds=Racing(start=5, maximum=8)),
)

if __name__ == "__main__":
    main(EXPERIMENT)
