"""Ceilings that were met, in words for the timeline: what could do no more, its keys, and when."""

from collections.abc import Iterator, Sequence

import numpy as np

from sim.engine.acted_kernel import Acted
from sim.engine.outcome import CEILING
from sim.engine.waits import Limit
from sim.foundation.arrays import F64, I64
from sim.foundation.text import names, rate
from sim.log.topic import Topic
from sim.queue.broker import Broker
from sim.scenario.products.kafka_brokers import KafkaCeilings

Told = tuple[float, float, str]
"""From, until, s; and what is said."""


def told_of_topic(topic: Topic, ceilings: KafkaCeilings) -> Iterator[Told]:
    """Brokers and partitions for which batches waited long (KB-14)."""
    broker_s, partition_s = topic.full_s()
    yield from _told(
        broker_s, "broker", f"ceilings.broker {_mb(ceilings.broker)}{_asked(ceilings)}"
    )
    yield from _told(partition_s, "partition", f"ceilings.partition {_mb(ceilings.partition)}")


def limits_of_topic(topic: Topic, ceilings: KafkaCeilings) -> Iterator[Limit]:
    """The same, as limits."""
    held = "held batches up until they could be appended"
    values = {"broker": ceilings.broker, "partition": ceilings.partition}
    met = zip(values.items(), topic.full_s(), topic.waited(), strict=True)
    for (what, value), (from_s, until_s), times in met:
        some = np.flatnonzero(times)
        if some.size:
            yield Limit(
                f"ceilings.{what}",
                f"ceilings.{what}",
                f"{value}",
                whom(what, some),
                held,
                int(times.sum()),
                float(from_s[some].min()),
                float(until_s[some].max()),
            )


def told_of_queue(broker: Broker, queue: str) -> Iterator[Told]:
    """That the process of a queue, or its consumers' main loops, could do no more."""
    state, policy = broker.state, broker.policy
    if state.full_from_s < np.inf:
        most = rate(1.0 / (policy.publish_s + policy.deliver_s))
        keys = (
            f"ceilings.publish {_us(policy.publish_s)}, ceilings.deliver {_us(policy.deliver_s)}: "
            f"{most} in and out"
        )
        said = f"{queue}: the queue's process {CEILING}, {keys}; messages wait to get in"
        yield state.full_from_s, state.full_until_s, said
    loops_s = np.asarray(state.consumers.loop_full).T
    met = np.flatnonzero(loops_s[0] < np.inf)
    if met.size:
        trips = policy.fetch_trips + policy.ack_trips
        keys = f"ceilings.task {_us(policy.loop_s)} and {trips} round trips a task"
        said = f"{queue}: the main loop of {whom('worker', met)} {CEILING}, {keys}"
        yield float(loops_s[0, met].min()), float(loops_s[1, met].max()), said


def _told(full_s: F64, what: str, keys: str) -> Iterator[Told]:
    met = np.flatnonzero(full_s[0] < np.inf)
    if met.size:
        said = f"{whom(what, met)} {CEILING}, {keys}; records wait to be appended"
        yield float(full_s[0, met].min()), float(full_s[1, met].max()), said


_FEW = 4


def limit_of_each(
    what: str, acted: Sequence[Acted], key: str, value: str, said: str, path: str
) -> Iterator[Limit]:
    """One limit of several that count for themselves, if any acted; see `Limit`.

    Args:
        what: one of them, in words: ``shard``.
        acted: of each.
        key: the product's name of it.
        value: as the scenario would write it.
        said: what it did.
        path: of its key.
    """
    met = [(i, one) for i, one in enumerate(acted) if one.times]
    if met:
        yield Limit(
            key,
            path,
            value,
            whom(what, np.array([i for i, _ in met])),
            said,
            sum(one.times for _, one in met),
            min(one.first_s for _, one in met),
            max(one.last_s for _, one in met),
        )


def whom(what: str, met: I64) -> str:
    """The numbers of those that met it, or how many they are."""
    if met.size > _FEW:
        return f"each of {met.size} {what}s"
    return f"{what}{'' if met.size == 1 else 's'} {names([str(i) for i in met])}"


def _mb(per_s: int) -> str:
    return f"{per_s / 1e6:,.4g} MB/s"


def _us(time_s: float) -> str:
    return f"{time_s * 1e6:.4g} µs"


def _asked(ceilings: KafkaCeilings) -> str:
    """The other key of a broker's ceiling, where it is given."""
    if ceilings.requests is None:
        return ""
    return f", ceilings.requests {ceilings.requests:,.6g}/s"
