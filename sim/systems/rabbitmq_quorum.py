"""RabbitMQ's priorities, and what its quorum queues do by version (RQ-04, RQ-06, RQ-11, RQ-19).

A quorum queue has what came back in a list of its own, which goes before every priority. What a
consumer nacks where there is no delivery limit is published again: at the back, and from 4.0 with
the priority of a message that names none. (Of two priorities such a message counts as old as it
is, where RabbitMQ takes it for a new one.)
"""

from typing import Any

import numpy as np

from sim.queue import broker_codes as codes
from sim.queue.broker_state import Columns
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_broker import LOOKS_S, delivery_limit, since
from sim.scenario.products.rabbitmq_quorum import TURNS, UNSAID, level_of, priorities_of
from sim.systems.queue_limits import LimitKey, written_s
from sim.traffic.messages import Messages


def with_priorities(
    columns: Columns, name: str, config: RabbitmqSystem, messages: Messages
) -> Columns:
    """The same, with the priority of each message, if the queue tells any apart."""
    levels = config.levels_of(name)
    if not levels:
        return columns
    quorum = config.queues[name].arguments.queue_type == "quorum"
    given = config.producer.priority
    of_entity, names = messages.keys_by(list(given))
    priorities = priorities_of(given, names, UNSAID if quorum else 0)
    if quorum:
        lanes = [level_of(config.version, priority) for priority in priorities]
    else:
        lanes = [min(priority, levels - 1) for priority in priorities]
    lane = np.array(lanes, np.int32)[of_entity][messages.entity]
    return columns._replace(lane=lane, lanes=levels + int(quorum))


def quorum_knobs(name: str, config: RabbitmqSystem) -> dict[str, Any]:
    """What of `BrokerPolicy` is that of a queue of its type and version."""
    queue = config.queues[name]
    arguments, version = queue.arguments, config.version
    levels = config.levels_of(name)
    pick = {"pick": codes.PRIORITY if levels else codes.ONE}
    if arguments.queue_type == "classic":
        return {**pick, "place": codes.ORIGINAL, "sweep_s": LOOKS_S}
    limit = delivery_limit(version, arguments.delivery_limit)
    strict = since(version, 4, 3)
    nacked = queue.on_failure == "nack-requeue" or not strict
    counted = codes.BY_CLOSE + (0 if nacked else codes.BY_FAILURE)
    if not strict:
        counted = codes.BY_CLOSE + codes.BY_LOCK + codes.BY_FAILURE
    again = nacked and limit is None
    if levels:
        pick |= {
            "returns_lane": 1,
            "back_lane": level_of(version, UNSAID),
            "turns": 0 if strict else TURNS,
            "heads": int(strict),
        }
    return {
        **pick,
        "place": codes.RETURNS,
        "requeue_place": codes.BACK if again else codes.RETURNS,
        "counted": counted,
        "sweep_s": 0.0 if strict else LOOKS_S,
        "lock_alone": int(strict),
        **_delayed(name, config, counted, again=again),
    }


def _delayed(name: str, config: RabbitmqSystem, counted: int, *, again: bool) -> dict[str, Any]:
    """How what comes back waits; ``again``: what is nacked is published again, and does not."""
    arguments = config.queues[name].arguments
    least_ms, most_ms = arguments.delayed_retry_min, arguments.delayed_retry_max
    if arguments.delayed_retry_type == "disabled" or least_ms is None:
        return {}
    every = codes.BY_CLOSE + codes.BY_LOCK + codes.BY_FAILURE
    waits = {"all": every, "failed": counted, "returned": every - counted}
    by = waits[arguments.delayed_retry_type]
    if again:
        by &= ~codes.BY_FAILURE
    return {
        "back_off_s": least_ms / 1e3,
        "back_off_linear": 1,
        "back_off_max_s": (least_ms if most_ms is None else most_ms) / 1e3,
        "back_off_by": by,
    }


def quorum_keys(name: str, config: RabbitmqSystem) -> dict[int, LimitKey]:
    """What RabbitMQ calls the limits that are of a queue's priorities and returns."""
    arguments, here = config.queues[name].arguments, f"queues.{name}.arguments"
    priority = LimitKey("x-max-priority", f"{here}.x-max-priority", str(arguments.max_priority))
    if arguments.queue_type == "quorum":
        written = ", ".join(map(str, config.producer.priority))
        priority = LimitKey("priority", "producer.priority", written)
    key = "x-delayed-retry-min"
    least_s = (arguments.delayed_retry_min or 0.0) / 1e3
    return {
        codes.LIMIT_OVERTAKEN: priority,
        codes.LIMIT_BACKOFF: LimitKey(key, f"{here}.{key}", written_s(least_s)),
    }
