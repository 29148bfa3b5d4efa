"""What a RabbitMQ broker does by its version, whichever client it serves (RQ-03, RQ-05, RQ-06).

Sources: https://www.rabbitmq.com/docs/consumers (acknowledgement timeout), …/quorum-queues, the
release notes of 4.0 and 4.3, and `deps/rabbit/src/rabbit_fifo_client.erl` of
rabbitmq/rabbitmq-server, where 0 is `UNLIMITED_PREFETCH_COUNT`, 2,000.
"""

import re
from math import inf
from typing import Annotated, Literal

from pydantic import BeforeValidator

from sim.foundation.units import shown

QueueType = Literal["classic", "quorum"]

CONSUMER_TIMEOUT_MS = 1_800_000.0
"""`consumer_timeout` of a broker that names none: 30 minutes."""
UNDEFINED_TIMEOUT_MS = 86_400_000.0
"""The same from 4.3 where it is undefined."""
LOOKS_S = 60.0
"""Until 4.2 a channel looks for deliveries past that timeout this often; a quorum queue of 4.3 has
a timer (`evaluate_consumer_timeout` in `rabbit_fifo.erl`)."""
DELIVERY_LIMIT = 20
"""Of a quorum queue that names none, since 4.0."""
QUORUM_PREFETCH = 2_000
"""Most unacknowledged deliveries of a consumer without a limit of its own, on a quorum queue."""
ROUND_TRIP_S = 0.0003
"""Between a client and a classic queue: in Confluent's run of the OpenMessaging Benchmark (2020,
https://github.com/confluentinc/openmessaging-benchmark at 08e2fee, rabbitmq_latency_classic-30k)
half of the messages took 0.43 ms from end to end, and half of the confirms 0.58 ms. A message has
half of that and half of this."""

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)?")
_OLDEST = (3, 9)


def _version(value: object) -> str:
    text = str(value)
    match = None if isinstance(value, bool) else _VERSION.fullmatch(text)
    if match is None or (int(match[1]), int(match[2])) < _OLDEST:
        raise ValueError(
            f"expected a version from 3.9, in quotes if it ends with 0 ('3.10'), not {shown(value)}"
        )
    return text


RabbitmqVersion = Annotated[str, BeforeValidator(_version, json_schema_input_type=str | float)]
"""`4.3`, or with a patch `4.3.1`."""


def since(version: str, major: int, minor: int) -> bool:
    """Whether a version is that release or a later one."""
    match = _VERSION.fullmatch(version)
    assert match is not None
    return (int(match[1]), int(match[2])) >= (major, minor)


def has_consumer_timeout(version: str, queue_type: QueueType) -> bool:
    """Whether the broker takes back what is not acknowledged for too long (RQ-06).

    Until 4.2 on every queue; from 4.3 on quorum queues only.
    """
    return queue_type == "quorum" or not since(version, 4, 3)


def consumer_timeout_s(
    version: str, queue_type: QueueType, of_queue_ms: float | None, of_broker_ms: float | None
) -> float:
    """After how long without an acknowledgement a channel is closed, s; inf: never (RQ-06).

    Args:
        version: of the broker.
        queue_type: of the queue.
        of_queue_ms: its `x-consumer-timeout`; None: it names none.
        of_broker_ms: `consumer_timeout`; None: undefined, which switches it off, and from 4.3 is
            24 hours (`rabbit_queue_type:get_consumer_timeout`).
    """
    timeout_ms = of_broker_ms if of_queue_ms is None else of_queue_ms
    if timeout_ms is None and since(version, 4, 3):
        timeout_ms = UNDEFINED_TIMEOUT_MS
    if timeout_ms is None or not has_consumer_timeout(version, queue_type):
        return inf
    return timeout_ms / 1e3


def consumer_timeout_refusal(version: str, queue_type: QueueType) -> str | None:
    """Why a queue cannot have an `x-consumer-timeout`; None: it can."""
    if not has_consumer_timeout(version, queue_type):
        return f"'x-consumer-timeout' is of quorum queues, from RabbitMQ 4.3; this is {version}"
    if not since(version, 3, 12):
        return f"'x-consumer-timeout' is known from RabbitMQ 3.12; this is {version}"
    return None


def prefetch(queue_type: QueueType, count: int) -> int | None:
    """Most unacknowledged deliveries of a consumer; None: no limit (RQ-03)."""
    if count == 0:
        return QUORUM_PREFETCH if queue_type == "quorum" else None
    return count


def delivery_limit(version: str, given: int | None) -> int | None:
    """How often a message of a quorum queue may come back; None: without limit (RQ-05)."""
    if given is None:
        return DELIVERY_LIMIT if since(version, 4, 0) else None
    return None if given < 0 else given
