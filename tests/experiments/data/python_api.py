"""A plain program that runs a sweep by itself, and says in JSON what came of it."""

import json
import logging
import os
import sys
import warnings
from pathlib import Path

from corridor_sweep import EXPERIMENT

from analysis import load_sweep, verdict_on
from experiments import load_policy, replay, retrain, run

if __name__ == "__main__":
    storage = Path(sys.argv[1])
    state = dict(os.environ), list(warnings.filters), logging.root.manager.disable
    result = run(EXPERIMENT, name="first", storage=storage, trials=2, confirm_seeds=1, quiet=True)
    retrained = retrain(EXPERIMENT, result.folder, seeds=range(200, 202), quiet=True)
    played = replay(result.folder, episodes=4)
    told = {
        "folder": str(result.folder),
        "sentence": result.verdict.sentence,
        "same_sentence": verdict_on(load_sweep(result.folder)).sentence == str(result),
        "trials": len(result.trials),
        "confirmed": sorted(set(result.confirmation["config_id"])),
        "curves": sorted(set(result.curves["phase"])),
        "report": str(result.report.html),
        "retrained": [retrained.folder.name, sorted(retrained.values), str(retrained)],
        "policy": [load_policy(result.folder).run, played.policy.run, played.result.returns.size],
        "mean_return": played.mean_return,
        # Ray, torch and pygame set variables of their own when they are first imported.
        "undisturbed": all(os.environ.get(name) == value for name, value in state[0].items())
        and not {name for name in os.environ if name.startswith("TUNE_")} - set(state[0])
        and state[1:] == (list(warnings.filters), logging.root.manager.disable),
    }
    sys.stdout.write(json.dumps(told))
