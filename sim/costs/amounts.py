"""What each product bills, by the names of `prices.yaml`: how much of it an hour takes.

Left out, because the lab has no such part: internet traffic, monitoring, SNS, the lease table of
the Kinesis client library (DynamoDB), and free tiers; and for want of a source, what enhanced
fan-out of Kinesis takes for each GB that is read. Within a region, AWS bills no traffic to and
from SQS, Kinesis and Lambda (https://aws.amazon.com/kinesis/pricing/).
"""

from collections.abc import Iterator
from math import ceil

from sim.costs.prices import Placement, Prices
from sim.costs.use import GroupUse, Use
from sim.scenario.products.aws_lambda import Function
from sim.scenario.products.base import ProductSystem
from sim.scenario.products.bullmq import BullmqSystem
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.nats import NatsSystem
from sim.scenario.products.postgres import PostgresSystem
from sim.scenario.products.pubsub import PubsubSystem
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamSystem, age_s
from sim.scenario.products.redis_streams import RedisStreamsSystem
from sim.scenario.products.rq import RqSystem
from sim.scenario.products.sidekiq import SidekiqSystem
from sim.scenario.products.sqs import SqsSystem

WORKER = "worker"
"""The price of every worker or consumer, whatever the system."""
CLUSTER = 3
"""Nodes of a cluster of RabbitMQ or NATS, and copies of a quorum queue or a stream."""
REDIS_NODES = 2
"""A primary and a replica."""
POSTGRES_NODES = 2
"""A primary and its standby, whose copies are not billed as traffic."""
_WITH_MESSAGES = ("send", "receive")
_MONTH_S = 730 * 3600.0
"""So long are messages reckoned to be kept that are never deleted: a bill of the first month."""

Amount = tuple[str, float]
"""Name of the price, and how much of its unit an hour takes."""


def amounts(system: ProductSystem, use: Use, prices: Prices) -> Iterator[Amount]:
    """What is billed for an hour like those of the run, workers last.

    Args:
        system: its configuration.
        use: what the run used of it.
        prices: whose chunks say how often a call counts, and where brokers and clients are.
    """
    per_hour = 1.0 / use.hours
    if isinstance(system, SqsSystem):
        yield from _sqs(system, use, prices)
    elif isinstance(system, KinesisSystem):
        yield from _kinesis(system, use, prices)
    elif isinstance(system, KafkaSystem):
        yield from _kafka(system, use, prices.placement)
    elif isinstance(system, RabbitmqSystem):
        quorum = any(q.arguments.queue_type == "quorum" for q in system.queues.values())
        yield _rabbitmq(quorum)
        yield _between_zones(use, prices.placement, CLUSTER - 1 if quorum else 0)
    elif isinstance(system, RabbitmqStreamSystem):
        yield _rabbitmq(True)
        age = system.stream.max_age
        kept = _kept_gb(use, None if age is None else age_s(age), system.stream.max_length_bytes)
        yield "broker_storage", _months(kept * CLUSTER)
        yield _between_zones(use, prices.placement, CLUSTER - 1)
    elif isinstance(system, PubsubSystem):
        # At least 1,000 bytes a request are billed; requests are reckoned to be full of messages.
        moved = use.messages + use.reads
        yield "pubsub_throughput", moved * use.message_bytes / 1e9 / use.hours
    elif isinstance(system, CelerySystem):
        yield from _celery(system, use, prices)
    elif isinstance(system, BullmqSystem | RedisStreamsSystem | RqSystem | SidekiqSystem):
        yield "redis_node", float(REDIS_NODES)
        yield _between_zones(use, prices.placement, 0)
    elif isinstance(system, NatsSystem):
        yield "nats_node", float(CLUSTER)
        yield _between_zones(use, prices.placement, CLUSTER - 1)
    elif isinstance(system, PostgresSystem):
        yield "postgres_node", float(POSTGRES_NODES)
        yield _between_zones(use, prices.placement, 0)
    for group in use.groups:
        if group.invocations:
            yield "lambda_request", group.invocations * per_hour
            yield "lambda_gb_second", group.work_s * _memory_gb(system, group) * per_hour
    if workers := sum(group.workers for group in use.groups):
        yield WORKER, float(workers)


