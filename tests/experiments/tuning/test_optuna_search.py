"""The searcher's study holds what happened: pruned as pruned, values at steps, nothing left running."""

import math

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from analysis.sweep.runs import FinishedRun, UnfinishedRun
from analysis.sweep.schema import State
from experiments.core.tuning.listed_search import ListedSearch
from experiments.core.tuning.optuna_search import OptunaStudySearch
from search_spaces import ppo

FULL = 1000
SPACE = ppo.CORE | ppo.BATCH


@pytest.fixture
def make_searcher(tmp_path):
    def make(*, sampler_seed=3, journal="study.journal", **known):
        return OptunaStudySearch(
            space=SPACE,
            study_name="test",
            journal=tmp_path / journal,
            sampler_seed=sampler_seed,
            training_seed=lambda number: 100 + number,
            full_steps=FULL,
            **known,
        )

    return make


def result(steps, objective, **more):
    return {"steps": steps, "objective": objective, **more}


def test_the_default_configuration_comes_first_with_its_seed_and_name(make_searcher):
    first = make_searcher().suggest("a")
    assert first == {**SPACE.defaults, "seed": 100, "config_id": "trial_0000"}


def test_a_completed_trial_is_told_with_its_value_and_its_curve_at_steps(make_searcher):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_result("a", result(500, 0.3))
    searcher.on_trial_complete("a", result(FULL, 0.6))
    (trial,) = searcher.study.trials
    assert trial.state is TrialState.COMPLETE
    assert trial.value == 0.6
    assert trial.intermediate_values == {500: 0.3, FULL: 0.6}


def test_a_trial_that_was_stopped_early_is_pruned(make_searcher):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_complete("a", result(250, 0.1))
    (trial,) = searcher.study.trials
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {250: 0.1}


def test_a_diverged_trial_is_complete_with_the_floor_score(make_searcher):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_complete("a", result(250, 0.0, state="diverged"))
    (trial,) = searcher.study.trials
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.0)


@pytest.mark.parametrize("last", [None, {}, {"steps": 10}])
def test_a_failed_trial_is_told_as_failed(make_searcher, last):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_complete("a", last, error=True)
    (trial,) = searcher.study.trials
    assert trial.state is TrialState.FAIL


def test_a_value_that_is_not_a_number_leaves_no_trial_running(make_searcher):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_result("a", result(500, math.nan))
    searcher.on_trial_complete("a", result(FULL, math.nan))
    (trial,) = searcher.study.trials
    assert trial.state is not TrialState.RUNNING


def test_the_same_seed_gives_the_same_suggestions(make_searcher):
    first, second = make_searcher(journal="1"), make_searcher(journal="2")
    other = make_searcher(journal="3", sampler_seed=4)
    suggested = [[s.suggest(str(i)) for i in range(4)] for s in (first, second, other)]
    assert suggested[0] == suggested[1]
    assert suggested[0] != suggested[2]


PROPOSED_LR = {
    0: 3e-4, 1: 0.0004491523825137995, 10: 0.000978236515811077, 14: 0.004716406782295443,
}  # fmt: skip
"""Learning rates that `proposed_by_plain_optuna` gave for some of the trials, with Optuna 5.0.0."""


def value_of(config):
    return -abs(config["lr"] - 3e-3) * 100 - abs(config["clip"] - 0.2)


def proposed_by_plain_optuna(trials):
    sampler = optuna.samplers.TPESampler(
        seed=3, n_startup_trials=10, multivariate=True, constant_liar=True, group=False
    )
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.NopPruner())
    study.enqueue_trial(SPACE.defaults)
    for _ in range(trials):
        trial = study.ask(SPACE.domains)
        study.tell(trial, value_of(trial.params))
    return [trial.params for trial in study.trials]


def test_a_seed_gives_the_proposals_of_a_plain_study(make_searcher):
    searcher, proposed = make_searcher(), []
    for number in range(15):
        config = searcher.suggest(str(number))
        proposed.append({name: config[name] for name in SPACE.names})
        searcher.on_trial_complete(str(number), result(FULL, value_of(config)))
    assert proposed == proposed_by_plain_optuna(15)
    assert {number: proposed[number]["lr"] for number in PROPOSED_LR} == pytest.approx(PROPOSED_LR, rel=1e-12)


def test_every_suggestion_lies_in_the_space(make_searcher):
    searcher = make_searcher()
    for number in range(12):
        config = searcher.suggest(str(number))
        sampled = {name: value for name, value in config.items() if name not in ("seed", "config_id")}
        assert SPACE.contains(sampled)
        searcher.on_trial_complete(str(number), result(FULL, number / 10))


