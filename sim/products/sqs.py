"""Amazon SQS standard queues by the attributes of `CreateQueue` and `ReceiveMessage`.

Defaults and ranges:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html and
…/API_ReceiveMessage.html; in-flight limit:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html.
The latencies, and how many servers hold a queue and answer a short poll, are the lab's assumptions.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sim.config import Config
from sim.products.base import Jobs, LedgerPolicy, Name
from sim.units import Count, Distribution, PositiveCount, Seconds, WholeSeconds, lognormal, shown


def _from_json(value: Any) -> Any:
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
    """ARN of the dead-letter queue; the lab only counts what goes there."""


_STANDARD = "the lab runs a standard queue"
_NOT_MODELLED = {
    "ApproximateNumberOfMessages": "",
    "ApproximateNumberOfMessagesDelayed": "",
    "ApproximateNumberOfMessagesNotVisible": "",
    "ContentBasedDeduplication": _STANDARD,
    "CreatedTimestamp": "",
    "DeduplicationScope": _STANDARD,
    "FifoQueue": _STANDARD,
    "FifoThroughputLimit": _STANDARD,
    "KmsDataKeyReusePeriodSeconds": "",
    "KmsMasterKeyId": "",
    "LastModifiedTimestamp": "",
    "MaximumMessageSize": "",
    "Policy": "",
    "QueueArn": "",
    "RedriveAllowPolicy": "",
    "SqsManagedSseEnabled": "",
}


class Queue(Config):
    """One queue and the workers that empty it."""

    not_modelled = _NOT_MODELLED

    workers: PositiveCount
    """Single-threaded workers that compete for the messages."""
    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
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
        BeforeValidator(_from_json, json_schema_input_type=RedrivePolicy | str | None),
    ] = Field(default=None, alias="RedrivePolicy")
    """Dead-letter queue; null: failing messages come back until they expire."""
    max_in_flight: PositiveCount = 120_000
    """Most messages received and not deleted; AWS's quota is about 120,000."""

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers


class Producer(Config):
    """The clients that send."""

    threads: PositiveCount = 8
    """Senders, each with one call under way at a time."""
    batch: Annotated[PositiveCount, Field(le=10)] = 10
    """Most messages in one `SendMessageBatch`, 1 to 10."""
    delay_per_state: Seconds = 0.0
    """With a lifecycle: DelaySeconds of a message is this, times the number of its state."""


class Latency(Config):
    """Duration of each call (assumptions of the lab; AWS publishes none)."""

    send: Distribution = lognormal(0.012, 0.080)
    """`SendMessageBatch`"""
    receive: Distribution = lognormal(0.012, 0.080)
    """`ReceiveMessage` that finds messages."""
    delete: Distribution = lognormal(0.012, 0.080)
    """`DeleteMessage` or `DeleteMessageBatch`."""
    fanout: Seconds = 0.0
    """From SNS having a message to the queues having it; 0: sent to the queues directly."""


class SqsSystem(Config):
    """Standard queues; every message goes to each of them."""

    readers_at: ClassVar[str] = "queues"

    product: Literal["sqs"]
    """`sqs`"""
    producer: Producer = Producer()
    """The senders."""
    queues: dict[Name, Queue] = Field(min_length=1)
    """Queues, each with its workers."""
    latency: Latency = Latency()
    """Duration of calls."""
    servers: PositiveCount = 8
    """Servers over which a queue is spread."""
    servers_asked: Count = 4
    """Servers that a short poll asks; a long poll asks all."""

    @property
    def readers(self) -> Mapping[str, Queue]:
        """The queues by name."""
        return self.queues
