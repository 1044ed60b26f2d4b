"""Servers, queue and cost follow rules that one can do by hand, and the optimum is a plain recursion's."""

import math
from functools import cache

import gymnasium as gym
import numpy as np
import pytest

import envs
from envs.suite.resource import Resource, ResourceParameters
from envs.suite.resource.optimum import solve
from envs.suite.resource.server_fleet import Fleet
from envs.suite.resource.service import STEPS, Service

CONTINUOUS, DISCRETE = "sweeps/Resource-v0", "sweeps/ResourceDiscrete-v0"
SERVERS, QUEUE = 1, 2
"""Where the observation shows them."""


def day(loads, **parameters):
    """One lane of choices 0 to 4 whose first loads are given, from the step before midnight on."""
    resource = Resource(ResourceParameters(continuous=False, **parameters), 1)
    resource.begin(np.zeros(1, dtype=np.intp), [np.random.default_rng(0)])
    resource.loads[0, : len(loads)] = loads
    return resource


def serve(resource, *changes):
    """Carries changes of -2 to 2 servers out; gives the rewards."""
    return [float(resource.advance(slice(None), np.array([change + 2])).rewards[0]) for change in changes]


def running(resource):
    return int(resource._fleets.members[resource.fleet[0], 0])


def plain_optimum(service):
    """The same recursion over dictionaries, with its own rules of what an action does."""
    laws = [service.load_distribution(step) for step in range(STEPS)]

    def changed(members, change):
        servers, *booting = members
        added = max(min(change, service.max_servers - sum(members)), 0)
        if not booting:
            return (max(min(servers + change, service.max_servers), 1),)
        servers, booting = servers + booting[0], [*booting[1:], added]
        return (max(servers + min(change, 0), 1), *booting)

    @cache
    def value(step, members, queue):
        if step == STEPS:
            return 0.0
        return max(served(step, changed(members, change), queue) for change in range(-2, 3))

    @cache
    def served(step, members, queue):
        lowest, probabilities = laws[step]
        total = -service.server_cost * sum(members) / 100
        for load, probability in enumerate(probabilities, start=lowest):
            left = min(max(queue + load - 10 * members[0], 0), service.queue_limit)
            total += probability * (value(step + 1, members, left) - service.queue_penalty * left / 100)
        return total

    start = (service.starting_servers, *[0] * service.boot_delay)
    for step in reversed(range(STEPS)):  # From the end, so that the recursion stays shallow.
        for members in Fleet(service.max_servers, service.boot_delay).members.tolist():
            for queue in range(service.queue_limit + 1):
                value(step, tuple(members), queue)
    return value(0, start, 0)


def test_a_step_changes_the_fleet_then_serves_the_load_and_then_pays():
    resource = day([0, 125, 80, 95], server_cost=2.0, queue_penalty=0.5)
    # 12 servers and 5 jobs left; 11 servers finish them; 9 servers leave 5 again.
    rewards = serve(resource, 2, -1, -2)
    assert rewards == pytest.approx([-(24 + 2.5) / 100, -22 / 100, -(18 + 2.5) / 100])
    assert (running(resource), resource.queue[0]) == (9, 5)


def test_one_server_always_runs_and_no_more_than_allowed_are_rented():
    resource = day([0], max_servers=4)
    serve(resource, -2, -2)
    assert running(resource) == 1
    serve(resource, 2, 2, 1)
    assert running(resource) == 4


@pytest.mark.parametrize(
    ("action", "change"),
    [(-9.0, -2), (-1.0, -2), (-0.76, -2), (-0.74, -1), (-0.25, 0), (0.0, 0), (0.26, 1), (1.0, 2), (9.0, 2)],
)
def test_continuous_actions_are_cut_to_the_box_before_they_are_scaled_and_rounded(action, change):
    env = gym.make(CONTINUOUS, disable_env_checker=True)
    env.reset(seed=0)
    observation = env.step(np.array([action], dtype=np.float32))[0]
    assert observation[SERVERS] * 20 == pytest.approx(10 + change)


def test_both_forms_of_actions_live_through_the_same_day():
    numbers, choices = (gym.make(env_id, disable_env_checker=True) for env_id in (CONTINUOUS, DISCRETE))
    first, second = numbers.reset(seed=3)[0], choices.reset(seed=3)[0]
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        assert (first == second).all()
        choice = int(rng.integers(5))
        first, *rest = numbers.step(np.array([(choice - 2) / 2], dtype=np.float32))
        second, *same = choices.step(choice)
        assert rest == same


