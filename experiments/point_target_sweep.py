"""Does tuning help PPO to point at what it sees?

Run:    python -m experiments.point_target_sweep
Expect: a confirmed score of 1.00 on every seed, 5.45 [4.52, 6.40] above the default, which mostly misses;
        0.48 million steps, 77 s on 2 cores
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/PointTargetRandom-v0",
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024, 2048)) | model_layouts.MLP,
    # A short episode bounds what a policy that always misses can lose.
    env_parameters={"max_steps": 50},
    budget=Budget(trials=32, steps_per_trial=4_096, evaluations=16),
    lanes=16,
)

if __name__ == "__main__":
    main(EXPERIMENT)
