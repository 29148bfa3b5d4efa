"""Amazon SQS queues by the attributes of `CreateQueue`, `SendMessage` and `ReceiveMessage`.

Defaults and ranges:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html and
…/API_ReceiveMessage.html; in-flight limit:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html;
what a stale receipt does: …/API_DeleteMessage.html. The latencies, and how many servers hold a
queue and answer a short poll, are the lab's assumptions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.foundation.config import Config, KeyPath, Refusal, RefusedError
from sim.foundation.units import (
    Count,
    Distribution,
    PositiveCount,
    Seconds,
    WholeSeconds,
    lognormal,
    shown,
)
from sim.ledger.policy import LedgerPolicy
from sim.scenario.products.aws_lambda import SqsFunction
from sim.scenario.products.base import Jobs, Name, ProductSystem, Selection
from sim.scenario.products.not_modelled import NotModelled
from sim.scenario.products.sqs_dead_letters import is_linked, linked, refused


def from_json(value: Any) -> Any:
    """AWS gives the redrive policy as a JSON object inside a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(
            "expected a mapping or a JSON object such as '{\"maxReceiveCount\": 5}', "
            f"not {shown(value)}"
        ) from None


class RedrivePolicy(Config):
    """When a message that keeps failing goes to the dead-letter queue."""

    max_receive_count: Annotated[PositiveCount, Field(le=1000)] = Field(alias="maxReceiveCount")
    """Receives after which the message is moved instead of delivered again, 1 to 1,000."""
    dead_letter_target_arn: str | None = Field(default=None, alias="deadLetterTargetArn")
    """ARN of the dead-letter queue. If a queue of the system has the name at its end, messages go
    there (SS-18), which may have workers of its own; else the lab only counts them."""


class SqsHeartbeat(Config):
    """While a worker has a batch in hand, `ChangeMessageVisibility` at intervals (SS-06).

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    and …/APIReference/API_ChangeMessageVisibility.html: the new timeout counts from the call, and a
    call is refused that would hide a message for more than 12 hours from its receive on. The lab
    sends the first call an interval after the work on a batch begins, and takes it to arrive at
    once; a worker that is dead sends none, one that was paused sends its next as it goes on.
    """

    shorthand = "interval"

    interval: WholeSeconds = Field(ge=1)
    """Between calls, s; `heartbeatInterval` of sqs-consumer."""
    visibility_timeout: Annotated[WholeSeconds, Field(ge=1, le=43200)] | None = Field(
        default=None, alias="VisibilityTimeout"
    )
    """How long each call hides messages from then on, s; null: as the queue's."""


LONGEST_HIDDEN_S = 43_200.0
"""A message is hidden for no longer from its receive on (12 hours)."""


_OF_FUNCTIONS = ("slow", "database", "poison", "bug", "seek")
"""Faults of what a function does, or of messages."""


_OF_WORKERS = (
    "does", "ledger", "delete", "MaxNumberOfMessages", "VisibilityTimeout", "max_in_flight",
    "ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "stale_receipt", "heartbeat",
    "terminateVisibilityTimeout",
)  # fmt: skip
"""Keys that matter only where somebody empties a queue."""


