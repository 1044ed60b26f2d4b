"""Server fleet under a noisy daily load: dynamics, specification and ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.base import (
    Act,
    BatchedEnv,
    Canvas,
    Dynamics,
    Lanes,
    Parameters,
    ReferencePolicy,
    References,
    SingleEnv,
    Transition,
    register,
)
from envs.suite.resource.optimum import solve
from envs.suite.resource.picture import ServiceFrame, draw_service
from envs.suite.resource.reference_policies import ServicePolicy, ServiceState, service_policies
from envs.suite.resource.server_fleet import CHANGES, MAX_CHANGE
from envs.suite.resource.service import COST_UNIT, JOBS_PER_SERVER, STEPS, ResourceParameters

HOURS_PER_STEP = 24 / STEPS


class Resource(Dynamics[ResourceParameters]):
    """Server fleet that does one day's jobs; the best policy has the least cost of servers and waiting.

    ## Action Space

    With `continuous` (Resource-v0): `Box(-1, 1, (1,), float32)`. The number is cut to [-1, 1], doubled and
    rounded to the nearest whole number, halves to the even one: the servers to add (+1, +2) or remove
    (-1, -2). Numbers beyond the box therefore do what its edge does.

    Without (ResourceDiscrete-v0): `Discrete(5)`, choice k adds k - 2 servers.

    What cannot be carried out is left undone: no more than `max_servers` are ever rented, running and booting
    together, and one server always runs. Removing takes running servers, never booting ones.

    ## Observation Space

    `Box(low, 1, (5 + boot_delay,), float32)` with the ranges below, which hold for every policy.

    | index | meaning | range | unit |
    | --- | --- | --- | --- |
    | 0 | jobs that arrived in the last step | 0 to 1 | the largest load (252 by default) |
    | 1 | servers running | 0 to 1 | `max_servers` |
    | 2 | square root of the jobs waiting | 0 to 1 | square root of `queue_limit` |
    | 3, 4 | sine and cosine of the time of day, midnight at angle 0 | -1 to 1 | 1 |
    | 5, ... | servers that will join in the next, second next step (with a boot delay only) | 0 to 1 | `max_servers` |

    The largest load is that of the busiest time with the noise at its cut, 4 standard deviations. The queue
    is cut to `queue_limit` before it is paid for: where the observation ends, so does the cost. The square
    root keeps short queues apart. The observation holds the whole state; noise is independent between steps,
    so the last load says no more about the next than the time of day does.

    ## Rewards

    `-(servers * server_cost + queue * queue_penalty) / 100`, with the servers rented during the step, running
    or booting, and the jobs left waiting after it. The return is minus the day's cost in hundreds.

    ## Starting State

    Midnight, `max_servers // 2` servers running, none booting, no job waiting. A step takes five minutes, and
    a running server completes 10 jobs in it. The action is carried out; then the step's load arrives,

        load = round(max(expected(t) * (1 + noise * e), 0)),    e ~ N(0, 1), cut to [-4, 4]
        queue = min(max(queue + load - 10 * servers running, 0), queue_limit)

    so servers are chosen before the load is known. `expected(t)` is a sine wave over the day from 20 % of
    `load_peak` at 4 o'clock to all of it at 16 o'clock. With `boot_delay` d, a server rented in step t serves
    from step t + d on. The loads of the whole day are drawn at reset.

    ## Episode End

    - Termination: after 288 steps, at midnight. The observation shows the time, so the end belongs to the
      task and nothing may be bootstrapped beyond it.
    - Truncation: never.

    The info of the last step carries

    | name | meaning |
    | --- | --- |
    | server_hours | servers rented, running or booting, times hours |
    | p95_queue | 95th percentile over the steps of the jobs left waiting |
    | over_capacity | share of steps whose load was more than the running servers complete |
    | jobs_rejected | jobs turned away because the queue was full |

    ## Arguments

    The fields of :class:`ResourceParameters`.

    ## References

    The floor is the best static fleet: the number of servers (15 by default) that is cheapest to go to at
    midnight and keep, as a careful person rents without any scaling. A random policy would be the wrong
    floor: at three times the cost (a return of -134 against -45), everything else would look perfect.
    `autoscaler` steers to the fewest servers that the last load keeps busy to at most 80 %, `ceiling` to those
    that it keeps busy fully, `no_op` keeps the first servers. The optimum is dynamic programming over time,
    fleet and queue (:mod:`envs.suite.resource.optimum`). All returns are exact for every boot delay; computing
    them takes 1.3, 2.5 and 8 s on one core for a delay of 0, 1 and 2.

    ## Version History

    - v0: first version.
    """

    parameters_type: ClassVar[type[Parameters]] = ResourceParameters
    return_unit: ClassVar[str] = "minus hundreds of cost units"
    action_names: ClassVar[tuple[str, ...]] = ("-2 servers", "-1 server", "keep", "+1 server", "+2 servers")

    def __init__(self, parameters: ResourceParameters, num_lanes: int) -> None:
        super().__init__(parameters, num_lanes)
        p = parameters
        self._service = service = p.service
        self._fleets = service.fleet
        self._largest_load = max(service.max_load, 1)
        low = np.array([0, 0, 0, -1, -1, *[0] * p.boot_delay], dtype=np.float32)
        self.observation_space = spaces.Box(low, np.ones_like(low))
        self.action_space = (
            spaces.Box(-1.0, 1.0, (1,), np.float32) if p.continuous else spaces.Discrete(len(CHANGES))
        )
        self._after = self._fleets.after.ravel()
        self._capacity = JOBS_PER_SERVER * self._fleets.members[:, 0]
        fleet_view = (self._fleets.members / p.max_servers).astype(np.float32)
        self._running_view, self._booting_view = fleet_view[:, 0].copy(), fleet_view[:, 1:]
        self._queue_view = np.sqrt(np.arange(p.queue_limit + 1) / p.queue_limit).astype(np.float32)
        self._fleet_reward = -p.server_cost * self._fleets.rented / COST_UNIT
        angles = 2.0 * np.pi * np.arange(STEPS + 1) / STEPS
        self._clock = np.column_stack([np.sin(angles), np.cos(angles)]).astype(np.float32)
        self._lane = np.arange(num_lanes)
        self.time = np.zeros(num_lanes, dtype=np.int64)
        """Steps taken in the present day, [N]."""
        self.loads = np.zeros((num_lanes, STEPS + 1), dtype=np.int64)
        """Jobs of the step before midnight and of each step of the day, [N, T + 1]."""
        self.fleet = np.zeros(num_lanes, dtype=np.int64)
        """Number of the present fleet in :class:`envs.suite.resource.server_fleet.Fleet`, [N]."""
        self.queue = np.zeros(num_lanes, dtype=np.int64)
        """Jobs waiting, [N]."""
        # [N, T + 1]: the fleet and the queue at every time so far; the queue is empty at midnight.
        self._fleet_history = np.zeros((num_lanes, STEPS + 1), dtype=np.int64)
        self._queue_history = np.zeros((num_lanes, STEPS + 1), dtype=np.int64)

    def begin(self, lanes: NDArray[np.intp], rngs: Sequence[np.random.Generator]) -> None:
        """Draws each lane's loads of the whole day."""
        noise = np.stack([rng.standard_normal(STEPS + 1) for rng in rngs])
        self.loads[lanes] = self._service.loads(noise)
        self.fleet[lanes] = self._fleets.number(self._service.starting_servers)
        self.time[lanes] = self.queue[lanes] = 0

    def advance(self, lanes: Lanes, actions: NDArray[Any]) -> Transition:
        """Changes the fleet, then serves the step's load."""
        p = self.parameters
        # `take` looks numbers up in half the time of an index.
        fleet = self._after.take(self.fleet[lanes] * len(CHANGES) + self._choices(actions))
        lane, time = self._lane[lanes], self.time[lanes] + 1
        waiting = self.queue[lanes] + self.loads[lane, time] - self._capacity.take(fleet)
        queue = np.minimum(np.maximum(waiting, 0), p.queue_limit)
        self.time[lanes], self.fleet[lanes], self.queue[lanes] = time, fleet, queue
        self._fleet_history[lane, time] = fleet
        self._queue_history[lane, time] = queue
        rewards = self._fleet_reward.take(fleet) - (p.queue_penalty / COST_UNIT) * queue
        return Transition(rewards, time == STEPS, np.zeros(len(time), dtype=np.bool_))

    def _choices(self, actions: NDArray[Any]) -> NDArray[np.int64]:
        if not self.parameters.continuous:
            return actions
        inside = np.minimum(np.maximum(actions[:, 0], -1.0), 1.0)
        choices: NDArray[np.int64] = np.rint(inside * MAX_CHANGE).astype(np.int64) + MAX_CHANGE
        return choices

    def observe(self) -> NDArray[np.float32]:
        """Returns load, servers, queue, time of day and booting servers of all lanes, [N, 5 + boot_delay]."""
        observations = np.empty((self.num_lanes, 5 + self.parameters.boot_delay), dtype=np.float32)
        observations[:, 0] = self.loads[self._lane, self.time] / self._largest_load
        observations[:, 1] = self._running_view.take(self.fleet)
        observations[:, 2] = self._queue_view.take(self.queue)
        observations[:, 3:5] = self._clock.take(self.time, axis=0)
        if self.parameters.boot_delay:
            observations[:, 5:] = self._booting_view[self.fleet]
        return observations

    def summarise(self, lanes: NDArray[np.intp]) -> dict[str, NDArray[np.float64]]:
        """Returns the operator's figures of the days that have just ended."""
        fleets, queues = self._fleet_history[lanes, 1:], self._queue_history[lanes]
        spare = self._capacity[fleets] - self.loads[lanes, 1:]
        rejected = np.maximum(queues[:, :-1] - spare, 0) - queues[:, 1:]
        return {
            "server_hours": self._fleets.rented[fleets].sum(axis=1, dtype=np.float64) * HOURS_PER_STEP,
            "p95_queue": np.percentile(queues[:, 1:], 95, axis=1),
            "over_capacity": (spare < 0).mean(axis=1),
            "jobs_rejected": rejected.sum(axis=1, dtype=np.float64),
        }

    @property
    def horizon(self) -> int:
        """The steps of a day."""
        return STEPS

    def draw(self, canvas: Canvas, lane: int) -> None:
        """Draws load against capacity, and the queue, since midnight."""
        draw_service(canvas, self._frame(lane))

    def present(self, lane: int) -> dict[str, float]:
        """Returns the step, servers that serve and that boot, the load of the last step, and the queue."""
        time, members = self.time[lane], self._fleets.members[self.fleet[lane]]
        return {
            "step": float(time),
            "servers": float(members[0]),
            "booting": float(members[1:].sum()),
            "load": float(self.loads[lane, time]),
            "queue": float(self.queue[lane]),
        }

    def describe(self, lane: int) -> str:
        """Describes time, servers, queue and cost in one line."""
        return self._frame(lane).summary

    def _frame(self, lane: int) -> ServiceFrame:
        p = self.parameters
        past = slice(1, self.time[lane] + 1)
        fleets = self._fleet_history[lane, past]
        queues = self._queue_history[lane, past]
        return ServiceFrame(
            loads=self.loads[lane, past],
            capacities=self._capacity[fleets],
            queues=queues,
            servers=int(self._fleets.members[self.fleet[lane], 0]),
            booting=int(self._fleets.members[self.fleet[lane], 1:].sum()),
            cost=float(p.server_cost * self._fleets.rented[fleets].sum() + p.queue_penalty * queues.sum()),
            expected_loads=self._service.expected_loads[1:],
            largest_capacity=JOBS_PER_SERVER * p.max_servers,
            queue_limit=p.queue_limit,
        )

    @classmethod
    def references(cls, parameters: ResourceParameters) -> References[Resource]:
        """Returns no-op, random, best static fleet, autoscaler, ceiling of the load, and the optimum."""
        p = parameters
        # After rounding, the outer choices have half of the others' share of a uniform number.
        weights = np.array([1, 2, 2, 2, 1]) / 8 if p.continuous else np.full(5, 0.2)
        policies = {
            name: ReferencePolicy(policy.description, policy.expected_return, _acting(policy))
            for name, policy in service_policies(p.service).items()
        }
        policies["random"] = ReferencePolicy(
            "uniformly random actions",
            solve(p.service).mixed_return(weights),
            lambda resource, rng: resource._random_actions(rng),
        )
        source = "exact dynamic programming over time, fleet and queue"
        return References(policies, floor_policy="static", optimal_policy="optimal", source=source)

    @property
    def _state(self) -> ServiceState:
        return ServiceState(self.time, self.loads[self._lane, self.time], self.fleet, self.queue)

    def _actions(self, choices: NDArray[np.int64]) -> NDArray[Any]:
        """Returns the actions [N, ...] that stand for choices [N]."""
        if not self.parameters.continuous:
            return choices
        return ((choices - MAX_CHANGE) / MAX_CHANGE).astype(np.float32)[:, None]

    def _random_actions(self, rng: np.random.Generator) -> NDArray[Any]:
        if not self.parameters.continuous:
            return rng.integers(len(CHANGES), size=self.num_lanes)
        return rng.uniform(-1.0, 1.0, (self.num_lanes, 1)).astype(np.float32)


def _acting(policy: ServicePolicy) -> Act[Resource]:
    return lambda resource, rng: resource._actions(policy.choose(resource._state))


class ResourceEnv(SingleEnv):
    """One day: what `gymnasium.make` builds. Specification: :class:`Resource`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Resource


class ResourceVectorEnv(BatchedEnv):
    """N independent days: what `gymnasium.make_vec` builds. Specification: :class:`Resource`."""

    dynamics_type: ClassVar[type[Dynamics[Any]]] = Resource


register("sweeps/Resource-v0", Resource)
register("sweeps/ResourceDiscrete-v0", Resource, continuous=False)
