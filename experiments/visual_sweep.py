"""Which convolutional network and settings let PPO walk a grid that it only sees?

Run:    python -m experiments.visual_sweep
"""

from experiments import Budget, Confirmation, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Visual-v0",
    # Cells of 4x4 pixels show all there is to see, at a seventh of the cost of 64x64 pixels for 8x8 cells.
    env_parameters={"grid_size": 6, "image_size": 24},
    space=ppo.CORE.narrow(lr=(1e-4, 1e-2), epochs=(3, 6))
    | ppo.BATCH.narrow(batch_size=(1024, 2048, 4096), num_minibatches=(8, 16, 32))
    | model_layouts.TILES,
    # Most of a picture is bright floor: uncentred, two cells in 36 hardly change what a network computes.
    fixed={"normalise_observations": True},
    budget=Budget(trials=24, steps_per_trial=65_536),
    # As many targets in each batch: with few, the value function learns them by heart.
    lanes=128,
    confirmation=Confirmation(top_k=3, seeds=8),
)

if __name__ == "__main__":
    main(EXPERIMENT)
