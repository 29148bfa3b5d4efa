"""What an administrator sets anew while a topic or a queue is in use."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.foundation.units import BytesOrUnlimited, MillisecondsOrUnlimited, Seconds, WholeSeconds
from sim.scenario.faults.base import GroupFault
from sim.scenario.faults.topics import TopicFault
from sim.scenario.products.sqs import RedrivePolicy, from_json


class ConfigsFault(TopicFault):
    """What a topic keeps is set anew (`kafka-configs.sh --alter`, `AlterConfigs`).

    A topic's dynamic configuration holds from then on, for what is in the log as well: the next
    check of retention goes by it (KB-17).
    https://kafka.apache.org/documentation/#topicconfigs
    """

    takes_readers = False

    fault: Literal["configs"] = "configs"
    """A topic's configuration is altered: what it keeps is another."""
    at: Seconds
    """When, from the start."""
    retention_ms: MillisecondsOrUnlimited | None = Field(default=None, alias="retention.ms")
    """`retention.ms` from then on; null: as it was."""
    retention_bytes: BytesOrUnlimited | None = Field(default=None, alias="retention.bytes")
    """`retention.bytes` of a partition from then on; null: as it was."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.retention_ms is None and self.retention_bytes is None:
            raise ValueError("nothing is altered: give 'retention.ms' or 'retention.bytes'")
        return self

    def altered(self) -> Iterator[str]:
        """What is set, in words."""
        if self.retention_ms is not None:
            yield f"retention.ms {self.retention_ms:.10g}"
        if self.retention_bytes is not None:
            yield f"retention.bytes {self.retention_bytes}"

    def words(self, whom: str) -> str:
        """With what is set."""
        return f"{whom} altered: {', '.join(self.altered())}"


TAKES_S, RETENTION_TAKES_S = 60.0, 900.0
"""So long a change takes at most, as AWS says."""


class AttributesFault(GroupFault):
    """Attributes of an SQS queue are set anew (`SetQueueAttributes`).

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html:
    a change takes up to 60 s, that of MessageRetentionPeriod up to 15 min, and the latter is also
    for messages that are in the queue. The lab takes the longest unless told otherwise (SS-17).
    What is in flight stays hidden for as long as its receive said. A new DelaySeconds is of what
    comes from then on; on a FIFO queue also of what is still delayed
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html).
    """

    takes_readers = False
    refused: ClassVar[Mapping[str, str]] = {
        "ReceiveMessageWaitTimeSeconds": "the lab does not change how a queue is polled",
    }

    fault: Literal["attributes"] = "attributes"
    """Attributes of an SQS queue are set anew."""
    at: Seconds
    """When, from the start."""
    visibility_timeout: Annotated[WholeSeconds, Field(le=43200)] | None = Field(
        default=None, alias="VisibilityTimeout"
    )
    """How long what is received from then on is hidden, s; null: as it was."""
    redrive_policy: Annotated[
        RedrivePolicy | None,
        BeforeValidator(from_json, json_schema_input_type=RedrivePolicy | str | None),
    ] = Field(default=None, alias="RedrivePolicy")
    """When a message goes to the dead-letter queue from then on; null: as it was."""
    message_retention_period: Annotated[WholeSeconds, Field(ge=60, le=1209600)] | None = Field(
        default=None, alias="MessageRetentionPeriod"
    )
    """A message older than this is deleted unread, s; null: as it was."""
    delay_seconds: Annotated[WholeSeconds, Field(le=900)] | None = Field(
        default=None, alias="DelaySeconds"
    )
    """How long a message cannot be received at first, s; null: as it was."""
    takes: Seconds | None = None
    """From the call until it has an effect; null: 60 s, and 15 min for MessageRetentionPeriod."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.said():
            raise ValueError(
                "nothing is set: give 'VisibilityTimeout', 'RedrivePolicy', 'DelaySeconds' or "
                "'MessageRetentionPeriod'"
            )
        return self

    @property
    def holds_s(self) -> float:
        """When it has an effect, but for MessageRetentionPeriod, s."""
        return self.at + (TAKES_S if self.takes is None else self.takes)

    @property
    def retention_holds_s(self) -> float:
        """When MessageRetentionPeriod has, s."""
        return self.at + (RETENTION_TAKES_S if self.takes is None else self.takes)

    def said(self) -> list[str]:
        """What is set, in words."""
        said = []
        if self.visibility_timeout is not None:
            said.append(f"VisibilityTimeout {self.visibility_timeout}")
        if self.redrive_policy is not None:
            said.append(f"maxReceiveCount {self.redrive_policy.max_receive_count}")
        if self.delay_seconds is not None:
            said.append(f"DelaySeconds {self.delay_seconds}")
        if self.message_retention_period is not None:
            said.append(f"MessageRetentionPeriod {self.message_retention_period}")
        return said

    def words(self, whom: str) -> str:
        """With what is set."""
        return f"attributes of {whom} set to {', '.join(self.said())}"
