"""Does a sweep go on beside an environment that is stuck?"""

import json
import os

from experiments import Budget, Confirmation, Experiment, NoScheduler, main
from search_spaces import log_uniform

EXPERIMENT = Experiment(
    env="stuck_env:tests/Stuck-v0",
    env_parameters=json.loads(os.environ.get("STUCK_PARAMETERS", "{}")),
    space=log_uniform("lr", 1e-4, 1e-3, default=3e-4, source="x"),
    fixed={"batch_size": 256, "num_minibatches": 2, "layout": "16-tanh"},
    budget=Budget(trials=3, steps_per_trial=1024, evaluations=2),
    confirmation=Confirmation(top_k=1, seeds=1),
    evaluation_episodes=4,
    lanes=2,
    vectorization=os.environ.get("STUCK_VECTORIZATION", "auto"),
    scheduler=NoScheduler(),
    check_s=float(os.environ.get("STUCK_CHECK_S", "7")),
    step_timeout_s=5,
)

if __name__ == "__main__":
    main(EXPERIMENT)
