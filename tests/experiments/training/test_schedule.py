"""What goes on from a checkpoint: the same run after a pause, a copy with new hyperparameters, a schedule."""

import math

import pytest
import torch

from analysis.sweep.schema import Phase
from experiments.core.declaration.seeds import Seeds
from experiments.core.environments.scale import EvaluationSetting, ScoreScale
from experiments.core.records.schedule import config_at
from experiments.core.training.task import Task
from experiments.core.training.trial import PPOTrial
from search_spaces import model_layouts, ppo

pytestmark = pytest.mark.usefixtures("local_ray")

DONOR = {
    **(ppo.CORE | model_layouts.MLP).defaults,
    "batch_size": 256, "num_minibatches": 4, "epochs": 2, "config_id": "trial_0001", "seed": 11,
}  # fmt: skip
COPY = {
    **DONOR,
    "lr": 7e-3, "kl_coeff": 0.7, "kl_target": 0.02, "clip": 0.31, "entropy_coeff": 0.02, "vf_coeff": 0.9,
    "gae_lambda": 0.85, "one_minus_gamma": 0.05, "grad_clip": 2.0, "epochs": 3, "batch_size": 512,
    "config_id": "trial_0002", "seed": 22,
}  # fmt: skip


def task(**changes):
    evaluation_settings = {
        phase: EvaluationSetting(parameters={}, scale=ScoreScale(), most_steps=10_000) for phase in Phase
    }
    return Task(
        **{
            "env": "CartPole-v1", "env_parameters": {}, "evaluation_settings": evaluation_settings,
            "fixed": {}, "lanes": 4,
            "steps": 2048, "evaluations": 4, "evaluation_episodes": 4, "seeds": Seeds(0),
            "trainer": "fast", **changes,
        }
    )  # fmt: skip


def started(config, **changes):
    class Started(PPOTrial):
        """As Tune makes it of the class and the task, without Ray's object store."""

        def setup(self, config):
            super().setup(config, task(**changes))

    return Started(config=dict(config))


def learner_of(trial):
    return trial._replicas._runs[0]._algorithm.learner_group._learner


def weights_of(trial):
    module = learner_of(trial).module["default_policy"]
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def curve(results):
    kept = ("steps", "score", "objective", "ppo/kl", "ppo/policy_loss", "train/return_mean")
    return [[0.0 if math.isnan(result[name]) else result[name] for name in kept] for result in results]


def test_a_trial_that_was_paused_goes_on_as_if_it_had_not_been(tmp_path):
    straight = started(DONOR)
    expected = [straight.train() for _ in range(4)]
    trial = started(DONOR)
    results = [trial.train() for _ in range(2)]
    trial.save_checkpoint(tmp_path.as_posix())
    trial.reset(dict(COPY))  # the process meanwhile serves another trial
    trial.train()
    trial.reset(dict(DONOR))
    trial.load_checkpoint(tmp_path.as_posix())
    results += [trial.train() for _ in range(2)]
    assert curve(results) == curve(expected)
    assert results[-1]["done"]
    assert results[-1]["wall_s"] > results[1]["wall_s"]


@pytest.mark.parametrize("trainer", ["fast", "rllib"])
def test_a_copy_has_the_donors_weights_and_its_own_hyperparameters_active(tmp_path, trainer):
    donor = started(DONOR, trainer=trainer)
    for _ in range(2):
        result = donor.train()
    donor.save_checkpoint(tmp_path.as_posix())

    copy = started({**COPY, "layout": "32x32-relu"}, trainer=trainer)
    copy.train()
    assert not same(weights_of(copy), weights_of(donor))
    copy.reset(dict(COPY))
    copy.load_checkpoint(tmp_path.as_posix())

    assert same(weights_of(copy), weights_of(donor))
    learner = learner_of(copy)
    (optimizer,) = learner._named_optimizers.values()
    assert [group["lr"] for group in optimizer.param_groups] == [7e-3]
    assert optimizer.state, "the optimiser's moments come with the weights"
    assert float(learner.curr_kl_coeffs_per_module["default_policy"]) == pytest.approx(0.7)
    assert learner.entropy_coeff_schedulers_per_module["default_policy"].get_current_value() == 0.02
    config = learner.config
    assert (config.clip_param, config.vf_loss_coeff, config.lambda_, config.grad_clip) == (
        0.31,
        0.9,
        0.85,
        2.0,
    )
    assert (config.gamma, config.kl_target, config.num_epochs) == (0.95, 0.02, 3)
    assert config.train_batch_size_per_learner == 512

    following = copy.train()
    assert result["steps"] < following["steps"] <= result["steps"] + 512 + 8
    assert following["configuration"] == {n: v for n, v in COPY.items() if n not in ("config_id", "seed")}
    assert [group["lr"] for group in optimizer.param_groups] == [7e-3]
    assert not same(weights_of(copy), weights_of(donor))


