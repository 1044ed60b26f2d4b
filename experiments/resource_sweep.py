"""Does tuning PPO beat a textbook autoscaler when servers are set by a continuous action?

Run:    python -m experiments.resource_sweep
Expect: a confirmed score of 0.97 [0.91, 1.03], 0.55 [0.21, 0.88] above the default, where the textbook
        autoscaler has 0.82; 5 min 17 s and 1.96 million steps on 2 cores that had other work, too
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Resource-v0",
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    # Twice as many steps bring the default close to the optimum as well.
    budget=Budget(trials=32, steps_per_trial=32_768, evaluations=8),
    evaluation_episodes=64,
)

if __name__ == "__main__":
    main(EXPERIMENT)
