"""Does tuning PPO pay on a mean-reverting market?

Run:    python -m experiments.trading_sweep
Expect: a confirmed score of 0.93 [0.89, 0.97], 0.13 [0.02, 0.25] above the default; 2 min 40 s on 2 cores
"""

from experiments import Budget, Confirmation, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/TradingMeanReverting-v0",
    # A small budget of steps, as where data are dear; batches of 4096 would leave two updates.
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024, 2048)) | model_layouts.MLP,
    budget=Budget(trials=48, steps_per_trial=16_384, evaluations=8),
    evaluation_episodes=128,
    confirmation=Confirmation(top_k=3, seeds=16),
)

if __name__ == "__main__":
    main(EXPERIMENT)