def test_a_new_learning_rate_is_what_the_weights_move_by(tmp_path):
    donor = started(DONOR)
    donor.train()
    donor.save_checkpoint(tmp_path.as_posix())
    moved = {}
    for lr in (3e-4, 3e-8):
        trial = started({**DONOR, "lr": lr, "seed": 22})
        trial.load_checkpoint(tmp_path.as_posix())
        before = weights_of(trial)
        trial.train()
        after = weights_of(trial)
        moved[lr] = sum(float((after[name] - before[name]).abs().sum()) for name in before)
    assert moved[3e-8] < moved[3e-4] / 1000


def test_a_kl_coefficient_that_does_not_change_stays_as_it_was_adapted(tmp_path):
    donor = started({**DONOR, "kl_target": 1.0})  # far from reached, so the coefficient is halved each time
    donor.train()
    donor.save_checkpoint(tmp_path.as_posix())
    adapted = float(learner_of(donor).curr_kl_coeffs_per_module["default_policy"])
    assert adapted < DONOR["kl_coeff"]
    copy = started({**DONOR, "kl_target": 1.0, "lr": 1e-3, "seed": 22})
    copy.load_checkpoint(tmp_path.as_posix())
    assert float(learner_of(copy).curr_kl_coeffs_per_module["default_policy"]) == pytest.approx(adapted)


def test_a_copy_draws_other_random_numbers_than_its_donor(tmp_path):
    donor = started(DONOR)
    donor.train()
    donor.save_checkpoint(tmp_path.as_posix())
    copy = started({**DONOR, "seed": 22})
    copy.load_checkpoint(tmp_path.as_posix())
    assert same(weights_of(copy), weights_of(donor))
    assert curve([copy.train()]) != curve([donor.train()])


def test_the_reward_scaling_of_a_copy_discounts_as_its_configuration_says(tmp_path):
    scaled = {"scale_rewards": True, "normalise_observations": True}
    donor = started({**DONOR, **scaled})
    donor.train()
    donor.save_checkpoint(tmp_path.as_posix())
    copy = started({**COPY, **scaled})
    copy.load_checkpoint(tmp_path.as_posix())
    ours, theirs = (trial._replicas._runs[0]._algorithm.env_runner for trial in (copy, donor))
    assert ours._scaler._gamma == pytest.approx(0.95)
    assert ours._scaler.moments.variance == theirs._scaler.moments.variance
    assert (ours.normaliser.moments.mean == theirs.normaliser.moments.mean).all()
    assert copy.train()["steps"] > 0


def schedule(*entries):
    return [{"steps": steps, "configuration": configuration} for steps, configuration in entries]


def test_a_run_follows_its_schedule_without_losing_its_weights():
    scheduled = started({**DONOR, "schedule": schedule((0, {"lr": 3e-4}), (1024, {"lr": 0.0, "epochs": 3}))})
    results = [scheduled.train() for _ in range(2)]
    before = weights_of(scheduled)
    results.append(scheduled.train())
    assert [result["configuration"]["lr"] for result in results] == [3e-4, 3e-4, 0.0]
    assert "schedule" not in results[-1]["configuration"]
    # A learning rate of zero shows that the weights are those from before the change.
    assert same(weights_of(scheduled), before)
    assert learner_of(scheduled).config.num_epochs == 3
    steps = [result["steps"] for result in results]
    assert steps == sorted(steps)
    assert steps[-1] >= 1536

    straight = started(DONOR)
    assert curve([straight.train() for _ in range(2)]) == curve(results[:2])


def test_what_is_active_is_the_last_entry_that_has_come():
    config = {
        "lr": 1.0,
        "seed": 3,
        "schedule": schedule((0, {"lr": 1.0}), (100, {"lr": 2.0}), (200, {"lr": 3.0})),
    }
    assert [config_at(config, steps)["lr"] for steps in (0, 99, 100, 199, 200, 5000)] == [1, 1, 2, 2, 3, 3]
    assert config_at(config, 0) == {"lr": 1.0, "seed": 3}
    assert config_at({"lr": 5.0}, 1000) == {"lr": 5.0}
