"""Does tuning PPO beat a textbook autoscaler when servers are set by a choice of five?

Run:    python -m experiments.resource_discrete_sweep
"""

from experiments import Budget, Confirmation, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/ResourceDiscrete-v0",
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    budget=Budget(trials=32, steps_per_trial=65_536),
    evaluation_episodes=64,
    confirmation=Confirmation(top_k=3, seeds=6),
)

if __name__ == "__main__":
    main(EXPERIMENT)
