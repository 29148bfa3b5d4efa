"""By product, the keys that can be the cause of a harm, and what each is without being one.

One line a key: where it stands, its value that no longer binds (None: it cannot be the cause as it
is), the cause in words, and what the other value costs. Bounds of values are the products' own;
`sim.scenario.products` has their sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from sim.causes.data import HarmKind
from sim.causes.work import batch_s, longest_s
from sim.foundation.config import KeyPath
from sim.scenario.load import Scenario

READERS = "@"
"""First step of a path: the group or queue, wherever its product has it."""
DAY_MS = 86_400_000
BEHIND: Sequence[HarmKind] = ("late", "unfinished")
AGAIN: Sequence[HarmKind] = ("duplicates", "dead_lettered", *BEHIND)
GONE: Sequence[HarmKind] = ("lost", "dead_lettered", "unfinished")
ANY: Sequence[HarmKind] = ("lost", "out_of_order", *AGAIN)


@dataclass(frozen=True)
class At:
    """A group and a key of it, as they are in the scenario."""

    scenario: Scenario
    system: str
    group: str
    data: Mapping[str, Any]
    """Of the system, defaults filled in."""
    value: Any
    """Of the key; None: it has none."""

    def other(self, *path: str) -> Any:
        """The value of another key."""
        return value_at(self.data, self.place(path))

    def place(self, path: Sequence[str]) -> KeyPath:
        """Where a key stands, from the system."""
        if path[0] != READERS:
            return tuple(path)
        return (*self.scenario.systems[self.system].place_of(self.group), *path[1:])

    def work_s(self, batch: int) -> float:
        """The longest that a batch keeps a consumer, s."""
        return batch_s(self.scenario, self.system, self.group, batch)

    @property
    def one_s(self) -> float:
        """The longest that a message keeps a consumer, s."""
        return longest_s(self.scenario, self.system, self.group)

    @property
    def order_by(self) -> list[str]:
        """The dimensions within which order matters."""
        order_by = self.scenario.workload.order_by
        return list(self.scenario.workload.keys) if order_by is None else order_by


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a path of plain data; None: there is none."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


To = Callable[[At], Any]


@dataclass(frozen=True)
class Relaxed:
    """A key, and how it is without being a cause."""

    path: tuple[str, ...]
    to: To
    """Its other value, "" for none at all; None: as it is, it cannot be the cause."""
    what: str
    """The cause, as a clause; ``{value}`` is what it is now."""
    cost: str
    """What the other value costs, as a clause."""
    helps: Sequence[HarmKind] = ANY
    """Harms that may come from it."""
    also: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    """Other keys that go with it; None: they are left out. A function is asked for the value."""
    name: str = ""
    """If the key alone is not enough to tell it from another line."""
    key: str = ""
    """The product's name of it, if that is not the last step of the path."""
    promise: bool = False
    """Whether the other value gives up what the product promises."""


def up(least: float) -> To:
    """To at least this."""
    return lambda at: least if at.value is not None and at.value < least else None


def down(most: float) -> To:
    """To at most this."""
    return lambda at: most if at.value is not None and at.value > most else None


def fixed(value: Any, *but: Any) -> To:
    """To this, if it is neither this already nor one of the others."""
    return lambda at: value if at.value != value and at.value not in but else None


def if_given(value: Any) -> To:
    """To this, if it is given."""
    return lambda at: value if at.value not in (None, value) else None


def grown(factor: float, default: float, most: float) -> To:
    """To so many times what it is, or what it is by default."""

    def to(at: At) -> Any:
        now = default if at.value is None else at.value
        return None if now >= most else int(min(most, now * factor))

    return to


def _longer_lock(batch: Callable[[At], int], most: float, unit: float = 1.0) -> To:
    """A lock longer than a batch may take, and ten times what it is."""

    def to(at: At) -> Any:
        if at.value is None:
            return None
        wanted = ceil(min(most, max(10 * at.value, 2 * at.work_s(batch(at)) * unit)))
        return wanted if wanted > at.value else None

    return to


def _shorter_lock(batch: Callable[[At], int], least: float, unit: float = 1.0) -> To:
    """A lock that a batch just keeps."""

    def to(at: At) -> Any:
        if at.value is None:
            return None
        wanted = max(least, ceil(1.5 * at.work_s(batch(at)) * unit), ceil(at.value / 10))
        return wanted if wanted <= at.value / 2 else None

    return to


