"""The lines of `sim.causes.relaxed` that are of consumer groups and share groups of Kafka."""

from typing import Any

from sim.causes.relaxed import (
    AGAIN,
    ANY,
    BEHIND,
    DAY_MS,
    GONE,
    LATER,
    READERS,
    At,
    Relaxed,
    To,
    down,
    fixed,
    if_given,
    longer_lock,
    up,
)
from sim.scenario.faults.topics import PartitionsFault
from sim.scenario.products.kafka_membership import METADATA_MAX_AGE_MS, SESSION_TIMEOUT_MS

YEAR_MIN = 525_600
"""Minutes of a year."""
_POLLS = 10
"""Records of a poll below which a poll for each few of them may cost more than their work."""


def in_place(to: To) -> To:
    """Of readers that try a record again where it is."""
    return lambda at: to(at) if at.other(READERS, "retry_topics") is None else None


LOG = (
    Relaxed(
        (READERS, "on_failure", "backoff"), in_place(down(0.1)),
        "{s} of back-off between two attempts", "retries in quick succession", ANY,
        key="on_failure.backoff",
    ),
    Relaxed(
        (READERS, "on_failure", "attempts"), in_place(lambda at: 3 if at.value is None else None),
        "a record that fails is tried for ever", "a record is skipped after three attempts", BEHIND,
        key="on_failure.attempts",
    ),
    Relaxed(
        (READERS, "on_failure", "attempts"), if_given(1_000),
        "a record is given up after {value} attempts", "its partition waits for it",
        ("lost", "dead_lettered"), name="on_failure.attempts (1000)", key="on_failure.attempts",
    ),
)  # fmt: skip


def _longer_session(at: At) -> Any:
    """As long as it may be: in librdkafka, `max.poll.interval.ms` must not be shorter."""
    if at.other(READERS, "group.protocol") != "classic":
        return None
    most_ms = 600_000.0
    if at.other(READERS, "client") == "librdkafka":
        most_ms = min(most_ms, at.other(READERS, "max.poll.interval.ms"))
    return most_ms if (at.value or SESSION_TIMEOUT_MS) < most_ms else None


def _grows(at: At) -> bool:
    """Whether partitions are added to its topic."""
    return any(
        isinstance(fault, PartitionsFault) and fault.strikes_topic(at.system)
        for fault in at.scenario.faults
    )


def sooner(client: str, *path: str) -> To:
    """To metadata every second, of this client; ``path``: where it stands, if not a group's."""
    its = path or (READERS,)

    def to(at: At) -> Any:
        mine = at.other(*its, "client") == client and _grows(at)
        if not path and at.other(READERS, "group.protocol") != "classic":
            return None
        return 1_000.0 if mine and (at.value is None or at.value > 1_000.0) else None

    return to


RETRY_TOPICS = (
    Relaxed(
        (READERS, "retry_topics"), lambda at: None if at.value is None else "",
        "a record that fails is tried again behind others of its key",
        "its partition waits for it", ("out_of_order",),
        {
            (READERS, "on_failure"): lambda at: {
                "attempts": at.other(READERS, "retry_topics", "attempts"), "backoff": 1.0,
                "then": "dead-letter",
            }
        },
    ),
    Relaxed(
        (READERS, "retry_topics", "attempts"), up(10),
        "a record is given up after {value} attempts", "one that always fails is tried for longer",
        ("lost", "dead_lettered"), key="retry_topics.attempts",
    ),
    Relaxed(
        (READERS, "retry_topics", "timeout"), up(DAY_MS),
        "a record is given up {ms} after it was created",
        "one that always fails is tried for longer",
        ("lost", "dead_lettered"), key="retry_topics.timeout",
    ),
    Relaxed(
        (READERS, "retry_topics", "backoff", "delay"), down(100),
        "a record that failed waits {ms} in a retry topic", "retries in quick succession",
        (*BEHIND, "slower"), key="retry_topics.backoff.delay",
    ),
    Relaxed(
        (READERS, "retry_topics", "numPartitions"), up(12),
        "each retry topic has {value} partitions", "more partitions", (*BEHIND, "slower"),
        key="retry_topics.numPartitions",
    ),
)  # fmt: skip

KAFKA_GROUP = (
    Relaxed(
        (READERS, "max.poll.interval.ms"), up(DAY_MS),
        "a member leaves the group when it takes over {ms} from one poll to the next",
        "a member that hangs keeps its partitions", ANY,
    ),
    Relaxed(
        (READERS, "session.timeout.ms"),
        lambda at: 6_000.0
        if at.other(READERS, "group.protocol") == "classic" and (at.value or 45_000.0) > 6_000.0
        else None,
        "partitions of a dead member stand still for {ms}",
        "a member that pauses for 6 s is taken for dead", BEHIND,
        {(READERS, "heartbeat.interval.ms"): 2_000.0}, default=SESSION_TIMEOUT_MS,
    ),
    Relaxed(
        (READERS, "session.timeout.ms"),
        _longer_session,
        "a member that is silent for {ms} is taken for dead",
        "partitions of a dead member stand still for longer", AGAIN,
        name="session.timeout.ms (longer)", default=SESSION_TIMEOUT_MS,
    ),
    Relaxed(
        ("brokers", "group.consumer.session.timeout.ms"),
        lambda at: 10_000.0
        if at.other(READERS, "group.protocol") == "consumer" and at.value > 10_000
        else None,
        "partitions of a dead member stand still for {ms}",
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
        "what was processed in the {ms} since the last commit comes again",
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
        (READERS, "metadata.max.age.ms"), sooner("java"),
        "a group hears of partitions that were added only after {ms}", "more requests",
        ("late", "out_of_order"), default=METADATA_MAX_AGE_MS,
    ),
    Relaxed(
        (READERS, "topic.metadata.refresh.interval.ms"), sooner("librdkafka"),
        "a group hears of partitions that were added only after {ms}", "more requests",
        ("late", "out_of_order"), default=METADATA_MAX_AGE_MS,
    ),
    Relaxed(
        ("brokers", "offsets.retention.minutes"),
        lambda at: YEAR_MIN if 60 * at.value < at.ends_s else None,
        "the offsets of a group without members are deleted after {value} minutes",
        "offsets of groups that are gone for good are kept, too", ANY,
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
    *RETRY_TOPICS,
)  # fmt: skip


def _java(at: At) -> bool:
    return bool(at.other(READERS, "client") == "java")


SHARE_GROUP = (
    Relaxed(
        (READERS, "group.share.record.lock.duration.ms"),
        longer_lock(lambda at: int(at.other(READERS, "max.poll.records")), 3_600_000, 1e3),
        "a record that is held for {ms} is handed to another", LATER, AGAIN,
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