class SqsQueue(Config):
    """One queue, and the workers or the Lambda function that empty it."""

    not_modelled = NotModelled("aws", "sqs queue")
    alternatives = (("workers",), ("lambda",))

    workers: Count | None = None
    """Single-threaded workers that compete for the messages; 0: nobody empties this dead-letter
    queue, from which `fault: redrive` can move messages back."""
    function: SqsFunction | None = Field(default=None, alias="lambda")
    """In place of workers: a Lambda function, and the pollers of its event source mapping."""
    does: Jobs = Field(default_factory=list)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    filter_policy: Annotated[
        Selection | None, BeforeValidator(from_json, json_schema_input_type=Selection | str | None)
    ] = Field(default=None, alias="FilterPolicy")
    """Of its SNS subscription: values, by dimension of `workload.keys` (message attributes), of the
    messages that get into the queue; those that no queue lets in are dropped. Null: all get in."""
    delete: Literal["batch", "each"] = "batch"
    """Delete with one call after a batch, or with one call after each message."""
    max_number_of_messages: Annotated[PositiveCount, Field(le=10)] = Field(
        default=1, alias="MaxNumberOfMessages"
    )
    """Most messages that one receive returns, 1 to 10."""
    visibility_timeout: Annotated[WholeSeconds, Field(le=43200)] = Field(
        default=30, alias="VisibilityTimeout"
    )
    """A message not deleted this long after its receive becomes visible again, s; 0 to 12 h."""
    heartbeat: SqsHeartbeat | None = None
    """How workers extend the visibility timeout of what they have in hand; an interval alone will
    do: `heartbeat: 20`. Null: they do not."""
    terminate_visibility_timeout: Annotated[WholeSeconds, Field(le=43200)] | None = Field(
        default=None, alias="terminateVisibilityTimeout"
    )
    """`ChangeMessageVisibility` of a message whose handler raised (and, FIFO, of the rest of its
    batch): it becomes visible again after this, s; 0: at once. Named as in sqs-consumer. Null: it
    waits out its timeout."""
    receive_message_wait_time_seconds: Annotated[WholeSeconds, Field(le=20)] = Field(
        default=0, alias="ReceiveMessageWaitTimeSeconds"
    )
    """How long a receive waits for a message, s, up to 20; 0 is short polling."""
    message_retention_period: Annotated[WholeSeconds, Field(ge=60, le=1209600)] = Field(
        default=345600, alias="MessageRetentionPeriod"
    )
    """A message older than this is deleted unread, s; 60 s to 14 days."""
    delay_seconds: Annotated[WholeSeconds, Field(le=900)] = Field(default=0, alias="DelaySeconds")
    """How long a new message stays invisible, s, up to 900."""
    redrive_policy: Annotated[
        RedrivePolicy | None,
        BeforeValidator(from_json, json_schema_input_type=RedrivePolicy | str | None),
    ] = Field(default=None, alias="RedrivePolicy")
    """Dead-letter queue; null: failing messages come back until they expire."""
    order: Literal["returned-first", "as-visible", "fresh-first"] = "as-visible"
    """Not FIFO: whether a receive takes messages that came back after their visibility timeout
    before those never received, each in turn as it became visible, or behind them (SS-16). AWS does
    not say; an SQS-compatible server, ElasticMQ, takes them as they become visible."""
    stale_receipt: Literal["ignored", "deletes"] = "ignored"
    """Not FIFO: what a delete with a receipt older than the message's last receive does: nothing,
    as AWS documents and servers that refuse it, or delete the message all the same (SS-03)."""
    max_in_flight: PositiveCount = 120_000
    """Most messages received and not deleted; AWS's quota is about 120,000."""
    fifo_queue: bool = Field(default=False, alias="FifoQueue")
    """Strict order within each message group, which is blocked while a message of it is in flight
    (SF-01); false: a standard queue."""
    message_group_id: list[str] | None = Field(default=None, alias="MessageGroupId")
    """Dimensions of `workload.keys` that make up each message's group. Given on a standard queue,
    it is a fair queue, and the groups are its tenants (SS-14)."""
    message_deduplication_id: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, alias="MessageDeduplicationId"
    )
    """FIFO: dimensions that make up the deduplication id; of messages with the same id, one in five
    minutes is let in (SF-03). Null: every message has its own."""
    deduplication_scope: Literal["queue", "messageGroup"] = Field(
        default="queue", alias="DeduplicationScope"
    )
    """FIFO: within what a deduplication id is looked for."""
    fifo_throughput_limit: Literal["perQueue", "perMessageGroupId"] = Field(
        default="perQueue", alias="FifoThroughputLimit"
    )
    """FIFO: 300 calls a second of each kind, or with perMessageGroupId the high-throughput mode,
    whose quota of thousands the lab does not enforce (SF-05)."""
    look_ahead: PositiveCount = 120_000
    """FIFO: only so many messages from the front are searched for groups that are free (SF-06)."""

    @model_validator(mode="after")
    def _works(self) -> Self:
        if not self.unread and not self.does:
            raise RefusedError([Refusal((("does",),), "is empty; give at least one")])
        return self

    @model_validator(mode="after")
    def _fifo(self) -> Self:
        if self.fifo_queue and self.message_group_id is None:
            raise ValueError(
                "a FIFO queue needs a 'MessageGroupId': dimensions of 'workload.keys', or [] for "
                "one group of all messages"
            )
        for key in (
            "MessageDeduplicationId", "DeduplicationScope", "FifoThroughputLimit", "look_ahead",
        ):  # fmt: skip
            if self.given(key) and not self.fifo_queue:
                raise ValueError(f"{key!r} is of queues with 'FifoQueue: true'")
        for key in ("order", "stale_receipt"):
            if self.given(key) and self.fifo_queue:
                raise ValueError(f"{key!r} is of standard queues: a FIFO queue says it itself")
        if self.order == "fresh-first" and self.message_group_id is not None:
            raise ValueError("a fair queue knows no order 'fresh-first'")
        if self.order == "fresh-first" and self.changes_visibility:
            raise ValueError(
                "the lab knows no order 'fresh-first' with 'heartbeat' or "
                "'terminateVisibilityTimeout'"
            )
        per_group = self.fifo_throughput_limit == "perMessageGroupId"
        if per_group and self.deduplication_scope != "messageGroup":
            raise ValueError(
                "'FifoThroughputLimit: perMessageGroupId' needs 'DeduplicationScope: messageGroup'"
            )
        return self

    @model_validator(mode="after")
    def _lambda(self) -> Self:
        function = self.function
        if function is None:
            return self
        if self.order == "fresh-first":
            raise ValueError("a queue that Lambda empties knows no order 'fresh-first'")
        if self.fifo_queue and function.batch_size > 10:
            raise ValueError("of a FIFO queue, the 'BatchSize' is 1 to 10")
        if self.fifo_queue and function.maximum_batching_window_in_seconds:
            raise ValueError("a FIFO queue has no 'MaximumBatchingWindowInSeconds'")
        if function.timeout is not None and self.visibility_timeout < function.timeout:
            raise ValueError(
                f"AWS refuses a 'VisibilityTimeout' of {self.visibility_timeout} s that is less "
                f"than the function's 'Timeout' of {function.timeout} s"
            )
        return self

    @property
    def changes_visibility(self) -> bool:
        """Whether workers call `ChangeMessageVisibility`."""
        return self.heartbeat is not None or self.terminate_visibility_timeout is not None

    @property
    def plain(self) -> bool:
        """Whether it is a standard queue, not fair, whose workers only receive and delete."""
        grouped = self.message_group_id is not None
        return not grouped and self.function is None and not self.changes_visibility

    @property
    def extended_s(self) -> float:
        """How long a heartbeat hides a message, s."""
        assert self.heartbeat is not None
        return float(self.heartbeat.visibility_timeout or self.visibility_timeout)

    @property
    def unread(self) -> bool:
        """Whether nobody empties it."""
        return self.function is None and not self.workers

    @property
    def batch(self) -> int:
        """Most messages that a worker, or an invocation of the function, has at a time."""
        if self.function is not None:
            return self.function.batch_size
        return self.max_number_of_messages

    @property
    def calls_per_s(self) -> float:
        """Quota of calls of each kind, 1/s (SF-05); inf: none."""
        limited = self.fifo_queue and self.fifo_throughput_limit == "perQueue"
        return 300.0 if limited else float("inf")

    @property
    def members(self) -> int:
        """How many workers, or invocations of the function at a time at most."""
        if self.function is not None:
            return min(self.function.pollers.most, self.function.concurrency)
        assert self.workers is not None
        return self.workers