def _receives(at: At) -> int:
    return int(at.other(READERS, "MaxNumberOfMessages"))


def _finer(at: At) -> Any:
    """All dimensions of the key in place of some."""
    keys = list(at.scenario.workload.keys)
    return keys if at.value and set(at.value) < set(keys) else None


_LATER = "what a dead worker holds comes back later"
_MORE_HELD = "a worker that dies holds more messages"
_ORDER = "the order that it keeps"

SQS = (
    Relaxed(
        (READERS, "VisibilityTimeout"), _longer_lock(_receives, 43_200),
        "messages become visible again after {value} s, while a worker is at them", _LATER, AGAIN,
    ),
    Relaxed(
        (READERS, "VisibilityTimeout"), _shorter_lock(_receives, 1),
        "what a worker holds that is gone comes back only after {value} s",
        "a batch that takes longer is processed twice", BEHIND, name="VisibilityTimeout (shorter)",
    ),
    Relaxed(
        (READERS, "MaxNumberOfMessages"), up(10), "{value} a call", _MORE_HELD, BEHIND,
    ),
    Relaxed(
        (READERS, "MaxNumberOfMessages"), down(1),
        "up to {value} messages wait behind each other in the hands of one worker",
        "a call for each message", AGAIN, name="MaxNumberOfMessages (1)",
    ),
    Relaxed(
        (READERS, "ReceiveMessageWaitTimeSeconds"), up(20), "short polls", "nothing", BEHIND,
    ),
    Relaxed(
        (READERS, "RedrivePolicy", "maxReceiveCount"), up(1_000),
        "a message is dead-lettered after {value} receives",
        "a message that always fails comes back a thousand times", ("dead_lettered",),
    ),
    Relaxed(
        (READERS, "MessageRetentionPeriod"), up(1_209_600),
        "a message older than {value} s is deleted unread", "more is stored", GONE,
    ),
    Relaxed(
        (READERS, "MessageGroupId"),
        lambda at: _finer(at) if at.other(READERS, "FifoQueue") else None,
        "no more workers than message groups of {value} are busy",
        "order holds only within the finer groups", BEHIND,
    ),
    Relaxed(
        (READERS, "FifoThroughputLimit"),
        lambda at: "perMessageGroupId"
        if at.other(READERS, "FifoQueue") and at.value != "perMessageGroupId"
        else None,
        "300 calls a second of each kind", "deduplication looks within message groups alone",
        BEHIND, {(READERS, "DeduplicationScope"): "messageGroup"},
    ),
    Relaxed(
        (READERS, "FifoQueue"), fixed(False, None),
        "each message group waits for its first message", _ORDER, AGAIN,
        {
            (READERS, key): None
            for key in (
                "MessageGroupId", "MessageDeduplicationId", "DeduplicationScope",
                "FifoThroughputLimit", "look_ahead",
            )
        },
        promise=True,
    ),
    Relaxed(
        (READERS, "FifoQueue"),
        lambda at: True if not at.value and at.order_by else None,
        "a standard queue keeps no order",
        "one message of a group at a time, and 300 calls a second", ("out_of_order",),
        {
            (READERS, "MessageGroupId"): lambda at: at.order_by,
            (READERS, "order"): None,
            (READERS, "stale_receipt"): None,
        },
        name="FifoQueue (true)",
    ),
    Relaxed(
        (READERS, "MessageDeduplicationId"), lambda at: at.value and "",
        "of messages with the same deduplication id, one in five minutes is let in",
        "what a sender repeats is there twice", ("lost",),
    ),
    Relaxed(
        (READERS, "max_in_flight"), up(100_000_000), "at most {value} messages are in flight",
        "AWS raises the quota on request", BEHIND,
    ),
    Relaxed(
        (READERS, "order"), lambda at: "as-visible" if at.value == "returned-first" else None,
        "what came back is handed out before what nobody has had", "AWS does not let one choose",
        AGAIN,
    ),
    Relaxed(
        (READERS, "delete"), fixed("batch", None), "a delete call for each message",
        "a worker that dies repeats a batch", BEHIND,
    ),
    Relaxed(
        ("producer", "batch"), up(10), "{value} a send", "a message waits for others", BEHIND,
        key="producer.batch",
    ),
    Relaxed(
        ("producer", "threads"), grown(8, 8, 10_000), "{value} senders", "more senders", BEHIND,
        key="producer.threads",
    ),
    Relaxed(
        ("producer", "threads"), down(1), "{value} senders overtake each other",
        "one sender's rate",
        ("out_of_order",), name="producer.threads (1)", key="producer.threads",
    ),
)  # fmt: skip

