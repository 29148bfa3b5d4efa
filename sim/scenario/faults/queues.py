"""What is done to a queue while it runs, other than to those who empty it."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from sim.foundation.units import PositiveCount, Seconds
from sim.scenario.faults.base import Fault

FASTEST = 500
"""Most messages a second that a task moves."""


class QueueFault(Fault):
    """One of a queue."""

    kinds = ("queue",)
    takes_readers = False

    target: str
    """Whose: `system.queue`; `*` and `?` match any text, as in `sqs_*.orders-dlq`."""

    def strikes_queue(self, system: str, queue: str) -> bool:
        """Whether the target matches a queue."""
        return fnmatchcase(f"{system}.{queue}", self.target)


class RedriveFault(QueueFault):
    """SQS moves what is in a dead-letter queue back (`StartMessageMoveTask`, SS-20).

    The oldest message first, as many as were ready when the task began. What is moved is a new
    message to its queue: not received yet, and with a new age.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
    """

    fault: Literal["redrive"] = "redrive"
    """SQS moves what is in a dead-letter queue back to where it came from."""
    at: Seconds
    """When, from the start."""
    destination_arn: str | None = Field(default=None, alias="DestinationArn")
    """Where to: a queue whose dead letters go into this one; null: where each came from."""
    max_number_of_messages_per_second: Annotated[PositiveCount, Field(le=FASTEST)] | None = Field(
        default=None, alias="MaxNumberOfMessagesPerSecond"
    )
    """At most so many a second, up to 500; null: as AWS finds best, which it does not say: 500."""

    @property
    def per_s(self) -> int:
        """Messages moved a second."""
        return self.max_number_of_messages_per_second or FASTEST

    def words(self, whom: str) -> str:
        """What the timeline says of it."""
        return f"redrive of {whom}"
