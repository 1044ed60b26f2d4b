"""Does tuning PPO beat a textbook autoscaler when servers are set by a continuous action?

Run:    python -m experiments.resource_sweep
Expect: a confirmed score of 0.90 [0.60, 0.95], 0.54 [0.31, 0.70] above the default, where the textbook
        autoscaler has 0.82; 2.79 million steps, 2 min 39 s on 2 cores
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
