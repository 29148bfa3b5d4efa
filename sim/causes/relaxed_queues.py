"""The lines of `sim.causes.relaxed` that are of queues: SQS, RabbitMQ, Celery."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Any

from sim.causes.data import HarmKind
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
    grown,
    if_given,
    longer_lock,
    shorter_lock,
    up,
)
from sim.scenario.products.celery import VISIBILITY_TIMEOUT_S
from sim.scenario.products.rabbitmq_broker import since


def _receives(at: At) -> int:
    batch = at.other(READERS, "lambda", "BatchSize")
    return int(batch or at.other(READERS, "MaxNumberOfMessages"))


def _by_workers(to: To) -> To:
    """Of an SQS queue that workers empty; Lambda's pollers have values of their own."""
    return lambda at: None if at.other(READERS, "lambda") else to(at)


def _by_lambda(to: To) -> To:
    """Of one that Lambda empties."""
    return lambda at: to(at) if at.other(READERS, "lambda") else None


def _capped(at: At) -> Any:
    """MaximumConcurrency at what is reserved, where it is not."""
    reserved = at.other(READERS, "lambda", "ReservedConcurrentExecutions")
    nested = at.other(READERS, "lambda", "ScalingConfig", "MaximumConcurrency")
    now = at.value or nested
    if not reserved or reserved < 2 or reserved > 1_000 or (now and now <= reserved):
        return None
    return reserved


def _longer(at: At) -> Any:
    """A function's timeout as long as the visibility timeout lets it be; if it is that, 900 s."""
    if not at.value or at.value >= 900:
        return None
    visible = int(at.other(READERS, "VisibilityTimeout"))
    return min(900, visible) if visible > at.value else 900


def _visible(at: At) -> int:
    """A visibility timeout that is no shorter than that."""
    return max(int(at.other(READERS, "VisibilityTimeout")), int(_longer(at) or 0))


_MANY_POLLERS = {"MinimumPollers": 100, "MaximumPollers": 2_000}


def _finer(at: At) -> Any:
    """All dimensions of the key in place of some."""
    keys = list(at.scenario.workload.keys)
    return keys if at.value and set(at.value) < set(keys) else None


def _fair(at: At) -> Any:
    """Of a standard queue, the dimensions that tell apart whose messages the scenario is about."""
    shows = at.scenario.shows
    if at.value or at.other(READERS, "FifoQueue") or shows is None:
        return None
    return [*(shows.of or {}), *(shows.without or {})] or None


_BEAT = (READERS, "heartbeat")
_EXTENDED = (*_BEAT, "VisibilityTimeout")


def _extended(at: At) -> int:
    """How long a heartbeat hides a message, s."""
    return int(at.other(*_EXTENDED) or at.other(READERS, "VisibilityTimeout"))


def _beaten(to: To) -> To:
    """Of a queue whose workers send heartbeats."""
    return lambda at: to(at) if at.other(*_BEAT) else None


