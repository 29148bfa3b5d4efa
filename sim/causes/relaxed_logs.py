"""The lines of `sim.causes.relaxed` that are of topics, streams and their producers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sim.causes.relaxed import (
    BEHIND,
    BOOKS,
    DAY_MS,
    READERS,
    At,
    Relaxed,
    down,
    fixed,
    grown,
    if_given,
    up,
)
from sim.causes.relaxed_groups import KAFKA_GROUP, LOG, SHARE_GROUP, sooner
from sim.causes.relaxed_kinesis import FUNCTION, LIBRARY
from sim.causes.relaxed_lists import BULLMQ, RQ, SIDEKIQ
from sim.causes.relaxed_nats import NATS
from sim.causes.relaxed_postgres import POSTGRES
from sim.causes.relaxed_pubsub import PUBSUB
from sim.causes.relaxed_queues import CELERY, RABBITMQ, SQS
from sim.causes.relaxed_redis_streams import REDIS_STREAMS
from sim.scenario.load import Scenario
from sim.scenario.products.bullmq import BullmqSystem
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_membership import METADATA_MAX_AGE_MS
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.nats import NatsSystem
from sim.scenario.products.postgres import PostgresSystem
from sim.scenario.products.pubsub import PubsubSystem
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamSystem
from sim.scenario.products.redis_streams import RedisStreamsSystem
from sim.scenario.products.rq import RqSystem
from sim.scenario.products.sidekiq import SidekiqSystem


def _publishes(at: At) -> bool:
    return at.data.get("publisher") is not None


def _client(name: str, value: Any) -> Any:
    """To this, with a publisher whose client is this one."""

    def to(at: At) -> Any:
        its = at.other("producer", "client") == name
        return value if _publishes(at) and its and at.value != value else None

    return to


def _published(value: Any, *but: Any) -> Any:
    """To this, with a publisher, if it is neither this already nor one of the others."""
    return lambda at: (
        value if _publishes(at) and at.value != value and at.value not in but else None
    )


def _ordered(at: At) -> Any:
    order_by = at.order_by
    return order_by if order_by and at.value != order_by else None


def _delivery_ms(at: At) -> float:
    return 300_000.0 if at.other("producer", "client") == "librdkafka" else 120_000.0


def _in_transactions(at: At) -> bool:
    return bool(at.other("publisher", "order") == "transaction")


def _is_group(at: At) -> bool:
    return at.group in (at.data.get("groups") or {})


def _committed(at: At) -> bool | None:
    """Whether a group reads committed records only; None: it is the same to it."""
    if not _in_transactions(at) or not _is_group(at):
        return None
    if at.value is None:
        return bool(at.other(READERS, "client") == "librdkafka")
    return bool(at.value == "read_committed")


def _in_transactions_instead(
    who: Callable[[At], bool], also: Mapping[tuple[str, ...], Any]
) -> Relaxed:
    def to(at: At) -> str | None:
        return "transaction" if _publishes(at) and at.value != "transaction" and who(at) else None

    return Relaxed(
        ("publisher", "order"), to,
        "records and the offsets of what they come from are stored apart (order: {value})",
        "a transaction for each poll, and readers that wait for it", ("lost", "duplicates"),
        {("producer", "enable.idempotence"): True, **_IDEMPOTENT, **also},
        name="publisher.order (transaction)", key="publisher.order",
    )  # fmt: skip


def _longest_transaction(at: At) -> float | None:
    longest = float(at.other("brokers", "transaction.max.timeout.ms"))
    return longest if _in_transactions(at) and (at.value or 60_000.0) < longest else None


_ALL_SIGNALS = ["SIGTERM", "SIGINT", "exit"]
_IDEMPOTENT: Mapping[tuple[str, ...], Any] = {
    ("producer", "acks"): None,
    ("producer", "max.in.flight.requests.per.connection"): None,
    ("producer", "retries"): None,
}

KEYED = Relaxed(
    ("partition_key",), _ordered, "messages of one key go to several partitions",
    "a key that is busy keeps to one partition", ("out_of_order",),
)  # fmt: skip
KEYLESS = Relaxed(
    ("partition_key",), if_given(""), "all messages of a key go to one partition",
    "no order within a key", BEHIND, name="partition_key (none)", promise=True,
)  # fmt: skip

PUBLISHER = (
    Relaxed(
        ("producer", "queue.buffering.max.messages"), _client("librdkafka", 10_000_000),
        "the client's queue of {value} messages is full", "memory of the process", ("lost", "late"),
        {("producer", "queue.buffering.max.kbytes"): 2_147_483_647}, default=100_000,
    ),
    Relaxed(
        ("producer", "buffer.memory"),
        lambda at: grown(100, 33_554_432, 1 << 40)(at)
        if _publishes(at) and at.other("producer", "client") == "java"
        else None,
        "the client's buffer of {value} B is full", "memory of the process", ("lost", "late"),
        default=33_554_432,
    ),
    Relaxed(
        ("producer", "max.block.ms"), _client("java", DAY_MS),
        "a send that finds no room fails after {ms}", "the process stands still", ("lost",),
        default=60_000.0,
    ),
    Relaxed(
        ("producer", "delivery.timeout.ms"), _published(DAY_MS),
        "a record is given up {ms} after its send", "a record waits for as long", ("lost",),
        default=_delivery_ms,
    ),
    Relaxed(
        ("producer", "request.timeout.ms"), lambda at: 600_000.0 if _publishes(at) else None,
        "a request is given up after {ms}, and its records are sent again",
        "a broker that is gone is noticed later", ("lost", "duplicates", "out_of_order"),
        {("producer", "delivery.timeout.ms"): DAY_MS}, default=30_000.0,
    ),
    Relaxed(
        ("producer", "retries"), lambda at: 2_147_483_647 if _publishes(at) and at.value else None,
        "a batch is given up after {value} retries", "it is sent until its delivery timeout",
        ("lost",),
    ),
    Relaxed(
        ("producer", "max.in.flight.requests.per.connection"),
        lambda at: 1 if _publishes(at) and at.value != 1 else None,
        "{value} requests in flight: one that is sent again comes after later ones",
        "one round trip at a time", ("out_of_order",),
        default=lambda at: 1_000_000 if at.other("producer", "client") == "librdkafka" else 5,
    ),
    Relaxed(
        ("producer", "transaction.timeout.ms"),
        _longest_transaction,
        "a transaction is aborted after {ms}, and its producer fenced",
        "readers wait longer for one that hangs",
        ("lost", "duplicates", "unfinished", "late"), default=60_000.0,
    ),
    Relaxed(
        ("producer", "transaction.timeout.ms"),
        lambda at: 10_000.0
        if at.other("publisher", "order") == "transaction" and (at.value or 60_000.0) > 10_000.0
        else None,
        "readers wait for {ms} for a transaction that a dead process has left open",
        "one that takes longer is aborted", BEHIND, default=60_000.0,
        name="transaction.timeout.ms (shorter)",
    ),
    Relaxed(
        ("producer", "transactional.id"),
        lambda at: "publisher"
        if _publishes(at) and "${random." in str(at.value) else None,
        "each process has a transactional.id of its own, and nobody aborts what the one before has "
        "left open", "ids have to be given to processes", BEHIND,
    ),
    Relaxed(
        (READERS, "isolation.level"),
        lambda at: "read_committed" if _committed(at) is False else None,
        "what aborted transactions have stored is read, too", "readers wait for open transactions",
        ("duplicates", "out_of_order"),
    ),
    Relaxed(
        (READERS, "isolation.level"),
        lambda at: "read_uncommitted" if _committed(at) else None,
        "readers wait at the last stable offset for open transactions",
        "what is aborted is read, too, and then again", BEHIND,
        name="isolation.level (read_uncommitted)", promise=True,
    ),
    Relaxed(
        ("publisher", "on_fenced"),
        lambda at: "replace" if _in_transactions(at) and at.value != "replace" else None,
        "a publisher whose producer is fenced does not go on as before (on_fenced: {value})",
        "its input is read again", ("lost", "unfinished", "late"), key="publisher.on_fenced",
    ),
    Relaxed(
        ("publisher", "flush_timeout"),
        lambda at: 3_600.0 if _publishes(at) and at.value < 3_600.0 else None,
        "a flush ends after {s} with records still in the client", "a slower stop",
        ("lost", "duplicates"), key="publisher.flush_timeout",
    ),
    Relaxed(
        ("producer", "acks"),
        lambda at: "all" if _publishes(at) and at.value in (0, 1, "0", "1") else None,
        "acks={value}", "a send waits for all replicas in sync", ("lost",),
    ),
    Relaxed(
        ("producer", "enable.idempotence"),
        lambda at: None
        if not _publishes(at)
        or at.value
        or (at.value is None and at.other("producer", "client") == "java")
        else True,
        "the producer is not idempotent: what it sends again is stored twice, and out of order",
        "nothing but sequence numbers", ("duplicates", "out_of_order"), _IDEMPOTENT,
    ),
    Relaxed(
        ("publisher", "order"),
        lambda at: "produce-flush-commit"
        if _publishes(at) and at.value in ("produce", "commit-produce")
        else None,
        "offsets are committed before records are stored (order: {value})",
        "a flush for each poll, and what a crash repeats", ("lost",), key="publisher.order",
    ),
    _in_transactions_instead(_is_group, {(READERS, "isolation.level"): "read_committed"}),
    _in_transactions_instead(lambda at: not _is_group(at), {}),
    Relaxed(
        ("publisher", "handlers"),
        lambda at: _ALL_SIGNALS if _publishes(at) and at.value != _ALL_SIGNALS else None,
        "the process ends without finishing its work", "a slower stop", ("lost", "duplicates"),
        key="publisher.handlers",
    ),
    Relaxed(
        ("publisher", "check_flush"), _published(True, None),
        "it commits whatever its flush said", "it sends again", ("lost",),
        key="publisher.check_flush",
    ),
    Relaxed(
        ("topic", "min.insync.replicas"),
        lambda at: 2
        if _publishes(at) and at.value == 1 and at.other("topic", "replication.factor") >= 3
        else None,
        "a record is acknowledged when one replica has it",
        "it is not accepted while fewer than two are in sync", ("lost",),
        {("producer", "acks"): "all"},
    ),
    Relaxed(
        ("topic", "replication.factor"),
        lambda at: 3
        if _publishes(at) and at.value < 3 and at.other("brokers", "count") >= 3
        else None,
        "{value} broker(s) have a record", "three times the disks", ("lost", "unfinished"),
    ),
    Relaxed(
        ("brokers", "log.flush.interval.messages"),
        lambda at: 1 if _publishes(at) and at.value != 1 else None,
        "records are acknowledged before they are on disk", "a flush to disk for each",
        ("lost",),
    ),
)  # fmt: skip

TOPIC = (
    Relaxed(
        ("producer", "metadata.max.age.ms"), sooner("java", "producer"),
        "producers hear of partitions that were added only after {ms}, each at a time of its own",
        "more requests", ("out_of_order",), default=METADATA_MAX_AGE_MS,
        name="producer's metadata.max.age.ms",
    ),
    Relaxed(
        ("producer", "topic.metadata.refresh.interval.ms"), sooner("librdkafka", "producer"),
        "producers hear of partitions that were added only after {ms}, each at a time of its own",
        "more requests", ("out_of_order",), default=METADATA_MAX_AGE_MS,
        name="producer's topic.metadata.refresh.interval.ms",
    ),
    Relaxed(
        ("topic", "retention.ms"), lambda at: -1 if at.value not in (None, -1) else None,
        "records older than {ms} are deleted, read or not", "more disk", ("lost",),
    ),
    Relaxed(
        ("topic", "retention.bytes"), lambda at: -1 if at.value not in (None, -1) else None,
        "of a partition, {value} B are kept, read or not", "more disk", ("lost",),
    ),
    Relaxed(
        ("producer", "linger.ms"), down(0), "a batch waits {ms} to fill", "smaller batches",
        ("late",),
    ),
    KEYED,
    KEYLESS,
    Relaxed(
        ("ceilings", "apply"), fixed(False, None), "a ceiling of a broker, partition or client",
        "more brokers, partitions or processes", ("late", "unfinished", "lost"), key="ceilings",
    ),
)  # fmt: skip

KINESIS = (
    Relaxed(
        ("producer", "RateLimit"), up(10_000), "a shard is sent at most {value} % of its limit",
        "the shard refuses more", ("late", "lost"),
    ),
    Relaxed(
        ("producer", "RecordTtl"), up(DAY_MS), "a record is given up after {ms}",
        "a record waits for as long", ("lost",),
    ),
    Relaxed(
        ("producer", "FailIfThrottled"), fixed(False, None), "a record that is refused is given up",
        "it is sent again, out of order", ("lost",),
    ),
    Relaxed(
        ("producer", "RecordMaxBufferedTime"), down(10), "a record waits {ms} for others",
        "smaller requests", ("late",),
    ),
    KEYED,
    KEYLESS,
)  # fmt: skip

STREAM = (
    Relaxed(
        ("stream", "x-max-age"), if_given(""), "messages older than {value} are deleted unread",
        "more disk", ("lost",),
    ),
    Relaxed(
        ("stream", "x-max-length-bytes"), lambda at: -1 if at.value not in (None, -1) else None,
        "of a stream, {value} B are kept, read or not", "more disk", ("lost",),
    ),
    Relaxed(
        (READERS, "x-stream-offset"), fixed("first", None), "reading begins at {value}",
        "everything is read", ("lost",),
    ),
    Relaxed(
        (READERS, "store"), fixed("after", None),
        "offsets are stored before messages are processed", "some are processed twice", ("lost",),
    ),
    Relaxed(
        (READERS, "flushInterval"), down(0.1),
        "what was processed in the {s} since offsets were stored comes again",
        "fifty times as many", ("duplicates",),
    ),
    Relaxed(
        (READERS, "initialCredits"), up(100), "{value} chunks are sent ahead", "memory", BEHIND,
    ),
    Relaxed(
        ("producer", "batchPublishingDelay"), down(0.0), "a message waits {ms} for others",
        "smaller chunks", ("late",),
    ),
    Relaxed(
        ("heartbeat",), down(10), "a dead connection is noticed after {s}", "more heartbeats",
        BEHIND,
    ),
    *LOG,
    KEYED,
    KEYLESS,
)  # fmt: skip


def lines(scenario: Scenario, system: str, group: str) -> list[Relaxed]:
    """The keys of a group that can be causes, in the order in which they are named."""
    return [*_of_product(scenario, system, group), *BOOKS]


def _of_product(scenario: Scenario, system: str, group: str) -> Sequence[Relaxed]:
    its = scenario.systems[system]
    if isinstance(its, KafkaSystem):
        readers = SHARE_GROUP if group in its.share_groups else KAFKA_GROUP
        return [*readers, *PUBLISHER, *TOPIC]
    if isinstance(its, KinesisSystem):
        is_function = its.applications[group].function is not None
        return [*(FUNCTION if is_function else LIBRARY), *KINESIS]
    if isinstance(its, RabbitmqStreamSystem):
        return STREAM
    if isinstance(its, CelerySystem):
        return CELERY
    if isinstance(its, PostgresSystem):
        return POSTGRES
    if isinstance(its, PubsubSystem):
        return PUBSUB
    if isinstance(its, BullmqSystem):
        return BULLMQ
    if isinstance(its, SidekiqSystem):
        return SIDEKIQ
    if isinstance(its, RqSystem):
        return RQ
    if isinstance(its, RedisStreamsSystem):
        return REDIS_STREAMS
    if isinstance(its, NatsSystem):
        return NATS
    return RABBITMQ if isinstance(its, RabbitmqSystem) else SQS