_CEILINGS = Relaxed(
    ("ceilings", "apply"), fixed(False, None), "a ceiling of the broker or its client",
    "a larger machine, or more of them", ("late", "unfinished", "lost"), key="ceilings",
)  # fmt: skip

RABBITMQ = (
    Relaxed(
        (READERS, "prefetch_count"), lambda at: 1 if at.value != 1 else None,
        "up to {value} messages wait behind each other at one consumer",
        "a round trip for each message", ANY,
    ),
    Relaxed(
        (READERS, "prefetch_count"), lambda at: 200 if 0 < at.value < 50 else None,
        "a consumer is sent {value} at a time", "a consumer holds more messages", BEHIND,
        name="prefetch_count (200)",
    ),
    Relaxed(
        (READERS, "arguments", "x-delivery-limit"),
        lambda at: -1
        if at.other(READERS, "arguments", "x-queue-type") == "quorum" and at.value != -1
        else None,
        "a message that came back {value} times is given up",
        "a message that always fails comes back for ever", GONE,
    ),
    Relaxed(
        (READERS, "arguments", "x-message-ttl"), if_given(""), "a message expires after {value} ms",
        "old messages are processed", GONE,
    ),
    Relaxed(
        (READERS, "arguments", "x-max-length"), if_given(""), "at most {value} messages are ready",
        "memory for a backlog", GONE,
    ),
    Relaxed(
        (READERS, "arguments", "x-single-active-consumer"), fixed(False, None),
        "one consumer is active", _ORDER, BEHIND, promise=True,
    ),
    Relaxed(
        (READERS, "arguments", "x-consumer-timeout"), if_given(30 * DAY_MS),
        "a channel is closed {value} ms after a delivery that is not acknowledged",
        "a consumer that hangs holds its messages", AGAIN,
    ),
    Relaxed(
        ("consumer_timeout",), if_given(30 * DAY_MS),
        "a channel is closed {value} ms after a delivery that is not acknowledged",
        "a consumer that hangs holds its messages", AGAIN,
    ),
    Relaxed(
        ("heartbeat",), down(10), "a dead connection is noticed after {value} s", "more heartbeats",
        BEHIND,
    ),
    Relaxed(
        (READERS, "no_ack"), fixed(False, None), "a message is acknowledged when it is sent",
        "some messages are processed twice", ("lost",),
    ),
    Relaxed(
        ("producer", "confirms"), fixed(True, None), "published without confirms",
        "a round trip for each batch", ("lost",), key="producer.confirms",
    ),
    Relaxed(
        ("producer", "channels"), grown(8, 8, 10_000), "{value} publishing channels",
        "more channels", BEHIND, key="producer.channels",
    ),
    _CEILINGS,
)  # fmt: skip


def _tag_lock(longer: bool) -> To:
    """Of Celery: a visibility timeout beyond the countdown, or one that work just keeps."""

    def to(at: At) -> Any:
        if at.data.get("broker") == "rabbitmq":
            return None
        now_s = at.value or (3600.0 if at.data["broker"] == "redis" else 1800.0)
        held_s = (at.other(READERS, "task", "countdown") or 0.0) + 10 * at.one_s
        if longer:
            most_s = 43_200.0 if at.data["broker"] == "sqs" else 30 * 86_400.0
            return min(most_s, max(10 * now_s, 2 * held_s))
        shorter_s = max(10.0, 1.5 * held_s, now_s / 20)
        return shorter_s if shorter_s <= now_s / 2 else None

    return to


_OPTION = ("config", "broker_transport_options", "visibility_timeout")