@pytest.mark.parametrize("boot_delay", [1, 2])
def test_a_server_is_paid_for_at_once_and_works_after_its_boot_delay(boot_delay):
    resource = day([0], boot_delay=boot_delay, load_peak=1e-9, noise=0.0)
    fleets, rewards = [], serve(resource, 2)
    for _ in range(boot_delay):
        fleets.append(running(resource))
        rewards += serve(resource, 0)
    assert fleets == [10] * boot_delay
    assert running(resource) == 12
    assert rewards == pytest.approx([-0.12] * (boot_delay + 1))


def test_the_observation_shows_which_servers_join_when():
    resource = day([0], boot_delay=2)
    serve(resource, 2, 1)
    assert resource.observe()[0, 5:] * 20 == pytest.approx([2, 1])
    serve(resource, -2)
    # Two joined and two others left; the one still boots.
    assert running(resource) == 10
    assert resource.observe()[0, 5:] * 20 == pytest.approx([1, 0])


def test_booting_servers_count_towards_the_largest_fleet():
    resource = day([0], max_servers=4, boot_delay=2)
    serve(resource, 2, 2, 2, 2)
    assert running(resource) == 4
    assert resource._fleets.rented[resource.fleet[0]] == 4


def test_jobs_beyond_the_queues_limit_are_turned_away_and_cost_no_more_than_is_shown():
    resource = day([0, 170, 300], queue_limit=100, queue_penalty=1.0, server_cost=1.0)
    rewards = serve(resource, 0, 0)
    assert resource.queue[0] == 100
    assert resource.observe()[0, QUEUE] == 1.0
    assert rewards == pytest.approx([-(10 + 70) / 100, -(10 + 100) / 100])


def test_the_queues_observation_tells_every_two_lengths_apart():
    resource = Resource(ResourceParameters(), 501)
    resource.queue[:] = np.arange(501)
    assert (np.diff(resource.observe()[:, QUEUE]) > 0).all()


def test_the_last_observation_shows_the_last_load_and_nothing_is_read_beyond_it():
    resource = day([0])
    resource.loads[0] = np.arange(STEPS + 1)
    serve(resource, *[0] * (STEPS - 1))
    moved = resource.advance(slice(None), np.array([2]))
    assert moved.terminated[0]
    assert resource.observe()[0, 0] * 252 == pytest.approx(STEPS)


def test_the_info_of_the_last_step_is_what_the_day_gives_by_hand():
    resource = day([0], queue_limit=50)
    loads = np.random.default_rng(5).integers(0, 250, STEPS)
    resource.loads[0, 1:] = loads
    changes = np.random.default_rng(6).integers(-2, 3, STEPS)
    servers, queue, queues, hours, over, rejected = 10, 0, [], 0.0, 0, 0
    for load, change in zip(loads, changes, strict=True):
        servers = min(max(servers + change, 1), 20)
        left = max(queue + load - 10 * servers, 0)
        queue = min(left, 50)
        queues.append(queue)
        hours, over, rejected = hours + servers / 12, over + (load > 10 * servers), rejected + left - queue
    serve(resource, *changes)
    summary = {name: values[0] for name, values in resource.summarise(np.array([0])).items()}
    assert rejected > 0
    assert summary == pytest.approx(
        {
            "server_hours": hours,
            "p95_queue": np.percentile(queues, 95),
            "over_capacity": over / STEPS,
            "jobs_rejected": rejected,
        }
    )


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.2, 0.5])
def test_drawn_loads_follow_the_law_that_the_optimum_assumes(noise):
    service = Service(noise=noise)
    drawn = service.loads(np.random.default_rng(1).standard_normal((20_000, STEPS + 1)))
    assert drawn.min() >= 0
    assert drawn.max() <= service.max_load
    for step in (-1, 47, 191, 287):
        lowest, probabilities = service.load_distribution(step)
        assert math.fsum(probabilities) == pytest.approx(1.0)
        counts = np.bincount(drawn[:, step + 1] - lowest, minlength=len(probabilities))
        assert len(counts) == len(probabilities)
        errors = np.sqrt(len(drawn) * probabilities * (1 - probabilities)) + 1.0
        assert (np.abs(counts - len(drawn) * probabilities) < 5 * errors).all()


