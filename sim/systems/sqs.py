"""Amazon SQS on the queue mechanism: from attributes to senders, queues and workers.

Standard queues run on a kernel of their own, the fast one; FIFO queues (SF-…) and fair queues
(SS-14) on the general one, where a queue is not spread over servers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

import numpy as np
import simpy

from sim.engine.environment import SideBySide, Stage, Steps
from sim.engine.outcome import GroupOutcome
from sim.engine.system import Fleet, Setup, Take, capacity
from sim.engine.waits import Limit, Sent, SentOnly, Waits, of_kernel
from sim.foundation.arrays import F32, I32, NO_LIMIT
from sim.foundation.text import duration
from sim.injection.poison import Poison, poison
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes
from sim.queue import sqs_standard_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.broker_waits import BrokerWaits
from sim.queue.dead_letters import DeadLetters, own_feed
from sim.queue.delayed import Changes, Delayed, DelayedSent
from sim.queue.feed_kernel import Feed
from sim.queue.filtered import Filtered
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.queue.sqs_standard_waits import StandardWaits
from sim.queue.windows import QueueWindows
from sim.scenario.faults.settings import AttributesFault
from sim.scenario.load import Scenario
from sim.scenario.pipeline import edge_from
from sim.scenario.products.aws_lambda import A_RECEIVE, LONG_POLL_S
from sim.scenario.products.sqs import LONGEST_HIDDEN_S, SqsQueue, SqsSystem
from sim.scenario.products.sqs_dead_letters import is_linked, linked
from sim.systems.on_queue import QueueSystem, became, for_kernel
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.systems.sqs_dead_letters import Tasks, completed, linked_stages
from sim.systems.sqs_lambda import Pollers, function_limit_keys, pollers
from sim.systems.sqs_limits import spent_by_workers, standard_limits
from sim.traffic.messages import Messages

_ORDER = {
    "returned-first": codes.RETURNED_FIRST,
    "as-visible": codes.AS_VISIBLE,
    "fresh-first": codes.FRESH_FIRST,
}
_PLACE = {"returned-first": broker_codes.RETURNS, "as-visible": broker_codes.BACK}
"""Where a message of a fair queue comes back to, by its order."""
_DEDUPLICATED_S = 300.0
"""Deduplication interval of a FIFO queue (SF-03)."""
_NOISY_SHARE, _NOISY_LEAST = 0.1, 30
"""A tenant of a fair queue is noisy with more than a tenth of what is in flight, and 30 at least,
or with more than a tenth of the consumers' recent time (SS-14)."""
_RECENT_S = 60.0
"""What is recent: this span and the one before (an assumption; AWS says no number)."""


