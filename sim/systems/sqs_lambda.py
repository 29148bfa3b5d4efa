"""The pollers by which Lambda empties an SQS queue: how many there are, and what held them (SS-15).

Scaling, of which AWS says how far it goes (`SqsFunction.pollers`): once a second, pollers become
more while messages wait, fewer by `back_off` for each batch that was throttled and each invocation
that failed as a whole, and fewer again, no faster than more, while some have nothing to do. How
many messages are read is not connected to the function's concurrency; that is how a batch comes to
be throttled.
"""

from collections.abc import Iterator
from dataclasses import replace

import simpy

from sim.engine.environment import Steps
from sim.engine.outcome import GroupOutcome
from sim.engine.system import Setup
from sim.engine.waits import Limit
from sim.foundation.arrays import F32
from sim.injection.poison import Poison
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_function_kernel import InvokedFunction
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.aws_lambda import SqsFunction
from sim.scenario.products.sqs import SqsSystem
from sim.systems.on_queue import for_kernel
from sim.systems.queue_limits import Keys, LimitKey, written_s

_LOOK_S = 1.0
"""How often the number of pollers is decided; AWS does not say."""


class PollerScaler:
    """How many pollers there should be, decided from what has happened since the last look."""

    def __init__(self, start: int, most: int, a_look: float, back_off: float) -> None:
        """
        Args:
            start: pollers at first, and at least.
            most: pollers at most.
            a_look: so many more from one look to the next.
            back_off: share of them by which a failure makes them fewer.
        """
        self.least = start
        self.most = most
        self.a_look = a_look
        self.back_off = back_off
        self.wanted = float(start)

    def decide(self, failures: int, waiting: int, resting: int) -> int:
        """Pollers from now on.

        Args:
            failures: batches throttled, and invocations that failed as a whole.
            waiting: messages that are ready.
            resting: pollers that have nothing to do.
        """
        if failures:
            kept = (1.0 - self.back_off) ** failures
            self.wanted = max(float(self.least), self.wanted * kept)
        elif resting:
            fewer = min(float(resting), self.a_look)
            self.wanted = max(float(self.least), self.wanted - fewer)
        elif waiting:
            self.wanted = min(float(self.most), self.wanted + self.a_look)
        return int(self.wanted)


class Pollers(Broker):
    """A queue and the pollers that come and go. AWS runs them: no fault strikes them."""

    scaler: PollerScaler
    path: str
    """Of the function, from the system."""
    config: SqsFunction
    factor = 1.0
    """By which the function is slowed."""

    def scaling(self, env: simpy.Environment) -> Steps:
        """Decide once in a while how many there are."""
        self.limits: list[Limit] = []
        self.alive_most = sum(map(self.alive, range(self.size)))
        function, seen = self.state.function, 0
        while True:
            yield env.timeout(_LOOK_S)
            self._make_room()  # what came, has come
            failures = function.throttled_batches
            if not self.config.reports:  # with it, AWS does not poll less for failures
                failures += function.failed
            waiting, resting = self.state.messages.ready_now, self.state.consumers.at_rest
            n = self.scaler.decide(failures - seen, waiting, resting)
            if waiting and not resting and failures == seen:
                self._note(n)
            seen = failures
            self._have(n)

    def _note(self, n: int) -> None:
        """Note what keeps pollers from being more, though messages wait."""
        if n <= self.alive_most < self.scaler.most:
            return  # there were as many before, and something else made them fewer
        provisioned = self.config.provisioned_poller_config
        if n < self.scaler.most:
            key, value = "ProvisionedPollerConfig", "none"
            if provisioned is not None:
                key, value = f"{key}.MinimumPollers", f"{provisioned.minimum_pollers}"
            a_minute = self.config.pollers.a_minute
            text = f"had pollers added at {a_minute:,} a minute, no faster, though messages waited"
            self._acts(key.split(".")[-1], f"{self.path}.{key}", value, text)
            return
        key, value = "event source mapping", f"{self.scaler.most:,} invocations at a time"
        if provisioned is not None:
            key = "ProvisionedPollerConfig.MaximumPollers"
            value = f"{provisioned.maximum_pollers}"
        elif self.config.capped is not None:
            key, value = "MaximumConcurrency", f"{self.config.capped}"
        path = f"{self.path}.{self._place(key)}" if key[0].isupper() else ""
        text = "was reached, though messages waited"
        self._acts(key.split(".")[-1], path, value, text)

    def _place(self, key: str) -> str:
        nested = key == "MaximumConcurrency" and self.config.maximum_concurrency is None
        return f"ScalingConfig.{key}" if nested else key

    def _acts(self, key: str, path: str, value: str, what: str) -> None:
        for i, limit in enumerate(self.limits):
            if limit.key == key:
                self.limits[i] = limit._replace(times=limit.times + 1, last_s=self.now_s)
                return
        self.limits.append(Limit(key, path, value, "", what, 1, self.now_s, self.now_s))

    def _have(self, n: int) -> None:
        """Have so many pollers that go on."""
        consumers = self.state.consumers
        stopping = [c for c in range(self.size) if self.alive(c) and consumers.stopping[c]]
        going = [c for c in range(self.size) if self.alive(c) and not consumers.stopping[c]]
        for c in stopping[: max(0, n - len(going))]:
            self.stay(c)
            going.append(c)
        for c in range(self.size):
            if len(going) >= n:
                break
            if not self.alive(c):
                super().restart(c)
                super().slow(c, self.factor)
                going.append(c)
        self.alive_most = max(self.alive_most, len(going))
        going.sort(key=lambda c: (int(consumers.resting[c]), c))
        for c in going[n:]:
            super().terminate(c)

    def slow(self, c: int, factor: float) -> None:
        """Slow the function: all invocations, from now on."""
        self.factor = factor
        for each in range(self.size):
            super().slow(each, factor)

    def crash(self, c: int) -> None:
        """AWS replaces a poller at once."""

    def restart(self, c: int) -> None:
        """Likewise."""

    def terminate(self, c: int) -> None:
        """Likewise."""

    def pause(self, c: int, for_s: float) -> None:
        """Likewise."""

    def cut_off(self, c: int) -> None:
        """Likewise."""

    def reconnect(self, c: int) -> None:
        """Likewise."""

    def told_in(self, outcome: GroupOutcome) -> GroupOutcome:
        """An outcome with what Lambda's scaling adds to it."""
        return replace(
            outcome,
            consumers=self.alive_most,
            requests={**outcome.requests, "invoke": self.state.function.invocations},
            limits=[*outcome.limits, *self.limits],
            happened=[*outcome.happened, *self._happened(outcome.group)],
        )

    def _happened(self, queue: str) -> Iterator[tuple[float, float, str]]:
        function, limits = self.state.function, self.state.limits
        if function.given_up:
            first_s = float(limits.first_s[codes.LIMIT_THROTTLED])
            last_s = float(limits.last_s[codes.LIMIT_THROTTLED])
            yield (
                first_s,
                last_s,
                f"{queue}: {function.given_up:,} batches were received and never let into the "
                "function: each counts as a receive",
            )