def test_the_load_is_lowest_at_four_and_highest_at_sixteen_oclock():
    expected = Service(load_peak=100.0).expected_loads[1:]
    assert (expected.argmin(), expected.argmax()) == (4 * 12, 16 * 12)
    assert (expected.min(), expected.max()) == pytest.approx((20.0, 100.0))


@pytest.mark.parametrize("boot_delay", [0, 1, 2])
def test_the_optimum_is_that_of_a_plain_recursion(boot_delay):
    service = Service(max_servers=3, load_peak=22.0, queue_limit=9, boot_delay=boot_delay, queue_penalty=0.4)
    assert solve(service).optimum == pytest.approx(plain_optimum(service), abs=1e-9)


@pytest.mark.parametrize("policy", ["static", "autoscaler", "optimal"])
def test_twenty_thousand_days_earn_what_the_references_state(policy):
    reference = envs.references(CONTINUOUS).policies[policy]
    returns = np.concatenate(
        [
            envs.roll_out(CONTINUOUS, reference.act, episodes=5000, seed=seed).returns
            for seed in (100_000, 200_000, 300_000, 400_000)
        ]
    )
    error = returns.std(ddof=1) / math.sqrt(len(returns))
    assert abs(returns.mean() - reference.expected_return) < 4 * error


@pytest.mark.parametrize("boot_delay", [1, 2])
def test_references_are_exact_with_a_boot_delay_too(boot_delay):
    # A small fleet solves in a fraction of the default's time.
    small = {"max_servers": 6, "load_peak": 40.0, "queue_limit": 120, "boot_delay": boot_delay}
    references = envs.references(DISCRETE, **small)
    for policy in references.policies.values():
        episodes = envs.roll_out(DISCRETE, policy.act, episodes=2000, seed=9, **small)
        assert abs(episodes.mean - policy.expected_return) < 4 * episodes.standard_error
        assert policy.expected_return <= references.optimum


def test_the_autoscaler_beats_the_best_static_fleet_and_the_optimum_both():
    references = envs.references(DISCRETE)
    returns = {name: policy.expected_return for name, policy in references.policies.items()}
    assert returns["static"] < returns["ceiling"] < returns["autoscaler"] < returns["optimal"]
    assert references.score(returns["autoscaler"]) == pytest.approx(0.82, abs=0.01)
    assert references.floor == returns["static"]
    assert max(returns["no_op"], returns["random"]) < 2.5 * references.floor


def test_both_forms_of_actions_share_one_solution():
    services = [envs.entry(env_id).parameters().service for env_id in (CONTINUOUS, DISCRETE)]
    assert solve(services[0]) is solve(services[1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_servers": 1}, "Resource max_servers=1: expected a whole number from 2 to 50"),
        ({"boot_delay": 3}, "Resource boot_delay=3: expected a whole number from 0 to 2"),
        ({"noise": -0.1}, "Resource noise=-0.1: expected a number from 0 to 0.5"),
        ({"load_peak": 0.0}, "Resource load_peak=0.0: expected a number above 0 to 1000"),
        ({"queue_penalty": math.nan}, "Resource queue_penalty=nan"),
        ({"continuous": 1}, "Resource continuous=1: expected True or False"),
        ({"server_costs": 1.0}, "did you mean 'server_cost'"),
    ],
)
def test_impossible_parameters_are_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message):
        ResourceParameters.from_mapping(wrong)


def test_a_day_without_a_question_is_refused_instead_of_scored():
    # Where a single server is always enough, keeping one is as good as anything.
    with pytest.raises(ValueError, match="every policy is as good as any other"):
        envs.references(DISCRETE, load_peak=0.1, max_servers=2)


def test_the_picture_and_the_text_show_the_same_moment():
    env = gym.make(CONTINUOUS, render_mode="rgb_array", disable_env_checker=True)
    env.reset(seed=0)
    before = env.render()
    for _ in range(150):
        env.step(np.array([-0.5], dtype=np.float32))
    assert env.unwrapped.dynamics.describe(0).startswith("12:30")
    assert "1 servers run" in env.unwrapped.dynamics.describe(0)
    assert before.shape == (400, 640, 3)
    assert (env.render() != before).any()
