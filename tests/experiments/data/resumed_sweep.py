"""Does a sweep that is killed go on where it was?"""

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/TradingMeanReverting-v0",
    space=(ppo.CORE | ppo.BATCH).narrow(batch_size=(512, 1024), epochs=(3, 10))
    | model_layouts.deep_mlp(depths=(1, 2), widths=(32,), activations=("tanh",)),
    budget=Budget(trials=3, steps_per_trial=16_384, evaluations=16),
    # So many that a trial lasts for more than the second after which it saves itself.
    evaluation_episodes=512,
    confirmation=Confirmation(top_k=1, seeds=1),
    scheduler=NoScheduler(),
)

if __name__ == "__main__":
    main(EXPERIMENT)
