"""Ray's population based training and bandits with a public name for each part that a scheduler reuses.

Ray compares a population inside `on_trial_result`. Whoever compares it at another moment needs what Ray keeps
of each member and the way in which it copies one, to which there is no public access.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining
from ray.tune.schedulers.pb2 import PB2


class PopulationScheduler(PopulationBasedTraining):  # type: ignore[misc]  # ray ships no types
    """Ray's PBT, whose comparisons a subclass calls for and whose new configurations it makes.

    Times are whatever :meth:`record` is given.
    """

    @property
    def members(self) -> list[Trial]:
        """All trials of the population, in the order in which they joined it."""
        return list(self._trial_state)

    @property
    def barrier(self) -> int:
        """Time of the next comparison."""
        return int(self._next_perturbation_sync)

    def raise_barrier(self) -> None:
        """Sets the next comparison one interval later."""
        self._next_perturbation_sync += self._perturbation_interval

    def time_of(self, member: Trial) -> int:
        """Returns the time that a member has reached, be it by training or by copying; 0 at the start."""
        return int(self._trial_state[member].last_train_time)

    def score_of(self, member: Trial) -> float:
        """Returns a member's last recorded metric, the larger the better; NaN before the first one."""
        score = self._trial_state[member].last_score
        return math.nan if score is None else float(score)

    def record(self, member: Trial, time: int, result: Mapping[str, Any]) -> None:
        """Notes a member's result at a time."""
        self._save_trial_state(self._trial_state[member], time, result, member)

    def quantiles(self) -> tuple[list[Trial], list[Trial]]:
        """Returns the worst and the best members of those that still train, by score, in rising order."""
        worst, best = self._quantiles()
        return worst, best

    def copy(self, tune_controller: Any, member: Trial, donor: Trial) -> None:
        """Makes a paused member continue from a paused donor's checkpoint, with a new configuration."""
        self._trial_state[donor].last_checkpoint = donor.checkpoint
        self._exploit(tune_controller, member, donor)

    def new_config(self, member: Trial, donor: Trial) -> dict[str, Any]:
        """Returns the configuration that a member continues with when it copies a donor."""
        raise NotImplementedError

    def _get_new_config(self, trial: Trial, trial_to_clone: Trial) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.new_config(trial, trial_to_clone), {}


class BanditScheduler(PopulationScheduler, PB2):  # type: ignore[misc]  # ray ships no types
    """Ray's PB2 over a view of each trial, such as one with other units.

    A view needs the attribute `config`, and a text of its own by which PB2 knows the trial.
    """

    def view_of(self, trial: Trial) -> Any:
        """Returns a trial as PB2 shall see it."""
        raise NotImplementedError

    def proposed(self, member: Trial, donor: Trial) -> dict[str, Any]:
        """Returns the configuration, in the view's terms, that PB2 proposes to a member that copies."""
        config, _ = PB2._get_new_config(self, member, self.view_of(donor))
        return dict(config)

    def _save_trial_state(self, state: Any, time: int, result: Mapping[str, Any], trial: Trial) -> Any:
        # PB2 fits its process to what stands in the result under the name of the time.
        timed = {**result, self._time_attr: time}
        return super()._save_trial_state(state, time, timed, self.view_of(trial))
