"""Does PPO tuned on the past of a market trade well in a later time?

It learns on the train range, searches on validation, and is confirmed on test, which comes last in time.

Run:    python -m experiments.trading_historical_sweep
"""

from experiments import Budget, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/TradingHistorical-v0",
    env_parameters={"split": "train"},
    validation_parameters={"split": "validation"},
    test_parameters={"split": "test"},
    space=ppo.CORE | ppo.BATCH | model_layouts.MLP,
    budget=Budget(trials=32, steps_per_trial=32_768),
)

if __name__ == "__main__":
    main(EXPERIMENT)