class Sqs(QueueSystem[Workers | Broker]):
    """A `sim.engine.system.System`: every queue gets each message that it lets in (SS-12).

    As from one SNS topic.
    """

    def __init__(self, setup: Setup, config: SqsSystem) -> None:
        messages = setup.messages
        self.config = config
        to = linked(config.queues)
        published = {q: c for q, c in config.queues.items() if q not in to.values()}
        self.published: Mapping[str, SqsQueue] = published or config.queues
        """Queues to which messages are sent; others get dead letters alone."""
        self.senders = Senders(
            messages.created_s,
            threads=setup.scaled(config.producer.threads),
            batch=config.producer.batch,
            latency_s=setup.pool("send", config.latency.send),
            delay_s=None
            if messages.seq is None or not config.producer.delay_per_state
            else messages.seq.astype(np.float64) * config.producer.delay_per_state,
            calls_per_s=min(c.calls_per_s for c in self.published.values()),
        )
        self.passed = messages.of_each({q: c.filter_policy for q, c in self.published.items()})
        """[passed] messages that pass the filter policy of a queue that has one, ascending."""
        self.let_in = setup.that_wait(self.passed)
        """[let in] messages of a queue that gets only some, ascending."""
        routed = {q: rows for q, rows in self.let_in.items() if is_linked(q, to)}
        self.let_in = {q: rows for q, rows in self.let_in.items() if q not in routed}
        filters = {q: Filtered(self.senders.feed, rows) for q, rows in self.let_in.items()}
        queues: dict[str, Workers | Broker] = {}
        delayed: dict[str, Delayed] = {}
        for queue, c in config.queues.items():
            work_s = setup.work_s(queue, c.does)
            its, feed, rows = setup, self.senders.feed, self.let_in.get(queue)
            bad = poison(setup, queue, rows) if queue in config.readers else None
            if rows is not None:
                its, work_s = replace(setup, messages=messages.only(rows)), work_s[rows]
                feed = filters[queue].feed
                bad = None if bad is None else bad.numbered_in(rows)
            if is_linked(queue, to):
                feed = own_feed()
            if changes := _delays(setup, config, queue):
                delayed[queue] = Delayed(feed, changes, retroactive=c.fifo_queue)
                feed = delayed[queue].feed
            make = _standard if _is_standard(setup, queue, c) else _general
            queues[queue] = make(its, config, queue, work_s, feed, bad)
        sent: dict[str, Sent] = {
            queue: SentOnly(self.senders, self.let_in[queue])
            if queue in self.let_in
            else self.senders
            for queue in queues
        }
        for queue, its_delays in delayed.items():
            sent[queue] = DelayedSent(sent[queue], its_delays)
        keys = {queue: _limit_keys(setup, config, queue) for queue in queues}
        asked_s = {
            queue: 0.0 if queue in delayed else float(c.delay_seconds)
            for queue, c in config.queues.items()
        }
        super().__init__(setup, queues, sent=sent, keys=keys, asked_s=asked_s)
        brokers = {name: q for name, q in queues.items() if isinstance(q, Broker)}
        self.links = {
            name: stage
            for stage in linked_stages(setup, config, brokers, self.senders.feed, routed)
            for name in stage.queues
        }
        """Of each queue between which and others messages go, the stage of them all."""
        stages = list(dict.fromkeys(self.links.values()))
        if stages:
            others = [queue for name, queue in queues.items() if name not in self.links]
            self.readers = SideBySide([*stages, *others], setup.total, messages.duration_s)
        self.tasks = Tasks(setup, config, stages)
        self.live = messages
        self.windows: QueueWindows | None = None
        """Where messages come window by window."""
        if setup.windows is not None:
            standard = {name: q for name, q in queues.items() if isinstance(q, Workers)}
            self.windows = QueueWindows(self.senders, standard, setup.total, setup.grid_s)
        between: list[Stage] = [*filters.values(), *delayed.values()]
        self.stages: Sequence[Stage] = [self.senders, *between, self.readers]

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """The workers of every queue; tells of messages that none gets, and of workers killed."""
        if len(self.passed) == len(self.published):
            somewhere = np.unique(np.concatenate(list(self.passed.values()))).size
            if dropped := len(self.setup.messages) - somewhere:
                say(f"{dropped:,} messages pass no filter policy and are dropped")
        for name, queue in self.queues.items():
            if isinstance(queue, Workers) and queue.queue.has_poison:
                env.process(_tell_deaths(env, name, queue, say))
        for queue in self.queues.values():
            if isinstance(queue, Pollers):
                env.process(queue.scaling(env))
        for name in self.queues:
            for fault in _setting(self.setup, name):
                env.process(_set_later(env, name, self.queues, fault, say))
        self.tasks.start(env, say)
        fleets = super().control(env, say)
        return {name: fleet for name, fleet in fleets.items() if name in self.config.readers}

    def total(self) -> int:
        """As `QueueSystem.total`; a message that goes from queue to queue is one."""
        return self._sum(lambda queue: queue.total, lambda links: links.total())

    def settled(self) -> int:
        """As `QueueSystem.settled`, or in a dead-letter queue that nobody empties."""
        return self._sum(lambda queue: queue.settled(), lambda links: links.settled())

    def _sum(
        self, of_queue: Callable[[Workers | Broker], int], of_links: Callable[[DeadLetters], int]
    ) -> int:
        alone = (queue for name, queue in self.queues.items() if name not in self.links)
        together = dict.fromkeys(self.links.values())
        return sum(map(of_queue, alone)) + sum(map(of_links, together))

    def done(self) -> bool:
        """As `QueueSystem.done`; nor is anything to be moved back."""
        return not self.tasks.open and super().done()

    def waits_of(self, name: str, queue: Broker) -> Waits:
        """As `QueueSystem.waits_of`, since each message came into the first of its queues."""
        if name not in self.links:
            return super().waits_of(name, queue)
        delay_s = self.asked_s[name]
        return BrokerWaits(queue, self.senders, delay_s, self.senders.visible_s(0.0))

    def completed(self, name: str, queue: Broker, outcome: GroupOutcome) -> GroupOutcome:
        """As `QueueSystem.completed`: messages that have left it, and how they came back."""
        if name not in self.links:
            return outcome
        outcome = replace(outcome, limits=[*outcome.limits, *self.tasks.limits(name)])
        return completed(self.links[name], name, outcome)

    def roll_on(self, now_s: float, following: Messages, take: Take) -> None:
        """As `sim.engine.system.Rolling.roll_on`."""
        windows = self.windows
        assert windows is not None, "all messages are known"
        windows.note(now_s)
        for queue in windows.queues.values():
            queue.settle()
        final, rows = windows.final()
        for name, queue in windows.queues.items():
            its = became(queue)._replace(waits=self._waits(name, queue))
            take(name, self.live, its, final)
        work_s = [self.setup.work_s(name, self.config.queues[name].does) for name in self.queues]
        windows.forget(final, rows, following.created_s, work_s)
        self.live = self.live.rolled_on(final, following)

    def sending_limits(self) -> Iterator[Limit]:
        """That all senders were in calls, or that a queue's quota held their calls up."""
        state, queues = self.senders.state, self.published
        yield from of_kernel(
            state.busy,
            "threads",
            f"{self.config.producer.threads}",
            "all senders were in calls while messages waited to be sent",
            path="producer.threads",
        )
        least = min(queues, key=lambda queue: queues[queue].calls_per_s)
        yield from of_kernel(
            state.throttled,
            "FifoThroughputLimit",
            f"{queues[least].fifo_throughput_limit}",
            f"took {queues[least].calls_per_s:g} send calls a second",
            path=f"queues.{least}.FifoThroughputLimit",
        )

    def _waits(self, name: str, queue: Workers) -> StandardWaits:
        delay_s = float(self.config.queues[name].delay_seconds)
        return StandardWaits(queue, self.sent[name], delay_s)

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each queue's outcome, with the calls that AWS bills."""
        if self.windows is not None:
            self.windows.note(np.nextafter(ended_s, inf))
            self.enqueued = self.windows.enqueued
        for name in [name for name in self.queues if name not in self.config.readers]:
            self.queues.pop(name).audit()
        queues = dict(self.queues)
        for outcome in super().outcomes(ended_s):
            sent = 0 if self._gets_letters_only(outcome.group) else self.senders.calls
            outcome = replace(outcome, requests={**outcome.requests, "send": sent})
            if outcome.group in self.let_in:
                outcome = replace(outcome, rows=self.let_in[outcome.group])
            queue = queues.pop(outcome.group)
            if isinstance(queue, Pollers):
                outcome = queue.told_in(outcome)
            elif isinstance(queue, Broker) and self.config.queues[outcome.group].changes_visibility:
                requests = {**outcome.requests, "change visibility": queue.state.beats}
                outcome = replace(outcome, requests=requests)
            elif isinstance(queue, Workers):
                name, spent_s = outcome.group, spent_by_workers(queue)
                outcome = replace(
                    outcome,
                    waits=self._waits(name, queue),
                    limits=[
                        *outcome.limits,
                        *standard_limits(name, self.config.queues[name], queue, spent_s),
                    ],
                    spent_by_consumers=spent_s,
                )
            yield outcome

    def _gets_letters_only(self, name: str) -> bool:
        return name in self.links and name in self.links[name].to.values()


