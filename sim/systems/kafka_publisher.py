"""A publisher in front of a Kafka topic: its client, its brokers, and what happens to them.

Nothing flows back from the consumers, so this runs first, in an environment of its own, and leaves
the records that the topic then holds.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import simpy
from numpy.typing import NDArray

from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.engine.system import Setup, Upstream
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.log.topic import by_partition
from sim.measure.alarms import alarms
from sim.producer.kafka_client import Client
from sim.producer.kafka_client_kernel import RETRIES
from sim.scenario.products.kafka import KafkaSystem
from sim.systems.kafka import Published, partition_of
from sim.traffic.generate import pool

_TICKS = 200


@dataclass(frozen=True)
class Publication:
    """What a publisher did."""

    published: Published
    producer: pd.DataFrame
    """One row: see `sim.measure.tables.Tables.producer`."""
    buffer: pd.DataFrame
    """See `sim.measure.tables.Tables.buffer`."""
    happened: list[tuple[float, float, str]]
    """(from, until, text) of the faults, s."""


def publish(
    setup: Setup, config: KafkaSystem, progress: Callable[[float, int], None]
) -> Publication:
    """Run the publisher of a system until it has nothing left to do.

    Args:
        setup: of the system; its messages are the publisher's input.
        config: of the system, with a publisher.
        progress: told the time and the input offset committed.
    """
    publisher = config.publisher
    assert publisher is not None
    scenario, messages = setup.scenario, setup.messages
    uniform = setup.stream("brokers").random(1 << 16)
    work_s = pool(scenario, "publisher", publisher.per_message)
    client = Client(
        messages.created_s,
        partition_of(setup, config),
        setup.scaled(config.topic.partitions),
        messages.size_bytes,
        producer=config.producer,
        publisher=publisher,
        commit_s=config.latency.commit,
        process_s=work_s if work_s.size == 1 else np.resize(work_s, len(messages)),
        brokers=config.brokers.count,
        latency_s=pool(scenario, "produce", config.latency.produce),
        replicate_s=np.array(
            [config.brokers.replicate if config.topic.replication_factor > 1 else 0.0]
        ),
        uniform=uniform,
        jitter=uniform[::-1],
        grid_s=setup.grid_s,
    )
    env = Environment([client])
    cluster = _Cluster(client, config)
    timeline = Timeline(env)
    process = _Process(env, client, publisher.handlers)
    upstream = Upstream(process, _Brokers(env, client, cluster))
    schedule(env, scenario, setup.name, {}, messages.duration_s, timeline, upstream)
    horizon_s = messages.duration_s + scenario.drain_limit
    done = env.event()

    def watch() -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(messages.duration_s / _TICKS)
            progress(env.now, client.committed)
            dead = not client.alive and not any(end.is_alive for end in process.expected)
            if client.settled or (dead and env.now > messages.duration_s):
                done.succeed()
                return

    env.process(watch())
    env.run(until=done | env.timeout(horizon_s))
    ended_s = env.now
    client.finish(ended_s)
    buffer = _buffer(setup, client, ended_s)
    over = alarms(buffer["t_s"].to_numpy(), buffer["remaining"].to_numpy(), publisher.alarm_over)
    happened = timeline.events + [
        (t, until, f"alarm: over {publisher.alarm_over:,} in the client") for t, until in over
    ]
    published = _published(client, cluster)
    return Publication(
        published,
        _summary(setup.name, config, client, published),
        buffer,
        [event for event in happened if event[0] <= ended_s],
    )


class _Process:
    """A `sim.engine.system.PublisherProcess`."""

    def __init__(self, env: Environment, client: Client, handlers: list[Any]) -> None:
        self.env = env
        self.client = client
        self.handlers = handlers
        self.expected: list[simpy.Process] = []

    def alive(self) -> bool:
        return self.client.alive

    def crash(self) -> None:
        self.client.sigkill(self.env.now)

    def terminate(self, grace_s: float) -> None:
        self.client.sigterm(self.env.now, grace_s, handlers="SIGTERM" in self.handlers)

    def interrupt(self) -> None:
        handlers = "SIGINT" in self.handlers
        self.client.sigint(self.env.now, handlers, atexit_flush="exit" in self.handlers)

    def exit(self) -> None:
        self.client.exit_normally(self.env.now, atexit_flush="exit" in self.handlers)

    def restart(self) -> None:
        self.client.restart(self.env.now)

    def expect(self, process: simpy.Process) -> None:
        self.expected.append(process)


class _Cluster:
    """The brokers: who is up, who leads, who is in sync, and what elections cut off.

    A broker that dies leaves the in-sync replicas at once, and one of these takes over what it led
    (KB-06); a partition without another replica waits. While fewer than min.insync.replicas are in
    sync, acks=all is refused (KB-04) and what acks=0 and 1 append cannot be read (KB-05).
    """

    def __init__(self, client: Client, config: KafkaSystem) -> None:
        count = config.brokers.count
        leader = client.state.brokers.leader
        self.client = client
        self.config = config
        self.up = np.ones(count, np.bool_)
        self.replicas = [
            [(int(p) + r) % count for r in range(config.topic.replication_factor)]
            for p in range(leader.size)
        ]
        self.cuts: list[tuple[int, float, float]] = []
        """(partition, from, until): appended then, and cut off by an election."""
        self.unreadable: list[tuple[int, float, float]] = []
        """(partition, from, until): appended then, and readable only from the end on."""
        self.short_since = np.full(leader.size, np.inf)

    def die(self, broker: int, at_s: float, behind_s: float | None) -> None:
        """A broker's process dies; ``behind_s``: the election is unclean, its winner so late."""
        self.up[broker] = False
        self.client.broker_down(broker, at_s, reset=True)
        # A clean election keeps what all in-sync replicas have; that is all that acks=all promised.
        promised_all = self.config.producer.acks_all
        lost_s = self.config.brokers.replicate if behind_s is None else behind_s
        for p, replicas in enumerate(self.replicas):
            if self.client.state.brokers.leader[p] != broker:
                continue
            next_leader = next((b for b in replicas if self.up[b]), None)
            if next_leader is None:
                continue
            if behind_s is not None or not promised_all:
                self.cuts.append((p, at_s - lost_s, at_s))
            self.client.move_leader(p, next_leader, at_s)
        self._count_in_sync(at_s)

    def return_(self, broker: int, at_s: float) -> None:
        """It is back and in sync again; it leads only what nobody else could."""
        self.up[broker] = True
        self.client.broker_up(broker, at_s)
        self._count_in_sync(at_s)

    def _count_in_sync(self, at_s: float) -> None:
        for p, replicas in enumerate(self.replicas):
            short = int(self.up[replicas].sum()) < self.config.topic.min_insync_replicas
            self.client.fail_appends(p, 1.0 if short else 0.0)
            if short and self.short_since[p] == np.inf:
                self.short_since[p] = at_s
            elif not short and self.short_since[p] < np.inf:
                self.unreadable.append((p, float(self.short_since[p]), at_s))
                self.short_since[p] = np.inf

    def readable_s(
        self, append_s: NDArray[np.float64], partition: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """[entries] when what was appended at ``append_s`` can be read, s."""
        alone = self.config.topic.replication_factor == 1
        out = append_s + (0.0 if alone else self.config.brokers.replicate)
        waits = [*self.unreadable]
        waits += [(p, s, np.inf) for p, s in enumerate(self.short_since) if s < np.inf]
        for p, from_s, until_s in waits:
            held = (partition == p) & (append_s >= from_s) & (append_s < until_s)
            out[held] = np.maximum(out[held], until_s)
        return out


class _Brokers:
    """A `sim.engine.system.BrokerSet`."""

    def __init__(self, env: Environment, client: Client, cluster: _Cluster) -> None:
        self.env = env
        self.client = client
        self.cluster = cluster

    @property
    def count(self) -> int:
        return int(self.cluster.up.size)

    def cut_off(self, broker: int) -> None:
        self.client.broker_down(broker, self.env.now)

    def reconnect(self, broker: int) -> None:
        if self.cluster.up[broker]:
            self.client.broker_up(broker, self.env.now)

    def slow(self, broker: int, extra_s: float) -> None:
        self.client.slow_broker(broker, extra_s)

    def lose_acks(self, broker: int, probability: float) -> None:
        self.client.lose_acks(broker, probability)

    def crash(self, broker: int, behind_s: float | None) -> None:
        self.cluster.die(broker, self.env.now, behind_s)

    def restart(self, broker: int) -> None:
        self.cluster.return_(broker, self.env.now)


def _kept(client: Client, cluster: _Cluster) -> NDArray[np.bool_]:
    """[entries] of the journal that no election cut off."""
    journal = client.journal
    kept = np.ones(journal.append_s.size, np.bool_)
    for partition, from_s, until_s in cluster.cuts:
        when = journal.append_s
        kept &= ~((journal.partition == partition) & (when > from_s) & (when <= until_s))
    return kept


def _published(client: Client, cluster: _Cluster) -> Published:
    journal = client.journal
    kept = _kept(client, cluster)
    readable_s = cluster.readable_s(journal.visible_s, journal.partition)
    valid = np.repeat(kept & (journal.visible_s < np.inf), journal.n)
    visible_s = np.repeat(readable_s, journal.n)[valid]
    partition = np.repeat(journal.partition, journal.n)[valid]
    return Published(journal.row[valid], partition, visible_s, client.fates(kept))


def _summary(name: str, config: KafkaSystem, client: Client, published: Published) -> pd.DataFrame:
    assert config.publisher is not None
    app = client.state.app
    fates = np.bincount(published.fate, minlength=len(Fate))
    acked_s = app.acked_s[app.acked_s < np.inf]
    last_s = float(acked_s.max(initial=0.0))
    partitions = client.state.brokers.leader.size
    rows = published.message[by_partition(published.partition, partitions)]
    reordered = 0
    ends = np.cumsum(np.bincount(published.partition, minlength=partitions))
    for here in np.split(rows, ends[:-1]):
        reordered += int((here < np.maximum.accumulate(here)).sum()) if here.size else 0
    times = np.bincount(published.message)
    return pd.DataFrame(
        [
            {
                "system": name,
                "client": config.producer.client,
                "alarm_over": config.publisher.alarm_over,
                "order": config.publisher.order,
                "accepted": int(app.sent.sum(dtype=np.int64)),
                "acked": int(acked_s.size),
                "appended": int(published.message.size),
                "duplicates_appended": int(published.message.size - np.count_nonzero(times)),
                "lost_buffer": int(fates[Fate.LOST_PRODUCER_BUFFER]),
                "lost_expired": int(fates[Fate.LOST_SEND_EXPIRED]),
                "lost_rejected": int(fates[Fate.LOST_REJECTED]),
                "lost_before_sending": int(fates[Fate.LOST_ACKED_BEFORE_PROCESSING]),
                "lost_failover": int(fates[Fate.LOST_BROKER_FAILOVER]),
                "reordered": reordered,
                "retries": int(app.n[RETRIES]),
                "throughput": acked_s.size / last_s if last_s > 0 else 0.0,
            }
        ]
    )


def _buffer(setup: Setup, client: Client, ended_s: float) -> pd.DataFrame:
    t = setup.grid_s[setup.grid_s <= ended_s]
    app = client.state.app
    return pd.DataFrame(
        {
            "system": setup.name,
            "t_s": t,
            "remaining": app.grid_remaining[: t.size],
            "committed": app.grid_committed[: t.size],
        }
    )