def _sqs(system: SqsSystem, use: Use, prices: Prices) -> Iterator[Amount]:
    for group in use.groups:
        queue = system.queues[group.name]
        kind = "sqs_fifo_request" if queue.fifo_queue else "sqs_standard_request"
        yield kind, _calls(group, use, kind, prices)
        if queue.message_group_id is not None and not queue.fifo_queue:
            kind = "sqs_fair_surcharge"
            yield kind, _calls(group, use, kind, prices)


def _calls(group: GroupUse, use: Use, kind: str, prices: Prices) -> float:
    """Calls; those with messages in them count once for each chunk, as far as these are full."""
    chunk = prices.prices[kind].chunk
    moved = {"send": group.sent, "receive": group.reads}
    billed = 0.0
    for call, n in group.requests.items():
        full = moved[call] * use.message_bytes / chunk if chunk and call in _WITH_MESSAGES else 0.0
        billed += max(float(n), full)
    return billed / use.hours


def _kinesis(system: KinesisSystem, use: Use, prices: Prices) -> Iterator[Amount]:
    yield "kinesis_shard", float(use.partitions)
    chunk = prices.prices["kinesis_put"].chunk
    units = ceil(use.message_bytes / chunk) if chunk else 1
    yield "kinesis_put", use.messages * units / use.hours
    fanned = [name for name, its in system.applications.items() if not its.polls]
    if fanned:
        yield "kinesis_fanout_shard", float(use.partitions * len(fanned))


def _kafka(system: KafkaSystem, use: Use, placement: Placement) -> Iterator[Amount]:
    copies = system.topic.replication_factor
    age_ms, most_bytes = system.topic.retention_ms, system.topic.retention_bytes
    kept = _kept_gb(use, None if age_ms < 0 else age_ms / 1e3, most_bytes)
    yield "kafka_broker", float(system.brokers.count)
    yield "kafka_storage", _months(kept * copies)
    yield _between_zones(use, placement, copies - 1, near=placement.consumers_read_near)


def _celery(system: CelerySystem, use: Use, prices: Prices) -> Iterator[Amount]:
    if system.broker == "sqs":
        kind = "sqs_standard_request"
        yield kind, sum(_calls(group, use, kind, prices) for group in use.groups)
        return
    if system.broker == "redis":
        yield "redis_node", float(REDIS_NODES)
    else:
        yield _rabbitmq(False)
    yield _between_zones(use, prices.placement, 0)


def _rabbitmq(cluster: bool) -> Amount:
    return ("rabbitmq_broker", float(CLUSTER)) if cluster else ("rabbitmq_small_broker", 1.0)


def _kept_gb(use: Use, for_s: float | None, most_bytes: float) -> float:
    """What a log holds at any time in one copy, GB; of one without an end, after a month."""
    gb = use.gb / use.hours * (_MONTH_S if for_s is None else for_s) / 3600
    return gb if most_bytes < 0 else min(gb, use.partitions * most_bytes / 1e9)


def _months(gb: float) -> float:
    """An hour of it is 1/730 of a month."""
    return gb / (_MONTH_S / 3600)


def _between_zones(use: Use, placement: Placement, replicas: int, near: bool = False) -> Amount:
    """Traffic of clients with brokers in other zones, GB, and of brokers if that is billed.

    Args:
        use: of the system.
        placement: of brokers and clients, which are spread evenly: of three zones, two are others.
        replicas: to which each message is copied.
        near: whether what is read is read from a replica in the same zone.
    """
    others = 1.0 - 1.0 / placement.zones
    moved = use.messages * others + (0.0 if near else use.reads * others)
    if placement.replication_is_billed and placement.zones > 1:
        moved += use.messages * replicas  # copies are in other zones: that is what they are for
    return "cross_zone_traffic", moved * use.message_bytes / 1e9 / use.hours


def _memory_gb(system: ProductSystem, group: GroupUse) -> float:
    function = getattr(system.readers[group.name], "function", None)
    assert isinstance(function, Function)
    return function.memory_size / 1024