def _tell_deaths(
    env: simpy.Environment, name: str, workers: Workers, say: Callable[[str], None]
) -> Steps:
    """Look every second for workers that a message killed."""
    told = 0
    while True:
        yield env.timeout(1.0)
        deaths = workers.deaths(told)
        told += len(deaths)
        for worker in deaths:
            say(f"{name}: worker {worker} killed by a message")


def _setting(setup: Setup, name: str) -> list[AttributesFault]:
    """The faults that set attributes of a queue anew, in order."""
    struck = [
        fault
        for fault in setup.scenario.faults
        if isinstance(fault, AttributesFault) and fault.strikes_group(setup.name, name)
    ]
    return sorted(struck, key=lambda fault: fault.at)


def _delays(setup: Setup, config: SqsSystem, name: str) -> Changes:
    """How long a queue delays from when on, as a message is sent; empty: that is not set anew."""
    set_anew = [
        (fault.holds_s - config.latency.fanout, float(fault.delay_seconds))
        for fault in _setting(setup, name)
        if fault.delay_seconds is not None
    ]
    return [(-inf, float(config.queues[name].delay_seconds)), *set_anew] if set_anew else []


def _is_standard(setup: Setup, name: str, queue: SqsQueue) -> bool:
    """Whether it runs on the fast kernel, which knows one length of locks alone.

    Nor does it know of workers that wait for the next stage of a pipeline.
    """
    config = setup.scenario.systems[setup.name]
    assert isinstance(config, SqsSystem)
    together = is_linked(name, linked(config.queues))
    waits = edge_from(setup.scenario.pipeline, setup.name, name) is not None
    return queue.plain and not together and not waits and not _setting(setup, name)