class SqsProducer(Config):
    """The clients that send."""

    threads: PositiveCount = 8
    """Senders, each with one call under way at a time."""
    batch: Annotated[PositiveCount, Field(le=10)] = 10
    """Most messages in one `SendMessageBatch`, 1 to 10."""
    delay_per_state: Seconds = 0.0
    """With a lifecycle: DelaySeconds of a message is this, times the number of its state."""


class SqsLatency(Config):
    """Duration of each call (assumptions of the lab; AWS publishes none)."""

    send: Distribution = lognormal(0.012, 0.080)
    """`SendMessageBatch`"""
    receive: Distribution = lognormal(0.012, 0.080)
    """`ReceiveMessage` that finds messages."""
    delete: Distribution = lognormal(0.012, 0.080)
    """`DeleteMessage` or `DeleteMessageBatch`."""
    fanout: Seconds = 0.0
    """From SNS having a message to the queues having it; 0: sent to the queues directly."""


class SqsSystem(ProductSystem):
    """Queues, standard or FIFO; every message goes to each of them."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["sqs"]
    """`sqs`"""
    producer: SqsProducer = SqsProducer()
    """The senders."""
    queues: dict[Name, SqsQueue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: SqsLatency = SqsLatency()
    """Duration of calls."""
    servers: PositiveCount = 8
    """Servers over which a standard queue is spread, but for one with message groups, a `lambda`,
    `heartbeat` or `terminateVisibilityTimeout`, whose attributes are set anew, or between which and
    another queue of the system dead letters go."""
    servers_asked: Count = 4
    """Servers that a short poll asks; a long poll asks all."""

    @model_validator(mode="after")
    def _linked(self) -> Self:
        found = refused(self.queues)
        to = linked(self.queues)
        for name in self.queues:
            if is_linked(name, to) and self.queues[name].order == "fresh-first":
                why = "a queue of which dead letters go into another knows no order 'fresh-first'"
                found.append(Refusal((("queues", name, "order"),), why))
        if found:
            raise RefusedError(found)
        if not self.readers:
            raise ValueError("no queue has workers or a 'lambda'")
        return self

    @property
    def readers(self) -> Mapping[str, SqsQueue]:
        """The queues that somebody empties, by name."""
        return {name: queue for name, queue in self.queues.items() if not queue.unread}

    @property
    def redriven(self) -> Mapping[str, Sequence[str]]:
        """As `ProductSystem.redriven`: dead-letter queues, and where their messages come from."""
        found: dict[str, list[str]] = {}
        for name, target in linked(self.queues).items():
            found.setdefault(target, []).append(name)
        return found

    def scaled(self) -> Iterator[tuple[KeyPath, int]]:
        """As `ProductSystem.scaled`; of a function, what bounds its concurrency, where given."""
        for name, queue in self.readers.items():
            if queue.function is None:
                yield self.place_of(name), queue.members

    def no_fault(self, readers: str, fault: str) -> str | None:
        """As `ProductSystem.no_fault`: what polls for Lambda is AWS's."""
        if fault == "attributes" and readers in linked(self.queues).values():
            return "is a dead-letter queue, whose attributes the lab does not set while it runs"
        if self.queues[readers].function is None or fault in (*_OF_FUNCTIONS, "attributes"):
            return None
        return "is emptied by Lambda, whose pollers AWS runs and replaces: no fault strikes them"

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """As `ProductSystem.without_effect`."""
        to = linked(self.queues)
        if all(not queue.plain or is_linked(name, to) for name, queue in self.queues.items()):
            for key in ("servers", "servers_asked"):
                if self.given(key):
                    yield (key,), "has no effect: none of these queues is spread over servers"
        for name, queue in self.queues.items():
            here = self.place_of(name)
            if name in to.values() and queue.filter_policy is not None:
                yield (*here, "FilterPolicy"), "has no effect: only dead letters come here"
            if queue.unread:
                for key in _OF_WORKERS:
                    if queue.given(key) and (key != "does" or queue.does):
                        yield (*here, key), "has no effect: nobody empties this queue"
            if queue.function is None:
                continue
            for key in ("heartbeat", "terminateVisibilityTimeout"):
                if queue.given(key):
                    yield (
                        (*self.place_of(name), key),
                        "has no effect: it is of workers, and Lambda's pollers do not call "
                        "ChangeMessageVisibility",
                    )
            for key in ("delete", "MaxNumberOfMessages", "ReceiveMessageWaitTimeSeconds"):
                if queue.given(key):
                    yield (
                        (*self.place_of(name), key),
                        "has no effect: Lambda's pollers ask for up to ten messages, wait 20 s for "
                        "them, and delete a batch at once",
                    )