def test_what_the_folder_holds_is_known_and_what_was_cut_off_comes_first(make_searcher):
    finished = [
        FinishedRun(name="trial_0000", config=SPACE.defaults, state=State.COMPLETED, curve={FULL: 0.5}),
        FinishedRun(name="trial_0002", config=SPACE.defaults, state=State.PRUNED, curve={250: 0.1}),
        FinishedRun(name="trial_0003", config=SPACE.defaults, state=State.FAILED, curve={}),
    ]
    cut_off = {**SPACE.defaults, "lr": 1e-3}
    unfinished = [UnfinishedRun(name="trial_0001", config=cut_off)]
    warm = [{"lr": 2e-3}, {"lr": 1e-3}]  # the second one is what was cut off
    searcher = make_searcher(finished=finished, unfinished=unfinished, first=warm)
    states = [trial.state for trial in searcher.study.trials[:3]]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
    again, new = searcher.suggest("a"), searcher.suggest("b")
    assert again == {**cut_off, "seed": 101, "config_id": "trial_0001"}
    assert (new["config_id"], new["seed"], new["lr"]) == ("trial_0004", 104, 2e-3)
    assert searcher.suggest("c")["lr"] not in (1e-3, 2e-3)
    for before in (result(250, 0.2), result(500, 0.3)):
        searcher.on_trial_result("a", before)
    known = searcher.study.trials[3]
    assert (known.state, known.intermediate_values) == (TrialState.RUNNING, {250: 0.2, 500: 0.3})
    assert known.user_attrs == {"config_id": "trial_0001", "folder": "search/trial_0001"}


def test_optunas_own_tables_name_the_value_and_say_how_and_where_each_trial_ended(make_searcher):
    finished = [
        FinishedRun(
            name="trial_0000", config=SPACE.defaults, state=State.DIVERGED, curve={250: 0.1, 300: 0.0}
        ),
        FinishedRun(name="trial_0001", config=SPACE.defaults, state=State.FAILED, curve={}),
    ]
    searcher = make_searcher(finished=finished)
    for name, last in (
        ("a", result(FULL, 0.4)),
        ("b", result(250, 0.1)),
        ("c", result(250, 0.0, state="diverged")),
    ):
        searcher.suggest(name)
        searcher.on_trial_complete(name, last)
    table = searcher.study.trials_dataframe()
    assert searcher.study.metric_names == ["score (mean of the last three)"]
    assert "score (mean of the last three)" in " ".join(map(str, table.columns))
    assert table["user_attrs_folder"].tolist() == [f"search/trial_000{number}" for number in range(5)]
    assert table["user_attrs_state"].tolist() == ["diverged", "failed", "completed", "pruned", "diverged"]
    assert table["user_attrs_steps"].tolist() == [300, 0, FULL, 250, 250]


def test_what_is_waiting_already_is_not_tried_a_second_time(make_searcher):
    start = {**SPACE.defaults, "lr": 7e-4}
    first = [start, SPACE.defaults, {"lr": 7e-4}, {"lr": 2e-3}]
    searcher = make_searcher(first=first)
    suggested = [searcher.suggest(str(number)) for number in range(3)]
    assert [config["lr"] for config in suggested] == [SPACE.defaults["lr"], 7e-4, 2e-3]
    assert [config["config_id"] for config in suggested] == ["trial_0000", "trial_0001", "trial_0002"]


def test_the_journal_opens_as_a_study_while_the_search_runs(make_searcher, tmp_path):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_complete("a", result(FULL, 0.6))
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.journal"))
    study = optuna.load_study(study_name="test", storage=optuna.storages.JournalStorage(backend))
    assert study.best_value == 0.6


def test_a_list_is_run_in_order_and_ends():
    searcher = ListedSearch([{"config_id": "a"}, {"config_id": "b"}])
    assert [searcher.suggest(run) for run in "12"] == [{"config_id": "a"}, {"config_id": "b"}]
    for run in "12":
        searcher.on_trial_complete(run)
    assert searcher.suggest("3") == "FINISHED"


def test_the_next_list_waits_for_the_last_run_of_the_one_before_even_if_that_fails():
    asked = iter([[{"config_id": "c"}], []])
    searcher = ListedSearch([{"config_id": "a"}, {"config_id": "b"}], lambda: next(asked))
    searcher.suggest("1")
    searcher.suggest("2")
    searcher.on_trial_complete("2")
    assert searcher.suggest("3") is None
    searcher.on_trial_complete("1", error=True)
    assert searcher.suggest("4") == {"config_id": "c"}
    assert searcher.suggest("5") is None
    searcher.on_trial_complete("4")
    assert searcher.suggest("6") == "FINISHED"


def test_the_journal_can_be_read_by_others_while_the_search_goes_on(make_searcher, tmp_path):
    searcher = make_searcher()
    searcher.suggest("a")
    searcher.on_trial_result("a", result(500, 0.3))
    searcher.on_trial_complete("a", result(FULL, 0.6))
    searcher.suggest("b")
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "study.journal")))
    read = optuna.load_study(study_name="test", storage=storage)
    assert [trial.state for trial in read.trials] == [TrialState.COMPLETE, TrialState.RUNNING]
    assert [trial.params for trial in read.trials] == [trial.params for trial in searcher.study.trials]
    assert read.trials[0].intermediate_values == {500: 0.3, FULL: 0.6}


def test_the_searcher_does_not_read_its_journal_back(make_searcher, tmp_path, disk_accesses):
    searcher = make_searcher()
    with disk_accesses(tmp_path) as made:
        for number in range(12):
            searcher.suggest(str(number))
            searcher.on_trial_complete(str(number), result(FULL, number / 12))
    assert {mode for _, _, mode in made} == {"a"}
