"""RabbitMQ's dead letters that enter another queue of the system (RQ-16 to RQ-18), and TTL."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import NamedTuple

import numpy as np

from sim.engine.outcome import Fate
from sim.engine.waits import Limit
from sim.foundation.arrays import F64, I32, U8, Bools
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.dead_letters import DeadLetters, is_parked
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_dead_letters import is_linked, linked, only_delayed
from sim.systems.on_queue import FATE_OF_STATE, became
from sim.systems.queue_limits import Keys, limits_of
from sim.traffic.messages import Messages

CONFIRM_TIMEOUT_S = 180.0
"""At-least-once: what the target refused is published again after this
(`dead_letter_worker_publisher_confirm_timeout`, 180,000 ms, in `deps/rabbit/Makefile`)."""


def ttl_s(config: RabbitmqSystem, messages: Messages) -> F64 | None:
    """[messages] `expiration` of each, s; inf: none; None: none has any."""
    given = config.producer.expiration
    if not given:
        return None
    if isinstance(given, dict):
        ((dimension, of_value),) = given.items()
        of_entity, names = messages.keys_by([dimension])
        times_s = np.array([of_value.get(name, inf) for name in names]) / 1e3
        return np.asarray(times_s[of_entity[messages.entity]])
    in_turn_s = np.array([inf if ms is None else ms / 1e3 for ms in given])
    return np.resize(in_turn_s, len(messages))


def written(config: RabbitmqSystem) -> str:
    """`expiration` as a person would write it."""
    given = config.producer.expiration
    if isinstance(given, dict):
        ((dimension, of_value),) = given.items()
        its = ", ".join(f"{value}: {ms:.12g}" for value, ms in of_value.items())
        return f"{dimension} {{{its}}}"
    its = ", ".join("none" if ms is None else f"{ms:.12g}" for ms in given)
    return its if len(given) == 1 else f"[{its}]"


def sure(config: RabbitmqSystem, queue: str) -> bool:
    """Whether what is dead-lettered into a queue is published again until it is in."""
    to = linked(config.queues)
    strategies = (config.queues[name].arguments.dead_letter_strategy for name in to)
    return any(
        strategy == "at-least-once" and to[name] == queue
        for name, strategy in zip(to, strategies, strict=True)
    )


class Ended(NamedTuple):
    """What became of the messages of a queue that is linked, and which they are."""

    rows: I32
    """[its messages] ascending."""
    fate: U8
    """[messages] a `Fate`."""


def ended(links: DeadLetters, config: RabbitmqSystem, name: str) -> Ended:
    """What became of the messages of a group's queue, wherever they are.

    Its messages are those published to it, those that came into it, and those that nobody could
    take before they come into it. One that was dead-lettered from it is unfinished while it is on
    its way back, else dead-lettered.
    """
    queue = links.queues[name]
    its = became(queue)
    state, effects = queue.queue.state, queue.queue.effects
    came = np.asarray(queue.state.lanes.place) >= 0
    delayed = only_delayed(name, config.queues)
    meant = came.copy()
    for other in (name, *delayed):
        if other in links.published:
            meant |= links.published[other]
    fate = its.fate.copy()
    left = state == codes.MOVED
    elsewhere = (left | ~came) & (effects == 0)
    for other, there in links.queues.items():
        if other == name:
            continue
        here = elsewhere & (links.at == links.number[other])
        fate[here] = _elsewhere(links, name, other, there, here, left)[here]
    return Ended(np.flatnonzero(meant).astype(np.int32), fate)


def _elsewhere(
    links: DeadLetters, name: str, other: str, there: Broker, here: Bools, left: Bools
) -> U8:
    """[messages] the fate, to a group, of messages that are ``here``, in another queue.

    ``left``: they were in the group's queue before.
    """
    state = there.queue.state
    back = links.leads(other, name)
    gone = state >= codes.ACKED
    fate = FATE_OF_STATE[state]
    dead = np.uint8(Fate.DEAD_LETTERED)
    if there.size or not back:  # somebody else's now, or put aside
        fate = np.where(left, dead, fate if not there.size else 0)
        return np.asarray(np.where(left & ~gone & back, 0, fate), np.uint8)
    waits = dead if is_parked(there) else 0
    return np.asarray(np.where(gone, fate, np.where(left, waits, 0)), np.uint8)


def limits_before(
    links: DeadLetters, config: RabbitmqSystem, name: str, keys: Mapping[str, Keys]
) -> Iterator[Limit]:
    """Limits of the queues that nobody reads, through which messages of a group came or may come.

    Args:
        links: of the system, at the end.
        config: of the system.
        name: of the group's queue.
        keys: of each queue, what RabbitMQ calls its limits.
    """
    for other, there in links.queues.items():
        if there.size or not links.leads(other, name):
            continue
        for limit in limits_of(there, keys[other]):
            yield limit._replace(what=f"{limit.what} (queue {other})")


def note_behind(queue: Broker, ended_s: float) -> None:
    """Count what is still there past its time to live, behind the first of its queue."""
    expires_s = np.asarray(queue.state.messages.expires_s)
    if not expires_s.size:
        return
    came = np.asarray(queue.state.lanes.place) >= 0
    behind_s = expires_s[came & (queue.queue.state == codes.READY) & (expires_s < ended_s)]
    if behind_s.size:
        limits = queue.state.limits
        limits.times[codes.LIMIT_BEHIND] += behind_s.size
        limits.first_s[codes.LIMIT_BEHIND] = min(
            limits.first_s[codes.LIMIT_BEHIND], float(behind_s.min())
        )
        limits.last_s[codes.LIMIT_BEHIND] = ended_s


def of_cycles(links: DeadLetters) -> Iterator[Limit]:
    """That messages were dropped because they went in a circle by themselves."""
    if links.cycles:
        first_s, last_s = links.cycled_s
        yield Limit(
            key="x-dead-letter-exchange",
            path="",
            value="",
            target="",
            what="led a message in a circle without a rejection, and RabbitMQ dropped it",
            times=links.cycles,
            first_s=first_s,
            last_s=last_s,
        )


def known(config: RabbitmqSystem) -> list[str]:
    """The queues that matter: that somebody reads, or that are linked to others."""
    to = linked(config.queues)
    return [name for name, queue in config.queues.items() if queue.consumers or is_linked(name, to)]