def function_limit_keys(function: SqsFunction, path: str) -> Keys:
    """What AWS calls the limits of a function.

    Args:
        function: its configuration.
        path: of it, from the system.
    """
    reserved = function.reserved_concurrent_executions
    key = "ReservedConcurrentExecutions" if reserved else "account_concurrency"
    return {
        codes.LIMIT_THROTTLED: LimitKey(key, f"{path}.{key}", str(function.concurrency)),
        codes.LIMIT_TIMEOUT: LimitKey("Timeout", f"{path}.Timeout", written_s(function.timeout_s)),
        codes.LIMIT_HELD: LimitKey("BatchSize", f"{path}.BatchSize", str(function.batch_size)),
    }


def pollers(
    setup: Setup,
    config: SqsSystem,
    name: str,
    work_s: F32,
    feed: Feed,
    policy: BrokerPolicy,
    columns: Columns,
    bad: Poison | None,
) -> Pollers:
    """The pollers of a queue.

    Args:
        setup: of the system.
        config: of the system.
        name: of the queue.
        work_s: [messages] work that each message takes, s.
        feed: what the senders put in.
        policy: of the queue.
        columns: of its messages.
        bad: those on which the function fails.
    """
    its = config.queues[name].function
    assert its is not None
    start, most, a_minute = its.pollers
    places = setup.scaled(most)
    function = InvokedFunction(
        places,
        setup.pool(f"{name}.invoke", its.invoke),
        setup.pool(f"{name}.cold", its.cold_start),
    )
    function.invoked = True
    function.batch = its.batch_size
    function.window_s = float(its.maximum_batching_window_in_seconds)
    function.limit = setup.scaled(its.concurrency)
    function.retry_s = its.throttle_retry
    function.timeout_s = its.timeout_s
    function.reports = its.reports
    first = min(places, setup.scaled(start))
    made = Pollers(
        feed,
        work_s,
        first,
        policy,
        receive_latency_s=setup.pool(f"{name}.receive", config.latency.receive),
        ack_latency_s=setup.pool(f"{name}.delete", config.latency.delete),
        grid_s=setup.grid_s,
        capacity=places,
        columns=columns,
        poison=None if bad is None else for_kernel(bad),
        keep_repeats=repeats_kept(setup, name),
        function=function,
    )
    a_look = a_minute * _LOOK_S / 60.0 * setup.scenario.scale
    made.scaler = PollerScaler(first, places, a_look, its.back_off)
    made.path, made.config = f"queues.{name}.lambda", its
    return made