def _set_later(
    env: simpy.Environment,
    name: str,
    queues: Mapping[str, Workers | Broker],
    fault: AttributesFault,
    say: Callable[[str], None],
) -> Steps:
    """Have attributes that are set take effect, in the order in which they do (SS-17)."""
    redrive, kept = fault.redrive_policy, fault.message_retention_period
    changes: list[tuple[float, dict[str, float]]] = []
    soon: dict[str, float] = {}
    if fault.visibility_timeout is not None:
        soon["lock_s"] = float(fault.visibility_timeout)
    if redrive is not None:
        soon["max_receives"] = redrive.max_receive_count
    if soon or fault.delay_seconds is not None:
        changes.append((fault.holds_s, soon))
    if kept is not None:
        changes.append((fault.retention_holds_s, {"retention_s": float(kept)}))
    for at_s, knobs in changes:
        yield env.timeout(at_s - env.now)
        queue = queues[name]
        assert isinstance(queue, Broker), "the fast kernel has one length of locks"
        queue.alter(**knobs)  # type: ignore[arg-type]
        if at_s > fault.at:
            say(f"{name}: the attributes that were set take effect")


def _standard(
    setup: Setup,
    config: SqsSystem,
    name: str,
    work_s: F32,
    feed: Feed,
    bad: Poison | None,
) -> Workers:
    """A standard queue, on the fast kernel."""
    queue = config.queues[name]
    assert queue.workers is not None
    workers = setup.scaled(queue.workers)
    return Workers(
        feed,
        work_s,
        capacity(setup, name, workers),
        _policy(queue, config, setup.scenario),
        servers=config.servers,
        receive_latency_s=setup.pool(f"{name}.receive", config.latency.receive),
        delete_latency_s=setup.pool(f"{name}.delete", config.latency.delete),
        grid_s=setup.grid_s,
        keep_repeats=repeats_kept(setup, name),
        started=workers,
        poison=bad,
    )


def _general(
    setup: Setup,
    config: SqsSystem,
    name: str,
    work_s: F32,
    feed: Feed,
    bad: Poison | None,
) -> Broker:
    """A FIFO queue or a fair one, or one that Lambda empties, or whose workers set timeouts."""
    queue, messages = config.queues[name], setup.messages
    to = linked(config.queues)
    columns = Columns(linked=is_linked(name, to))
    if queue.message_group_id is not None:
        group_of, groups = messages.keys_by(queue.message_group_id)
        group = group_of[messages.entity]
        same = _deduplicated(queue, messages, group)
        columns = columns._replace(lane=group, lanes=len(groups), same=same)
    policy = _general_policy(queue, _policy(queue, config, setup.scenario))
    policy.moves = int(name in to)
    if _delays(setup, config, name):
        policy.delay_s = config.latency.fanout  # the rest is over once a message is in the feed
    if name in to.values() and not queue.fifo_queue:
        policy.retention_s = inf  # counts from elsewhere: `DeadLetters.lives_s`
    if queue.function is not None:
        return pollers(setup, config, name, work_s, feed, policy, columns, bad)
    assert queue.workers is not None
    workers = setup.scaled(queue.workers) if queue.workers else 0
    return Broker(
        feed,
        work_s,
        workers,
        policy,
        receive_latency_s=setup.pool(f"{name}.receive", config.latency.receive),
        ack_latency_s=setup.pool(f"{name}.delete", config.latency.delete),
        grid_s=setup.grid_s,
        capacity=capacity(setup, name, workers) if workers else 0,
        columns=columns,
        poison=for_kernel(bad) if workers and bad is not None else None,
        keep_repeats=repeats_kept(setup, name) if workers else 0,
    )


