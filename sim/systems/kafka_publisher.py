"""A publisher in front of a Kafka topic: one process and its client, and what happens to them."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import simpy

from sim.engine.acted_kernel import Acted, note
from sim.engine.environment import Steps
from sim.engine.held_up import Taken
from sim.engine.outcome import Fate, Publication
from sim.engine.system import LOOKS, Setup
from sim.engine.waits import LINGERED, Limit, of_kernel
from sim.foundation.arrays import F64, I32, U8, Bools
from sim.log.kafka_metadata import next_refresh_s
from sim.log.partition_counts import PartitionCounts
from sim.log.topic import by_partition
from sim.measure.alarms import alarms
from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_client import Client
from sim.producer.kafka_client_state_kernel import ClientLimits
from sim.producer.kafka_client_waits import Ways
from sim.scenario.pipeline import awaited
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_publisher import Publisher
from sim.traffic.generate import pool

if TYPE_CHECKING:
    import pandas as pd


class KafkaPublisher:
    """Stage of the data plane: a process that sends a record for each message.

    As `sim.engine.system.PublisherProcess`, what faults do to it; the verbs act at the time to
    which the stage was last advanced. What the brokers have stored is the client's journal.
    """

    def __init__(
        self, setup: Setup, config: KafkaSystem, partition_of: I32, partitions: int
    ) -> None:
        """
        Args:
            setup: of the system; its messages are the publisher's input.
            config: of the system, with a publisher.
            partition_of: [messages] where the record of each goes, as it is at first.
            partitions: the most that there will be.
        """
        assert config.publisher is not None
        self.setup = setup
        self.config = config
        self.publisher = config.publisher
        self.client = _client(setup, config, partition_of, partitions)
        self.client.stand(setup.messages.waiting)
        if awaited(setup.scenario.pipeline, setup.name):
            self.client.state.app.returned_s = np.full(len(setup.messages), np.inf)
        self.now_s = 0.0
        self.ended_s = np.inf
        """When it was first seen to have nothing left to do, s; inf: not yet."""
        self._ways: Ways | None = None
        """As of when they were last asked for."""
        first = config.producer.first_metadata_refreshes
        self.asks_s = 0.0 if first is None else first[0]
        """A time at which its client asks for metadata."""
        self.knows: Callable[[], I32] | None = None
        """Tells where messages go by what there is now, [messages]; None: partitions stay."""
        self.unaware = Acted()
        """Times that partitions were added, from then until it asked."""
        self.expected: list[simpy.Process] = []
        """Processes of control that act on it."""

    @property
    def ended(self) -> bool:
        """Whether it has nothing left to do."""
        return self.ended_s < np.inf

    def advance(self, until_s: float) -> None:
        """Carry the process, its client and what is on its way to ``until_s``."""
        self.now_s = until_s
        if self.ended:
            self.client.time_out(until_s)  # what it left open is aborted all the same
        else:
            self.client.advance(until_s)

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, by when a record of each can be read."""
        if self._ways is None or self._ways.entries < self.client.state.journal.entries:
            self._ways = self.client.ways()
        return self._ways.sent_parts_s(first, last, entered_s)

    def watch(self, env: simpy.Environment) -> Steps:
        """Process: look now and then whether it has nothing left to do, or is dead for good."""
        duration_s = self.setup.messages.duration_s
        while not self.ended:
            yield env.timeout(duration_s / LOOKS)
            expected = any(process.is_alive for process in self.expected)
            dead = not self.alive() and not expected and env.now > duration_s
            dead = dead and self.client.back_s == np.inf
            if self.client.settled or dead:
                self.ended_s = env.now

    def learn(
        self,
        env: simpy.Environment,
        at_s: float,
        counts: PartitionCounts,
        by_count: Callable[[int], I32],
    ) -> Steps:
        """Process: partitions are added at ``at_s``, and its client uses them once it has asked.

        What it has in hand stays where it is; so does, in the lab, what it sends again of what it
        had sent before, unless it is a new process.
        """
        self.knows = lambda: by_count(counts.at(env.now))
        yield env.timeout(at_s)
        age_s = self.config.producer.metadata_s
        due_s = next_refresh_s(at_s, self.asks_s, age_s)
        while due_s > env.now:
            if due_s == np.inf:
                return
            yield env.timeout(due_s - env.now)
            due_s = next_refresh_s(at_s, self.asks_s, age_s)  # a new process has a new phase
        if self.alive():
            note(self.unaware, at_s, env.now, 1)
            self._look_again()

    def _look_again(self) -> None:
        """Send what is yet to be sent to where it goes by what there is now."""
        if self.knows is not None:
            source, row = self.client.state.source, int(self.client.state.app.position)
            now, partition_of = self.knows(), np.asarray(source.partition_of).copy()
            partition_of[row:] = now[row:]
            source.partition_of = partition_of

    def taken(self, waits_for: str) -> Taken:
        """When send() returned, or its future was done.

        Of a record that failed in the client that is at delivery.timeout.ms after send().
        """
        returned_s = np.asarray(self.client.state.app.returned_s)
        if waits_for == "buffer":
            return Taken(returned_s, np.zeros(returned_s.size))
        acked_s, status = self.client.acked_s.copy(), self.client.status
        transactional = self.publisher.transactional
        failed_s = returned_s + self.config.producer.delivery_timeout_s(transactional)
        failed = (status == codes.FAILED) & (acked_s == np.inf)
        acked_s[failed] = failed_s[failed]
        rejected = status == codes.REJECTED
        acked_s[rejected] = returned_s[rejected]
        trip_s = np.where(acked_s < np.inf, acked_s, 0.0) - np.where(
            acked_s < np.inf, returned_s, 0.0
        )
        return Taken(acked_s, trip_s)

    # What happens to it.

    def alive(self) -> bool:
        """Whether it runs; one whose signal handler is still at work does."""
        return self.client.alive

    def crash(self) -> None:
        """SIGKILL: what has not reached a broker is lost (KP-15)."""
        self.client.sigkill(self.now_s)

    def terminate(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace; a handler, if it has one, finishes the work."""
        self.client.sigterm(self.now_s, grace_s, handlers="SIGTERM" in self.publisher.handlers)

    def interrupt(self) -> None:
        """SIGINT (Ctrl+C)."""
        handlers = self.publisher.handlers
        self.client.sigint(
            self.now_s, handlers="SIGINT" in handlers, atexit_flush="exit" in handlers
        )

    def exit(self) -> None:
        """The main function ends."""
        self.client.exit_normally(self.now_s, atexit_flush="exit" in self.publisher.handlers)

    def restart(self) -> None:
        """Start a new process in the place of a dead one; it reads on from its last commit."""
        if not self.alive():
            self.client.restart(self.now_s)
            self.asks_s = self.now_s
            self._look_again()

    def expect(self, process: simpy.Process) -> None:
        """Be told of a process of control: while it goes on, a dead publisher may come back."""
        self.expected.append(process)

    def publication(self, ended_s: float, kept: Bools, fate: U8) -> Publication:
        """What became of it.

        Args:
            ended_s: end of the run, s.
            kept: [entries] of the journal that no election cut off.
            fate: [messages] a `Fate`: how a message was lost before it could be read.
        """
        ended_s = min(ended_s, self.ended_s)
        self.client.finish(ended_s)
        buffer = _buffer(self.setup, self.client, ended_s)
        limit = self.publisher.alarm_over
        over = alarms(buffer["t_s"].to_numpy(), buffer["remaining"].to_numpy(), limit)
        happened = [(t, until, f"alarm: over {limit:,} in the client") for t, until in over]
        return Publication(
            _summary(self.setup.name, self.config, self.client, kept, fate),
            buffer,
            [*happened, *_told_of_fences(self.client.fenced_s, self.publisher)],
            [*_limits(self.config, self.client.state.limits), *self._metadata_limit()],
        )

    def _metadata_limit(self) -> Iterator[Limit]:
        producer = self.config.producer
        key, age_ms = producer.metadata_key, producer.metadata_s * 1e3
        what = "the client did not know of partitions that had been added"
        yield from of_kernel(self.unaware, key, f"{age_ms:.10g}", what, path=f"producer.{key}")


def _client(setup: Setup, config: KafkaSystem, partition_of: I32, partitions: int) -> Client:
    publisher, messages = config.publisher, setup.messages
    assert publisher is not None
    uniform = setup.stream("brokers").random(1 << 16)
    work_s = pool(setup.scenario, "publisher", publisher.per_message)
    if config.ceilings.apply:
        work_s = work_s + config.ceilings.producer
    return Client(
        messages.created_s,
        partition_of,
        partitions,
        messages.size_bytes,
        producer=config.producer,
        publisher=publisher,
        commit_s=config.latency.commit,
        process_s=work_s if work_s.size == 1 else np.resize(work_s, len(messages)),
        brokers=config.brokers.count,
        latency_s=pool(setup.scenario, "produce", config.latency.produce),
        replicate_s=np.array(
            [config.brokers.replicate if config.topic.replication_factor > 1 else 0.0]
        ),
        uniform=uniform,
        jitter=uniform[::-1].copy(),
        grid_s=setup.grid_s,
        abort_interval_s=config.brokers.transaction_abort_interval_ms / 1e3,
        coordinator=coordinator_of(config),
    )


_FENCES_TOLD = 10
_ON_FENCED = {
    "exit": "ends",
    "replace": "makes a new producer, and reads again",
    "skip": "makes a new producer, and goes on without what was aborted",
}


def _told_of_fences(
    fenced_s: Sequence[float], publisher: Publisher
) -> Iterator[tuple[float, float, str]]:
    """The first times that a producer was fenced, and how many more there were (KP-20)."""
    then = _ON_FENCED[publisher.on_fenced]
    for at_s in fenced_s[:_FENCES_TOLD]:
        yield (
            at_s,
            at_s,
            f"its transaction was aborted and its producer fenced: the publisher {then}",
        )
    if more := fenced_s[_FENCES_TOLD:]:
        yield more[0], more[-1], f"the publisher's producer is fenced {len(more):,} times more"


def coordinator_of(config: KafkaSystem) -> int:
    """The broker that coordinates the transactions of the producer, by the hash of its id.

    ``TransactionStateManager.partitionFor``, with 50 partitions of __transaction_state
    (``transaction.state.log.num.partitions``), led as any others.
    """
    name = config.producer.transactional_id or "publisher"
    code = 0
    for unit in memoryview(name.encode("utf-16-le")).cast("H"):
        code = (31 * code + unit) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % 50 % config.brokers.count


def _limits(config: KafkaSystem, acted: ClientLimits) -> Iterator[Limit]:
    """Which limits of a client, its application and its topic acted."""
    assert config.publisher is not None
    producer, transactional = config.producer, config.publisher.transactional
    java, key = producer.client == "java", producer.buffer_key
    full = "was full: send() waited for room"
    if not java:
        full = "was full: produce() raised BufferError, and the record was not sent"
    of_producer = (
        (acted.full_records, "queue.buffering.max.messages", producer.buffer_records, full),
        (acted.full_bytes, key, producer.buffer_bytes // (1 if java else 1024), full),
        (
            acted.rejected if java else Acted(),
            "max.block.ms",
            producer.block_s * 1e3,
            "send() waited so long for room, and gave the record back",
        ),
        (
            acted.expired,
            "delivery.timeout.ms",
            producer.delivery_timeout_s(transactional) * 1e3,
            "records were not delivered in time, and given up",
        ),
        (
            acted.tried_out,
            "retries",
            producer.most_retries,
            "records were sent again so often, and given up",
        ),
        (
            acted.overdue,
            "request.timeout.ms",
            producer.request_timeout_s * 1e3,
            "a request had no answer in time, and its connection was given up",
        ),
        (
            acted.crowded,
            "max.in.flight.requests.per.connection",
            producer.in_flight(transactional),
            "batches waited until a request before them was answered",
        ),
        (acted.lingered, "linger.ms", producer.linger_ms, LINGERED),
        (
            acted.late_transactions,
            "transaction.timeout.ms",
            producer.transaction_timeout_s * 1e3,
            "transactions were open for longer, were aborted, and their producer fenced",
        ),
    )
    for met, name, value, what in of_producer:
        yield from of_kernel(met, name, f"{value or 0:.10g}", what, path=f"producer.{name}")
    yield from of_kernel(
        acted.left_open,
        "transactional.id",
        f"{producer.transactional_id}",
        "a transaction was left open, as the next process had another id",
        path="producer.transactional.id",
    )
    yield from of_kernel(
        acted.refused,
        "min.insync.replicas",
        f"{config.topic.min_insync_replicas}",
        "batches were refused while fewer replicas were in sync",
        path="topic.min.insync.replicas",
    )
    yield from of_kernel(
        acted.unflushed,
        "flush_timeout",
        f"{config.publisher.flush_timeout:.10g}s",
        "a flush ended with records still in the client",
        path="publisher.flush_timeout",
    )


def _summary(
    name: str, config: KafkaSystem, client: Client, kept: Bools, fate: U8
) -> "pd.DataFrame":
    import pandas as pd

    assert config.publisher is not None
    journal = client.journal
    valid = np.repeat(kept & (journal.visible_s < np.inf), journal.n)
    message = journal.row[valid]
    partition = np.repeat(journal.partition, journal.n)[valid]
    fates = np.bincount(fate, minlength=len(Fate))
    acked_s = client.acked_s[client.acked_s < np.inf]
    last_s = float(acked_s.max(initial=0.0))
    partitions = client.partitions
    rows = message[by_partition(partition, partitions)]
    reordered = 0
    ends = np.cumsum(np.bincount(partition, minlength=partitions))
    for here in np.split(rows, ends[:-1]):
        reordered += int((here < np.maximum.accumulate(here)).sum()) if here.size else 0
    times = np.bincount(message)
    return pd.DataFrame(
        [
            {
                "system": name,
                "client": config.producer.client,
                "alarm_over": config.publisher.alarm_over,
                "order": config.publisher.order,
                "accepted": int(client.sent.sum(dtype=np.int64)),
                "acked": int(acked_s.size),
                "appended": int(message.size),
                "duplicates_appended": int(message.size - np.count_nonzero(times)),
                "lost_buffer": int(fates[Fate.LOST_PRODUCER_BUFFER]),
                "lost_expired": int(fates[Fate.LOST_SEND_EXPIRED]),
                "lost_rejected": int(fates[Fate.LOST_REJECTED]),
                "lost_before_sending": int(fates[Fate.LOST_ACKED_BEFORE_PROCESSING]),
                "lost_failover": int(fates[Fate.LOST_BROKER_FAILOVER]),
                "reordered": reordered,
                "retries": client.state.batches.retries,
                "throughput": acked_s.size / last_s if last_s > 0 else 0.0,
            }
        ]
    )


def _buffer(setup: Setup, client: Client, ended_s: float) -> "pd.DataFrame":
    import pandas as pd

    t = setup.grid_s[setup.grid_s <= ended_s]
    return pd.DataFrame(
        {
            "system": setup.name,
            "t_s": t,
            "remaining": client.grid_remaining[: t.size],
            "committed": client.grid_committed[: t.size],
        }
    )
