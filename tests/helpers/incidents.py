"""Small scenarios that go wrong for a reason that is certain."""

from typing import Any

from sim.scenario.load import Scenario


def incident(
    system: dict[str, Any],
    *,
    rate: float = 10,
    minutes: float = 5,
    work: Any = 0.01,
    slow: Any = None,
    faults: list[Any] | None = None,
    **more: Any,
) -> Scenario:
    """A scenario of one system ``s``, whose group ``g`` does the job ``w`` at a constant rate."""
    service: dict[str, Any] = {"per_message": work}
    if slow is not None:
        service["slow"] = slow
    return Scenario.from_mapping(
        {
            "name": "incident",
            "seed": 3,
            "duration": 60 * minutes,
            "drain_limit": 3600,
            "workload": {
                "arrivals": {"profile": [{"for": 60 * minutes, "rate": rate}]},
                "keys": {"k": {"count": 200}},
                "service": {"w": service},
            },
            "systems": {"s": system},
            "faults": faults or [],
            **more,
        }
    )


def queue(workers: int, **keys: Any) -> dict[str, Any]:
    """A standard queue of SQS, by its attributes; calls take no time unless told."""
    instant = {"send": 0, "receive": 0, "delete": 0}
    return {
        "product": "sqs",
        "latency": keys.pop("latency", instant),
        "queues": {
            "g": {"workers": workers, "does": ["w"], "ReceiveMessageWaitTimeSeconds": 20, **keys}
        },
    }


def group(consumers: int, partitions: int = 6, **keys: Any) -> dict[str, Any]:
    """A consumer group of Kafka, by its keys."""
    return {
        "product": "kafka",
        "topic": {"partitions": partitions},
        "partition_key": ["k"],
        "groups": {"g": {"consumers": consumers, "does": ["w"], **keys}},
    }