def _limit_keys(setup: Setup, config: SqsSystem, name: str) -> Keys:
    """What AWS calls the limits of a FIFO queue or a fair one, or of one that Lambda empties."""
    queue, here, n = config.queues[name], f"queues.{name}", broker_codes
    if _is_standard(setup, name, queue):
        return {}

    def attribute(key: str, value: object) -> LimitKey:
        return LimitKey(key.split(".")[-1], f"{here}.{key}", str(value))

    said = _as_set(setup, name, queue)
    lock = attribute("VisibilityTimeout", said["VisibilityTimeout"])
    keys = {
        n.LIMIT_LOCK_HELD: lock,
        n.LIMIT_LOCK_GONE: lock,
        n.LIMIT_EXPIRED: attribute("MessageRetentionPeriod", said["MessageRetentionPeriod"]),
        n.LIMIT_IN_FLIGHT: attribute("max_in_flight", queue.max_in_flight),
        n.LIMIT_CALLS: attribute("FifoThroughputLimit", queue.fifo_throughput_limit),
    }
    if queue.changes_visibility and queue.function is None:
        keys.update(_visibility_keys(queue, attribute))
    if queue.message_group_id is not None:
        groups = len(setup.messages.keys_by(queue.message_group_id)[1])
        keys[n.LIMIT_LINE] = attribute("MessageGroupId", f"{groups:,} message groups")
    if queue.function is None:
        keys[n.LIMIT_HELD] = attribute("MaxNumberOfMessages", queue.max_number_of_messages)
        keys[n.LIMIT_BUSY] = attribute("workers", queue.workers)
    else:
        keys.update(function_limit_keys(queue.function, f"{here}.lambda"))
    if said["maxReceiveCount"]:
        keys[n.LIMIT_RECEIVES] = attribute("RedrivePolicy.maxReceiveCount", said["maxReceiveCount"])
    return keys


def _as_set(setup: Setup, name: str, queue: SqsQueue) -> dict[str, str]:
    """Attributes that can be set anew, as they are, and as they are from when on."""
    redrive = queue.redrive_policy
    said = {
        "VisibilityTimeout": [written_s(queue.visibility_timeout)],
        "MessageRetentionPeriod": [written_s(queue.message_retention_period)],
        "maxReceiveCount": [] if redrive is None else [f"{redrive.max_receive_count}"],
    }
    for fault in _setting(setup, name):
        when, much_later = f"from {duration(fault.holds_s)} on", duration(fault.retention_holds_s)
        if fault.visibility_timeout is not None:
            said["VisibilityTimeout"].append(f"{written_s(fault.visibility_timeout)} {when}")
        if fault.redrive_policy is not None:
            count = fault.redrive_policy.max_receive_count
            said["maxReceiveCount"].append(f"{count} {when}")
        if (kept := fault.message_retention_period) is not None:
            said["MessageRetentionPeriod"].append(f"{written_s(kept)} from {much_later} on")
    return {key: ", ".join(values) for key, values in said.items()}


