"""What quorum queues do and classic ones do not: delayed retries, and priorities of their own.

Sources: https://www.rabbitmq.com/docs/quorum-queues (strict priorities, delayed retry, consumer
timeout), and of rabbitmq/rabbitmq-server at v4.3.5 `deps/rabbit/src/rabbit_fifo.erl` (`return_one`,
`should_delay0`, `calculate_ready_at`, `msg_priority`, the timer `evaluate_consumer_timeout`),
`rabbit_fifo_pq.erl`, `rabbit_quorum_queue.erl` (`get_delayed_retry_config`), `rabbit_channel.erl`
(basic.nack is `requeue`, basic.reject is `modify` with `delivery_failed`); at v4.2.0
`rabbit_fifo_q.erl`, the two priorities of before. None of it was held against a real broker: the
one that `sim validate` runs is older.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sim.foundation.units import shown
from sim.scenario.products.rabbitmq_broker import QueueType, since

DelayedRetryType = Literal["disabled", "all", "failed", "returned"]

LEVELS = 32
"""Priorities of a quorum queue from 4.3, 0 to 31; a higher one counts as 31."""
UNSAID = 4
"""Priority of a message of a quorum queue that names none; of a classic queue it is 0. Until 4.2 a
message is high if its priority is above this."""
TURNS = 2
"""4.0 to 4.2: of three messages that are taken, one of normal priority has its turn, if it is
older than the first high one (`rabbit_fifo_q:next`)."""


def _one_dimension(value: object) -> object:
    if isinstance(value, dict) and (
        len(value) != 1 or not all(isinstance(of, dict) for of in value.values())
    ):
        raise ValueError(
            "expected dimensions of workload.keys, or priorities by the values of one of them "
            f"({{plan: {{free: 0, paid: 9}}}}), not {shown(value)}"
        )
    return value


def _form(value: object) -> str:
    return "[by value]" if isinstance(value, dict) else "[in order]"


Priority = Annotated[
    Annotated[list[str], Tag("[in order]")]
    | Annotated[dict[str, dict[str, Annotated[int, Field(ge=0, le=255)]]], Tag("[by value]")],
    Discriminator(_form),
    BeforeValidator(_one_dimension, json_schema_input_type=list[str] | dict[str, dict[str, int]]),
]  # fmt: skip
"""Dimensions whose values in order have the priorities 0, 1, …; or priorities of the values of one;
empty: no message has any."""


def priorities_of(given: Priority, values: Sequence[str], unsaid: int) -> list[int]:
    """The priority of each value of the dimensions in which messages have them.

    Args:
        given: `producer.priority`.
        values: in order.
        unsaid: that of a message that names none.
    """
    if isinstance(given, dict):
        ((_, of_value),) = given.items()
        return [of_value.get(value, unsaid) for value in values]
    return list(range(len(values)))


def levels(version: str) -> int:
    """How many priorities a quorum queue tells apart: 32 from 4.3, two from 4.0, before none."""
    if since(version, 4, 3):
        return LEVELS
    return 2 if since(version, 4, 0) else 1


def level_of(version: str, priority: int) -> int:
    """Which of them a message has."""
    if since(version, 4, 3):
        return min(priority, LEVELS - 1)
    return int(since(version, 4, 0) and priority > UNSAID)


def delayed_retry_refusal(
    version: str,
    queue_type: QueueType,
    retry_type: DelayedRetryType,
    min_ms: float | None,
    max_ms: float | None,
) -> str | None:
    """Why a queue cannot have `x-delayed-retry-…` as given; None: it can."""
    if retry_type == "disabled" and min_ms is None and max_ms is None:
        return None
    if queue_type != "quorum" or not since(version, 4, 3):
        return (
            "'x-delayed-retry-type', '-min' and '-max' are of quorum queues, from RabbitMQ 4.3; "
            f"this is a {queue_type} queue of {version}"
        )
    if retry_type != "disabled" and min_ms is None:
        return f"'x-delayed-retry-type: {retry_type}' needs 'x-delayed-retry-min'"
    if min_ms is not None and max_ms is not None and max_ms < min_ms:
        return "'x-delayed-retry-max' must not be smaller than 'x-delayed-retry-min'"
    return None
