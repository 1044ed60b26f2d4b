"""How much faster does tuned PPO learn to walk a grid from its coordinates?

Run:    python -m experiments.visual_symbolic_sweep
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/VisualSymbolic-v0",
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    budget=Budget(trials=32, steps_per_trial=16_384),
    lanes=16,
)

if __name__ == "__main__":
    main(EXPERIMENT)
