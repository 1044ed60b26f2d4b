"""Does tuning PPO pay on a mean-reverting market?

Run:    python -m experiments.trading_sweep
Expect: "Nothing beat the default with its batch adapted to the budget": the best has 0.90 [0.29, 1.00], that
        default 0.88; 0.96 million steps, 2 min 20 s on 2 busy cores
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/TradingMeanReverting-v0",
    # A small budget of steps, as where data are dear; batches of 4096 would leave two updates.
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024, 2048)) | model_layouts.MLP,
    budget=Budget(trials=48, steps_per_trial=16_384, evaluations=8),
    evaluation_episodes=128,
)

if __name__ == "__main__":
    main(EXPERIMENT)
