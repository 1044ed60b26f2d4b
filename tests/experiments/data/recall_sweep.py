"""Can nested observations be answered by nested actions?"""

from experiments import Budget, Confirmation, Experiment, main
from search_spaces import model_layouts, ppo

EXPERIMENT = Experiment(
    env="sweeps/Spaces-v0",
    env_parameters={"observation_space": "nested", "action_space": "nested", "max_messages": 4},
    space=ppo.CORE | ppo.BATCH.narrow(batch_size=(512, 1024)) | model_layouts.MLP,
    budget=Budget(trials=2, steps_per_trial=1024, evaluations=2),
    lanes=32,
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=16,
)

if __name__ == "__main__":
    main(EXPERIMENT)
