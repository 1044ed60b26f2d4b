"""Which convolutional network and settings let PPO walk a grid that it only sees?

Run:    python -m experiments.visual_sweep
Expect: a confirmed score of 1.00 [1.00, 1.00], 0.08 [0.01, 0.15] above the default and 0.83 [0.58, 1.08]
        above RLlib's settings on the same network; 8 min 41 s and 2.31 million steps on 2 cores
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Visual-v0",
    # Cells of 4x4 pixels show all there is to see, with a seventh of the pixels of the id's own pictures.
    env_parameters={"grid_size": 6, "image_size": 24},
    space=ppo.CORE.narrow(lr=(1e-4, 1e-2), epochs=(3, 6))
    | ppo.BATCH.narrow(batch_size=(1024, 2048, 4096), num_minibatches=(8, 16, 32))
    | model_layouts.TILES,
    # Most of a picture is bright floor: uncentred, two cells hardly change what a network computes. With 8x8
    # cells and random starts one configuration scored -0.45 after 98,304 steps on [0, 1], and 0.98 on pixels
    # centred and scaled by fixed numbers (one seed each).
    fixed={"normalise_observations": True},
    budget=Budget(trials=24, steps_per_trial=32_768),
    # A lane keeps its target for a whole episode, so that few lanes show few targets in a batch.
    lanes=128,
)

if __name__ == "__main__":
    main(EXPERIMENT)