CELERY = (
    Relaxed(
        _OPTION, _tag_lock(True), "a task that is held for {value} s is delivered again",
        "what a dead worker holds comes back later", AGAIN,
    ),
    Relaxed(
        _OPTION, _tag_lock(False), "what a dead worker holds comes back only after {value} s",
        "a task that takes longer runs twice", BEHIND, name="visibility_timeout (shorter)",
    ),
    Relaxed(
        ("consumer_timeout",),
        lambda at: 30 * DAY_MS if at.data.get("broker") == "rabbitmq" and at.value else None,
        "a worker loses its channel {value} ms after a delivery that is not acknowledged",
        "a worker that hangs holds its tasks", AGAIN,
    ),
    Relaxed(
        (READERS, "queue_arguments", "x-consumer-timeout"), if_given(30 * DAY_MS),
        "a worker loses its channel {value} ms after a delivery that is not acknowledged",
        "a worker that hangs holds its tasks", AGAIN,
    ),
    Relaxed(
        ("config", "worker_prefetch_multiplier"),
        lambda at: 1 if at.value != 1 or not at.other("config", "task_acks_late") else None,
        "tasks are held behind others ({value} for each child, besides those that run)",
        "a round trip for each task; acks late: a task whose worker dies runs again", AGAIN,
        {("config", "task_acks_late"): True},
    ),
    Relaxed(
        ("config", "worker_prefetch_multiplier"), lambda at: 64 if 0 < at.value < 4 else None,
        "a worker is sent {value} tasks a child", "tasks are held behind others", BEHIND,
        name="worker_prefetch_multiplier (64)",
    ),
    Relaxed(
        ("config", "task_acks_late"), fixed(True, None), "a task is acknowledged before it runs",
        "a task whose worker dies runs twice", ("lost",),
        {("config", "task_reject_on_worker_lost"): True},
    ),
    Relaxed(
        ("config", "task_reject_on_worker_lost"),
        lambda at: True if at.other("config", "task_acks_late") and not at.value else None,
        "a task whose child died counts as failed", "a task that kills its child runs for ever",
        ("lost",),
    ),
    Relaxed(
        ("config", "task_acks_late"), fixed(False, None), "a task is acknowledged after it ran",
        "a task whose worker dies is lost", ("duplicates",), name="task_acks_late (false)",
    ),
    Relaxed(
        ("REMAP_SIGTERM",), if_given(""), "SIGTERM stops a worker at once",
        "a worker takes as long to stop as its tasks", ("lost", "duplicates"),
    ),
    Relaxed(
        ("config", "worker_soft_shutdown_timeout"), up(600.0),
        "a cold shutdown waits {value} s for running tasks", "a slower stop",
        ("lost", "duplicates"),
    ),
    Relaxed(
        ("config", "broker_heartbeat"), down(10.0),
        "a dead worker is noticed after {value} s", "more heartbeats", BEHIND,
    ),
    Relaxed(
        (READERS, "task", "countdown"), lambda at: 0.0 if at.value else None,
        "a task is held for {value} s before it runs", "it runs at once", ("duplicates", "late"),
    ),
    Relaxed(
        (READERS, "task", "autoretry_for"), lambda at: None if at.value else ["Exception"],
        "an exception is the end of a task", "a task that fails runs again", ("lost",),
    ),
    Relaxed(
        (READERS, "task", "max_retries"),
        lambda at: 1_000 if at.other(READERS, "task", "autoretry_for") else None,
        "a task is given up after {value} retries", "a task that always fails runs for ever",
        ("lost",),
    ),
    _CEILINGS,
)  # fmt: skip

_POLLS = 10
"""Records of a poll below which a poll for each few of them may cost more than their work."""

LOG = (
    Relaxed(
        (READERS, "on_failure", "backoff"), down(0.1),
        "{value} s of back-off between two attempts", "retries in quick succession", ANY,
        key="on_failure.backoff",
    ),
    Relaxed(
        (READERS, "on_failure", "attempts"), lambda at: 3 if at.value is None else None,
        "a record that fails is tried for ever", "a record is skipped after three attempts", BEHIND,
        key="on_failure.attempts",
    ),
    Relaxed(
        (READERS, "on_failure", "attempts"), if_given(1_000),
        "a record is given up after {value} attempts", "its partition waits for it",
        ("lost", "dead_lettered"), name="on_failure.attempts (1000)", key="on_failure.attempts",
    ),
)  # fmt: skip

