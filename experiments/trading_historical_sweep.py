"""Does PPO tuned on the past of a market trade well in a later time?

It learns on the train range, searches on validation, and is confirmed on test, which comes last in time.

Run:    python -m experiments.trading_historical_sweep
Expect: "Nothing beat the default": the best has 0.11 [0.09, 0.14], the default 0.10, on the synthetic prices
        of the repository. The optimum knows every later price, so that no policy comes near 1: the rule that
        these prices are made for, the contrarian's, earns 0.11. 1.66 million steps, 2 min 26 s on 2 cores
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
