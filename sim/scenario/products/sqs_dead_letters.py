"""Where SQS's dead letters go: a `RedrivePolicy` that names a queue of the same scenario.

Sources, of the Amazon SQS developer guide:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
(a FIFO queue's dead-letter queue is FIFO, a standard one's standard);
…/setting-up-dead-letter-queue-retention.html (of a standard queue, a message's age counts from when
it was first enqueued, of a FIFO queue anew); …/sqs-configure-dead-letter-queue-redrive.html (what
is moved back is a new message, with a new id and enqueue time).
"""

from collections.abc import Mapping
from typing import Protocol

from sim.foundation.config import KeyPath, Refusal


class TargetArn(Protocol):
    """A redrive policy."""

    @property
    def dead_letter_target_arn(self) -> str | None:
        """ARN, or name, of the dead-letter queue."""


class Redriving(Protocol):
    """As a scenario writes it."""

    @property
    def redrive_policy(self) -> TargetArn | None:
        """Where its dead letters go."""

    @property
    def fifo_queue(self) -> bool:
        """Whether it is a FIFO queue."""

    @property
    def unread(self) -> bool:
        """Whether nobody empties it."""


def named(arn: str) -> str:
    """The queue that an ARN (or a URL, or a name) is of; a FIFO queue's suffix is left out."""
    return arn.replace("/", ":").rpartition(":")[2].removesuffix(".fifo")


def linked(queues: Mapping[str, Redriving]) -> dict[str, str]:
    """Of each queue whose dead letters go into a queue of the system, into which."""
    found = {}
    for name, queue in queues.items():
        policy = queue.redrive_policy
        arn = None if policy is None else policy.dead_letter_target_arn
        if arn is not None and named(arn) in queues:
            found[name] = named(arn)
    return found


def is_linked(name: str, to: Mapping[str, str]) -> bool:
    """Whether a queue dead-letters into another or is dead-lettered to."""
    return name in to or name in to.values()


def chains(to: Mapping[str, str]) -> list[list[str]]:
    """Queues between which messages go, each lot of them in the order in which they are named."""
    found: list[set[str]] = []
    for name, target in to.items():
        together = {name, target}
        for other in [one for one in found if one & together]:
            found.remove(other)
            together |= other
        found.append(together)
    names = list(dict.fromkeys(name for pair in to.items() for name in pair))
    return [[name for name in names if name in chain] for chain in found]


def refused(queues: Mapping[str, Redriving]) -> list[Refusal]:
    """Redrive policies that AWS would refuse, and queues that nobody would ever empty."""
    to, found = linked(queues), []
    for name, target in to.items():
        at: KeyPath = ("queues", name, "RedrivePolicy")
        if queues[name].fifo_queue != queues[target].fifo_queue:
            kind = "a FIFO queue" if queues[name].fifo_queue else "a standard queue"
            why = f"{name!r} is {kind}, and so must be its dead-letter queue {target!r}"
            found.append(Refusal((at,), why))
        seen, at_last = [name], target
        while at_last in to and at_last not in seen:
            seen.append(at_last)
            at_last = to[at_last]
        if at_last == name:
            why = f"the dead letters of {name!r} would come back to it by themselves"
            found.append(Refusal((at,), why))
    for name, queue in queues.items():
        if queue.unread and name not in to.values():
            why = (
                f"nobody empties {name!r}, which is no dead-letter queue of another queue here: "
                "give it workers or a 'lambda'"
            )
            found.append(Refusal((("queues", name, "workers"),), why))
    return found
