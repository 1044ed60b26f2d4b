"""Does a sweep outlive trials that fail and trials that diverge?"""

from dataclasses import replace

from corridor_sweep import EXPERIMENT as CORRIDOR

from experiments import Budget, Experiment, main
from experiments.core.declaration.seeds import Seeds
from search_spaces import choice

EXPERIMENT: Experiment = replace(
    CORRIDOR,
    # A learning rate of 1e30 makes the weights overflow.
    space=choice("lr", 3e-4, 1e29, 1e30, default=3e-4, source="values of which most diverge")
    | choice("batch_size", 512, default=512, source="small"),
    env_parameters={"breaks_on_seed": Seeds(0).training(3)},
    fixed={"epochs": 2, "num_minibatches": 4},
    budget=Budget(trials=6, steps_per_trial=2048, evaluations=4),
)

if __name__ == "__main__":
    main(EXPERIMENT)
