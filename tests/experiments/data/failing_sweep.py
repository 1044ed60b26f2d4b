"""Does a sweep say so if every trial fails?"""

from dataclasses import replace

from corridor_sweep import EXPERIMENT as CORRIDOR

from experiments import Budget, Experiment, main

EXPERIMENT: Experiment = replace(
    CORRIDOR,
    env="collapsing_env:tests/Collapsing-v0",
    # A trial's lanes take 64 steps up to its first evaluation.
    space=CORRIDOR.space.narrow(batch_size=(512,)),
    budget=Budget(trials=2, steps_per_trial=2048, evaluations=4),
)

if __name__ == "__main__":
    main(EXPERIMENT)