def _sooner(at: At) -> Any:
    """An interval within what it extends, where it is not."""
    least = min(_extended(at), int(at.other(READERS, "VisibilityTimeout")))
    return max(1, least // 2) if at.value >= least > 1 else None


def _tighter(at: At) -> Any:
    """What heartbeats just keep, where they hide messages for much longer."""
    wanted = ceil(1.5 * at.other(*_BEAT, "interval"))
    return wanted if wanted <= _extended(at) / 2 else None


_MORE_HELD = "a worker that dies holds more messages"
_ORDER = "the order that it keeps"

SQS = (
    Relaxed(
        (READERS, "VisibilityTimeout"), longer_lock(_receives, 43_200),
        "messages become visible again after {s}, while a worker is at them", LATER, AGAIN,
    ),
    Relaxed(
        (READERS, "VisibilityTimeout"), _by_workers(shorter_lock(_receives, 1)),
        "what a worker holds that is gone comes back only after {s}",
        "a batch that takes longer is processed twice", BEHIND, name="VisibilityTimeout (shorter)",
    ),
    Relaxed(
        (*_BEAT, "interval"), _beaten(_sooner),
        "a heartbeat each {s} comes when the visibility timeout has ended", "more calls", AGAIN,
        name="heartbeat.interval", key="heartbeat.interval",
    ),
    Relaxed(
        _EXTENDED, _beaten(_tighter),
        "what a worker holds that is gone comes back only after {s}",
        "a worker that stands still for that long loses what it has in hand", BEHIND,
        {(READERS, "VisibilityTimeout"): _tighter}, name="heartbeat.VisibilityTimeout (shorter)",
        default=_extended,
    ),
    Relaxed(
        _EXTENDED,
        _beaten(lambda at: min(43_200, 10 * _extended(at)) if _extended(at) < 43_200 else None),
        "a worker that sends no heartbeat for {s} loses what it has in hand", LATER, AGAIN,
        {(READERS, "VisibilityTimeout"): lambda at: min(43_200, 10 * _extended(at))},
        name="heartbeat.VisibilityTimeout", default=_extended,
    ),
    Relaxed(
        (READERS, "terminateVisibilityTimeout"),
        lambda at: 300 if at.value is not None and at.value < 60 else None,
        "what fails comes back after {s}, and uses up its receives",
        "what fails comes again later", ("dead_lettered", "redelivered"),
    ),
    Relaxed(
        (READERS, "terminateVisibilityTimeout"), lambda at: 0 if at.value else None,
        "what fails comes back only after {s}", "what fails comes back at once", BEHIND,
        name="terminateVisibilityTimeout (0)",
    ),
    Relaxed(
        (READERS, "MaxNumberOfMessages"), _by_workers(up(10)), "{value} a call", _MORE_HELD, BEHIND,
    ),
    Relaxed(
        (READERS, "MaxNumberOfMessages"), _by_workers(down(1)),
        "up to {value} messages wait behind each other in the hands of one worker",
        "a call for each message", AGAIN, name="MaxNumberOfMessages (1)",
    ),
    Relaxed(
        (READERS, "ReceiveMessageWaitTimeSeconds"), _by_workers(up(20)), "short polls", "nothing",
        BEHIND,
    ),
    Relaxed(
        (READERS, "RedrivePolicy", "maxReceiveCount"), up(1_000),
        "a message is dead-lettered after {value} receives",
        "a message that always fails comes back a thousand times", ("dead_lettered",),
    ),
    Relaxed(
        (READERS, "MessageRetentionPeriod"), up(1_209_600),
        "a message older than {s} is deleted unread", "more is stored", GONE,
    ),
    Relaxed(
        (READERS, "MessageGroupId"),
        lambda at: _finer(at) if at.other(READERS, "FifoQueue") else None,
        "no more workers than message groups of {value} are busy",
        "order holds only within the finer groups", BEHIND,
    ),
    Relaxed(
        (READERS, "MessageGroupId"), _fair,
        "a standard queue without message groups is no fair queue",
        "senders name the tenant of each message", ("slower",), {(READERS, "order"): None},
        name="MessageGroupId (fair queue)",
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
        (READERS, "delete"), _by_workers(fixed("batch", None)), "a delete call for each message",
        "a worker that dies repeats a batch", BEHIND,
    ),
    Relaxed(
        (READERS, "lambda", "ReservedConcurrentExecutions"), if_given(""),
        "no more than {value} invocations run at a time, and pollers receive more than that",
        "concurrency of the account", ANY,
    ),
    Relaxed(
        (READERS, "lambda", "MaximumConcurrency"), _capped,
        "pollers receive more than the invocations that are reserved can take",
        "what cannot run waits in the queue", ("dead_lettered", "redelivered", "duplicates"),
        {(READERS, "lambda", "ScalingConfig"): None}, name="MaximumConcurrency (as reserved)",
    ),
    Relaxed(
        (READERS, "lambda", "MaximumConcurrency"), if_given(""),
        "no more than {value} invocations by the event source mapping", "more concurrency", BEHIND,
        {(READERS, "lambda", "ReservedConcurrentExecutions"): None},
    ),
    Relaxed(
        (READERS, "lambda", "ScalingConfig", "MaximumConcurrency"), if_given(""),
        "no more than {value} invocations by the event source mapping", "more concurrency", BEHIND,
        {(READERS, "lambda", "ReservedConcurrentExecutions"): None},
        name="ScalingConfig.MaximumConcurrency",
    ),
    Relaxed(
        (READERS, "lambda", "ProvisionedPollerConfig"),
        _by_lambda(lambda at: None if at.value else _MANY_POLLERS),
        "pollers become no more than 300 more a minute", "provisioned pollers are paid for", BEHIND,
        {(READERS, "lambda", key): None for key in ("MaximumConcurrency", "ScalingConfig")},
    ),
    Relaxed(
        (READERS, "lambda", "BatchSize"), _by_lambda(up(10)), "{value} an invocation",
        "more messages fail with one that does", BEHIND,
    ),
    Relaxed(
        (READERS, "lambda", "BatchSize"), down(1),
        "up to {value} messages are behind each other in an invocation, and fail together",
        "an invocation for each message", AGAIN, name="BatchSize (1)",
    ),
    Relaxed(
        (READERS, "lambda", "FunctionResponseTypes"),
        _by_lambda(lambda at: None if at.value else ["ReportBatchItemFailures"]),
        "a message that fails takes its whole batch with it",
        "the function has to tell which failed", AGAIN,
    ),
    Relaxed(
        (READERS, "lambda", "Timeout"), _longer, "an invocation is ended after {s}",
        "one that hangs holds its batch", AGAIN, {(READERS, "VisibilityTimeout"): _visible},
    ),
    Relaxed(
        (READERS, "lambda", "MaximumBatchingWindowInSeconds"),
        lambda at: 0 if at.value and at.other(READERS, "lambda", "BatchSize") <= 10 else None,
        "batches are gathered for {s}", "more invocations", BEHIND,
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


def _soonest(at: At) -> Any:
    """Of times to live, the shortest alone; None: there are not several."""
    given = at.value or []
    times = list(next(iter(given.values())).values()) if isinstance(given, dict) else given
    known = [ms for ms in times if ms is not None]
    return min(known) if known and len(set(times)) > 1 else None


_CEILINGS = Relaxed(
    ("ceilings", "apply"), fixed(False, None), "a ceiling of the broker or its client",
    "a larger machine, or more of them", ("late", "unfinished", "lost"), key="ceilings",
)  # fmt: skip

_RETRY = "x-delayed-retry-type"


def _retried_later(at: At) -> Any:
    """Of a quorum queue that can have it: all that comes back waits."""
    quorum = at.other(READERS, "arguments", "x-queue-type") == "quorum"
    if not quorum or at.value != "disabled" or not since(at.data["version"], 4, 3):
        return None
    return "all"


RABBITMQ = (
    Relaxed(
        (READERS, "prefetch_count"), lambda at: 1 if at.value > 1 else None,
        "up to {value} messages wait behind each other at one consumer",
        "a round trip for each message", ANY,
    ),
    Relaxed(
        (READERS, "prefetch_count"), lambda at: None if at.value else 1,
        "without a limit (quorum queue: 2,000), messages wait behind each other at one consumer",
        "a round trip for each message", ANY, name="prefetch_count (0)",
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
        "a message that always fails comes back for ever", GONE, default=20,
    ),
    Relaxed(
        (READERS, "arguments", "x-delayed-retry-min"),
        lambda at: None if at.other(READERS, "arguments", _RETRY) == "disabled" else down(1)(at),
        "a message that came back waits for {ms}, and longer each time that counts",
        "what fails comes again at once, before what nobody has had", BEHIND,
    ),
    Relaxed(
        (READERS, "arguments", _RETRY), _retried_later,
        "what is returned comes again at once, before what nobody has had",
        "what fails comes later", AGAIN,
        {
            (READERS, "arguments", "x-delayed-retry-min"): 10_000,
            (READERS, "arguments", "x-delayed-retry-max"): 600_000,
        },
    ),
    Relaxed(
        ("producer", "priority"), if_given([]),
        "messages of a higher priority go first", "what is urgent waits in line", BEHIND,
    ),
    Relaxed(
        (READERS, "arguments", "x-message-ttl"), if_given(""), "a message expires after {ms}",
        "old messages are processed", GONE,
    ),
    Relaxed(
        ("producer", "expiration"), _soonest,
        "a message expires only at the head of its queue, behind those that expire later",
        "one time to live for all; a queue for each of them keeps them all", BEHIND,
        key="expiration",
    ),
    Relaxed(
        ("producer", "expiration"), if_given([]),
        "a message expires that has waited for its time to live", "old messages are processed",
        GONE, name="expiration (none)", key="expiration",
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
        "a channel is closed {ms} after a delivery that is not acknowledged",
        "a consumer that hangs holds its messages", AGAIN,
    ),
    Relaxed(
        ("consumer_timeout",), if_given(30 * DAY_MS),
        "a channel is closed {ms} after a delivery that is not acknowledged",
        "a consumer that hangs holds its messages", AGAIN,
    ),
    Relaxed(
        ("heartbeat",), down(10), "a dead connection is noticed after {s}", "more heartbeats",
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
        now_s = at.value or _tag_default(at)
        held_s = (at.other(READERS, "task", "countdown") or 0.0) + 10 * at.one_s
        if longer:
            most_s = 43_200.0 if at.data["broker"] == "sqs" else 30 * 86_400.0
            return min(most_s, max(10 * now_s, 2 * held_s))
        shorter_s = max(10.0, 1.5 * held_s, now_s / 20)
        return shorter_s if shorter_s <= now_s / 2 else None

    return to


def _tag_default(at: At) -> float:
    return VISIBILITY_TIMEOUT_S["redis" if at.data["broker"] == "redis" else "sqs"]


def _of_task(at: At, option: str) -> Any:
    """What an option of the queue's task is: its own, or else the setting for all tasks."""
    own = at.other(READERS, "task", option)
    return at.other("config", f"task_{option}") if own is None else own


def _task_option(
    option: str,
    to: bool,
    what: str,
    cost: str,
    helps: Sequence[HarmKind],
    also: Mapping[tuple[str, ...], Any] = MappingProxyType({}),
    when: Callable[[At], bool] = lambda at: True,
) -> tuple[Relaxed, Relaxed]:
    """The setting for all tasks, and the option of the queue's task, which comes first if given."""

    def other(at: At) -> Any:
        return to if _of_task(at, option) is not to and when(at) else None

    name = "" if to else " (false)"
    own, setting = (READERS, "task", option), ("config", f"task_{option}")
    return (
        Relaxed(
            setting, lambda at: other(at) if at.other(*own) is None else None,
            what, cost, helps, also, name=f"task_{option}{name}",
        ),
        Relaxed(
            own, lambda at: None if at.value is None else other(at),
            what, cost, helps, also, name=f"{option}{name}",
        ),
    )  # fmt: skip


_OPTION = ("config", "broker_transport_options", "visibility_timeout")

CELERY = (
    Relaxed(
        _OPTION, _tag_lock(True), "a task that is held for {s} is delivered again",
        "what a dead worker holds comes back later", AGAIN, default=_tag_default,
    ),
    Relaxed(
        _OPTION, _tag_lock(False), "what a dead worker holds comes back only after {s}",
        "a task that takes longer runs twice", BEHIND, name="visibility_timeout (shorter)",
        default=_tag_default,
    ),
    Relaxed(
        ("consumer_timeout",),
        lambda at: 30 * DAY_MS if at.data.get("broker") == "rabbitmq" and at.value else None,
        "a worker loses its channel {ms} after a delivery that is not acknowledged",
        "a worker that hangs holds its tasks", AGAIN,
    ),
    Relaxed(
        (READERS, "queue_arguments", "x-consumer-timeout"), if_given(30 * DAY_MS),
        "a worker loses its channel {ms} after a delivery that is not acknowledged",
        "a worker that hangs holds its tasks", AGAIN,
    ),
    Relaxed(
        ("config", "worker_prefetch_multiplier"),
        lambda at: 1 if at.value != 1 or not _of_task(at, "acks_late") else None,
        "tasks are held behind others ({value} for each child, besides those that run)",
        "a round trip for each task; acks late: a task whose worker dies runs again", AGAIN,
        {(READERS, "task", "acks_late"): True},
    ),
    Relaxed(
        ("config", "worker_eta_task_limit"), if_given(""),
        "a worker holds no more than {value} tasks for their ETA, and then asks for fewer",
        "a worker needs memory for all tasks that wait for their ETA", BEHIND,
    ),
    Relaxed(
        ("config", "worker_prefetch_multiplier"), lambda at: 64 if 0 < at.value < 4 else None,
        "a worker is sent {value} tasks a child", "tasks are held behind others", BEHIND,
        name="worker_prefetch_multiplier (64)",
    ),
    *_task_option(
        "acks_late", True, "a task is acknowledged before it runs",
        "a task whose worker dies runs twice", ("lost",),
        {(READERS, "task", "reject_on_worker_lost"): True},
    ),
    *_task_option(
        "reject_on_worker_lost", True, "a task whose child died counts as failed",
        "a task that kills its child runs for ever", ("lost",),
        when=lambda at: bool(_of_task(at, "acks_late")),
    ),
    *_task_option(
        "acks_late", False, "a task is acknowledged after it ran",
        "a task whose worker dies is lost", ("duplicates",),
    ),
    Relaxed(
        ("REMAP_SIGTERM",), if_given(""), "SIGTERM stops a worker at once",
        "a worker takes as long to stop as its tasks", ("lost", "duplicates"),
    ),
    Relaxed(
        ("config", "worker_soft_shutdown_timeout"), up(600.0),
        "a cold shutdown waits {s} for running tasks", "a slower stop",
        ("lost", "duplicates"),
    ),
    Relaxed(
        ("config", "broker_heartbeat"), down(10.0),
        "a dead worker is noticed after {s}", "more heartbeats", BEHIND,
    ),
    Relaxed(
        (READERS, "task", "countdown"), lambda at: 0.0 if at.value else None,
        "a task is held for {s} before it runs", "it runs at once", ("duplicates", "late"),
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
