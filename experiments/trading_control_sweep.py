"""Does tuning PPO find anything on a market without a signal?

It must not: this is the negative control. A suite that takes noise for progress gives itself away here.

Run:    python -m experiments.trading_control_sweep
Expect: "Nothing beat the default": +0.03 [-16.16, +3.01]; 0.81 million steps, 74 s on 2 cores
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Trading-v0",
    # A small budget of steps, as where data are dear; batches of 4096 would leave two updates.
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024, 2048)) | model_layouts.MLP,
    budget=Budget(trials=48, steps_per_trial=16_384, evaluations=8),
    evaluation_episodes=128,
)

if __name__ == "__main__":
    main(EXPERIMENT)