KAFKA_GROUP = (
    Relaxed(
        (READERS, "max.poll.interval.ms"), up(DAY_MS),
        "a member leaves the group when it is {value} ms from one poll to the next",
        "a member that hangs keeps its partitions", ANY,
    ),
    Relaxed(
        (READERS, "session.timeout.ms"),
        lambda at: 6_000.0
        if at.other(READERS, "group.protocol") == "classic" and (at.value or 45_000.0) > 6_000.0
        else None,
        "partitions of a dead member stand still for {value} ms",
        "a member that pauses for 6 s is taken for dead", BEHIND,
        {(READERS, "heartbeat.interval.ms"): 2_000.0},
    ),
    Relaxed(
        (READERS, "session.timeout.ms"),
        lambda at: 600_000.0
        if at.other(READERS, "group.protocol") == "classic" and (at.value or 45_000.0) < 600_000.0
        else None,
        "a member that is silent for {value} ms is taken for dead",
        "partitions of a dead member stand still for longer", AGAIN,
        {(READERS, "max.poll.interval.ms"): DAY_MS}, name="session.timeout.ms (longer)",
    ),
    Relaxed(
        ("brokers", "group.consumer.session.timeout.ms"),
        lambda at: 10_000.0
        if at.other(READERS, "group.protocol") == "consumer" and at.value > 10_000
        else None,
        "partitions of a dead member stand still for {value} ms",
        "a member that pauses for 10 s is taken for dead", BEHIND,
    ),
    Relaxed(
        (READERS, "max.poll.records"), lambda at: 1 if _java(at) and at.value > 1 else None,
        "up to {value} records of a poll wait behind each other",
        "a poll for each record", ANY,
    ),
    Relaxed(
        (READERS, "max.poll.records"),
        lambda at: 500 if _java(at) and at.value <= _POLLS else None,
        "{value} a poll", "a member that dies repeats more", BEHIND, name="max.poll.records (500)",
    ),
    Relaxed(
        (READERS, "group.instance.id"), lambda at: None if at.value else "member",
        "a member that restarts makes the group rebalance, twice",
        "partitions of a member that stays away stand still", ("late", "duplicates"),
    ),
    Relaxed(
        (READERS, "partition.assignment.strategy"),
        lambda at: ["cooperative-sticky"]
        if at.other(READERS, "group.protocol") == "classic" and at.value != ["cooperative-sticky"]
        else None,
        "all members stop for each rebalance", "a rebalance takes two rounds",
        ("late", "duplicates"),
    ),
    Relaxed(
        (READERS, "enable.auto.offset.store"),
        lambda at: False
        if at.other(READERS, "client") == "librdkafka"
        and at.other(READERS, "enable.auto.commit")
        and at.value
        else None,
        "an offset is committed before its record is processed", "some records are processed twice",
        ("lost",),
    ),
    Relaxed(
        (READERS, "commit", "when"), lambda at: "after" if at.value == "before" else None,
        "offsets are committed before their records are processed",
        "some records are processed twice", ("lost",), key="commit.when",
    ),
    Relaxed(
        (READERS, "auto.commit.interval.ms"),
        lambda at: 100.0
        if at.other(READERS, "enable.auto.commit") and at.value > 100
        else None,
        "what was processed in the {value} ms since the last commit comes again",
        "fifty times as many commits", ("duplicates",),
    ),
    Relaxed(
        (READERS, "commit", "per"),
        lambda at: None
        if at.other(READERS, "enable.auto.commit") or at.value == "record"
        else "record",
        "what was processed of a batch comes again", "a commit for each record", ("duplicates",),
        key="commit.per",
    ),
    Relaxed(
        (READERS, "auto.offset.reset"), fixed("earliest", None),
        "where there is no committed offset, reading goes on at {value}",
        "records are read again", ("lost", "unfinished"),
    ),
    Relaxed(
        (READERS, "fetch.min.bytes"), down(1), "a fetch waits for {value} B", "more fetches",
        ("late",),
    ),
    *LOG,
)  # fmt: skip


def _java(at: At) -> bool:
    return bool(at.other(READERS, "client") == "java")


SHARE_GROUP = (
    Relaxed(
        (READERS, "group.share.record.lock.duration.ms"),
        _longer_lock(lambda at: int(at.other(READERS, "max.poll.records")), 3_600_000, 1e3),
        "a record that is held for {value} ms is handed to another", _LATER, AGAIN,
    ),
    Relaxed(
        (READERS, "group.share.delivery.count.limit"), up(25),
        "a record is archived after {value} deliveries", "a record that always fails comes back",
        GONE,
    ),
    Relaxed(
        (READERS, "group.share.partition.max.record.locks"), up(10_000),
        "at most {value} records of a partition are out at a time", "more memory", BEHIND,
    ),
    Relaxed(
        (READERS, "max.poll.records"), down(1),
        "up to {value} records of a poll wait behind each other", "a poll for each record", ANY,
    ),
    Relaxed(
        (READERS, "max.poll.records"), lambda at: 500 if at.value <= _POLLS else None,
        "{value} a poll", "a member holds more records", BEHIND, name="max.poll.records (500)",
    ),
)  # fmt: skip
