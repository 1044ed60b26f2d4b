"""Does a bandit of five arms need any tuning?

Run:    python -m experiments.bandit_sweep
Expect: "Nothing beat the default": every configuration scores 1.00 on every seed; 32 s and 0.22 million steps
        on 2 cores. What does not learn here is broken.
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Bandit-v0",
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=24, steps_per_trial=4_096, evaluations=8),
    lanes=32,
    evaluation_episodes=64,
)

if __name__ == "__main__":
    main(EXPERIMENT)
