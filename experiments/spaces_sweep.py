"""Does PPO need tuning to train through nested observation and action spaces?

Run:    python -m experiments.spaces_sweep
Expect: a confirmed score of 0.99 [0.98, 0.99], 0.05 [0.03, 0.08] above the default; 0.44 million steps,
        5 min 42 s on 2 cores
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Spaces-v0",
    env_parameters={"observation_space": "nested", "action_space": "nested"},
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    budget=Budget(trials=24, steps_per_trial=8_192, evaluations=8),
    lanes=64,
    evaluation_episodes=64,
)

if __name__ == "__main__":
    main(EXPERIMENT)
