"""Does a small sweep end the same, however often it is killed?"""

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import choice

EXPERIMENT = Experiment(
    env="sweeps/TradingMeanReverting-v0",
    # So few configurations that a run of each, without a stop, is soon known.
    space=choice("lr", 3e-4, 1e-3, default=3e-4, source="small and large")
    | choice("epochs", 4, 10, default=10, source="few and many"),
    fixed={"batch_size": 512, "num_minibatches": 4, "layout": "32x32-tanh"},
    budget=Budget(trials=4, steps_per_trial=16_384, evaluations=12),
    # So many that a run lasts for more than the second after which it saves itself.
    evaluation_episodes=512,
    confirmation=Confirmation(top_k=1, seeds=2),
    scheduler=NoScheduler(),
    check_s=3,
)

if __name__ == "__main__":
    main(EXPERIMENT)