def _visibility_keys(queue: SqsQueue, attribute: Callable[[str, object], LimitKey]) -> Keys:
    """What the limits are called that `ChangeMessageVisibility` sets."""
    keys = {}
    if (after_s := queue.terminate_visibility_timeout) is not None:
        keys[broker_codes.LIMIT_FAILED] = attribute(
            "terminateVisibilityTimeout", written_s(after_s)
        )
    if queue.heartbeat is not None:
        every_s, for_s = queue.heartbeat.interval, queue.extended_s
        interval = attribute("heartbeat.interval", written_s(every_s))
        extended = attribute("heartbeat.VisibilityTimeout", written_s(for_s))
        interval = interval._replace(name="heartbeat.interval")
        extended = extended._replace(name="heartbeat.VisibilityTimeout")
        if queue.heartbeat.visibility_timeout is None:
            extended = attribute("VisibilityTimeout", written_s(for_s))
        in_time = every_s < min(for_s, queue.visibility_timeout)
        keys[broker_codes.LIMIT_LOCK_HELD] = extended if in_time else interval
        keys[broker_codes.LIMIT_LOCK_GONE] = extended
        keys[broker_codes.LIMIT_LOCK_MOST] = interval._replace(
            name="12 hours from a receive", value=written_s(LONGEST_HIDDEN_S)
        )
    return keys


def _deduplicated(queue: SqsQueue, messages: Messages, group: I32) -> I32 | None:
    """[messages] number of the deduplication id; None: every message has its own."""
    if queue.message_deduplication_id is None:
        return None
    id_of, ids = messages.keys_by(queue.message_deduplication_id)
    same = id_of[messages.entity]
    if queue.deduplication_scope == "queue":
        return same
    _, same_in_group = np.unique(group.astype(np.int64) * len(ids) + same, return_inverse=True)
    return np.asarray(same_in_group, np.int32)


def _general_policy(queue: SqsQueue, standard: StandardPolicy) -> BrokerPolicy:
    fifo, grouped = queue.fifo_queue, queue.message_group_id is not None
    return broker_policy(
        batch=standard.batch,
        wait_s=standard.wait_s,
        ack_every=standard.per_delete,
        per_batch_s=standard.per_batch_s,
        lock_s=standard.visibility_s,
        beat_s=inf if queue.heartbeat is None else float(queue.heartbeat.interval),
        beat_lock_s=0.0 if queue.heartbeat is None else queue.extended_s,
        lock_most_s=LONGEST_HIDDEN_S,
        failed_lock_s=inf
        if queue.terminate_visibility_timeout is None
        else float(queue.terminate_visibility_timeout),
        # A FIFO queue refuses the receipt of a message whose visibility timeout has ended.
        late_ack=int(not fifo),
        any_copy=standard.stale_deletes,
        place=broker_codes.ORIGINAL if fifo else _PLACE[queue.order],
        pick=broker_codes.GROUPS if fifo else broker_codes.FAIR if grouped else broker_codes.ONE,
        look_ahead=queue.look_ahead,
        noisy_share=_NOISY_SHARE,
        noisy_least=_NOISY_LEAST,
        recent_s=_RECENT_S,
        max_receives=standard.max_receives,
        # Going on after a failure would break the order that the queue is there for.
        stop_batch=int(fifo),
        dead_letters=1,
        max_in_flight=standard.max_in_flight,
        dedup_s=_DEDUPLICATED_S,
        calls_per_s=queue.calls_per_s,
        retention_s=standard.retention_s,
        delay_s=standard.delay_s,
    )


def _wait_s(queue: SqsQueue) -> float:
    """How long a receive waits for a message, s."""
    if queue.function is not None:
        return LONG_POLL_S
    return float(queue.receive_message_wait_time_seconds)


def _policy(queue: SqsQueue, config: SqsSystem, scenario: Scenario) -> StandardPolicy:
    redrive, batch, wait_s = queue.redrive_policy, queue.batch, _wait_s(queue)
    whole = queue.delete == "batch" or queue.function is not None
    return StandardPolicy(
        batch=batch if queue.function is None else min(batch, A_RECEIVE),
        per_delete=batch if whole else 1,
        per_batch_s=scenario.workload.per_batch_s(queue.does),
        visibility_s=float(queue.visibility_timeout),
        wait_s=wait_s,
        max_receives=NO_LIMIT if redrive is None else redrive.max_receive_count,
        max_in_flight=queue.max_in_flight,
        retention_s=float(queue.message_retention_period),
        asked=min(config.servers_asked, config.servers),
        delay_s=config.latency.fanout + queue.delay_seconds,
        order=_ORDER[queue.order],
        stale_deletes=int(queue.stale_receipt == "deletes"),
    )
