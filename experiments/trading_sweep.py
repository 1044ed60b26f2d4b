"""Does tuning PPO pay on a mean-reverting market?

Run:    python -m experiments.trading_sweep
"""

from experiments import Budget, Confirmation, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/TradingMeanReverting-v0",
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    budget=Budget(trials=32, steps_per_trial=24_576),
    confirmation=Confirmation(top_k=3, seeds=12),
)

if __name__ == "__main__":
    main(EXPERIMENT)
