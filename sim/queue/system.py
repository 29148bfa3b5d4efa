"""What systems on the queue mechanism share: queues with consumers, and what comes of them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sim.environment import SideBySide
from sim.errors import LabError
from sim.kernels import broker as k
from sim.outcome import Effects, Fate, GroupOutcome
from sim.poison import ALWAYS, poison
from sim.queue import broker as b
from sim.queue.broker import NO_LIMIT, Broker
from sim.system import Setup


class QueueSystem:
    """Queues of a broker: what every `sim.system.System` of this kind shares."""

    def __init__(
        self,
        setup: Setup,
        queues: dict[str, Broker],
        only: Mapping[str, NDArray[np.int32]] = MappingProxyType({}),
    ) -> None:
        """
        Args:
            setup: of the system.
            queues: the queues by name.
            only: the messages that are routed to a queue, ascending; all, where none are given.
        """
        self.name = setup.name
        self.product = setup.product
        self.queues = queues
        self.grid_s = setup.grid_s
        self.only = only
        self.total = sum(int(queue.queue.counts[k.TOTAL]) for queue in queues.values())
        messages = setup.messages
        self.readers = SideBySide(list(queues.values()), len(messages), messages.duration_s)

    def settled(self) -> int:
        """Messages gone for good, over all queues."""
        return sum(queue.settled() for queue in self.queues.values())

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each queue's outcome; its memory is freed when the next is asked for."""
        t = self.grid_s[self.grid_s <= ended_s]
        self.readers.stages = []
        for name in list(self.queues):
            broker = self.queues.pop(name)
            outcome = outcome_of(self.name, name, self.product, broker, t)
            yield outcome.only(self.only[name]) if name in self.only else outcome


def outcome_of(
    system: str, name: str, product: str, broker: Broker, t: NDArray[np.float64]
) -> GroupOutcome:
    """What a queue and its consumers made of the messages.

    Args:
        system: name.
        name: of the queue.
        product: of the system.
        broker: the queue.
        t: [samples] the times of the grid that have come.
    """
    queue = broker.queue
    counts = queue.counts
    return GroupOutcome(
        system=system,
        group=name,
        kind="queue",
        product=product,
        fate=_FATE_OF_STATE[queue.state] * (queue.effects == 0)
        + np.uint8(Fate.PROCESSED) * (queue.effects > 0),
        done_s=queue.done_s,
        effects=queue.effects,
        gauges_t_s=t,
        gauges={
            "enqueued": queue.grid[: t.size, 0],
            "ready": queue.grid[: t.size, 1],
            "in_flight": queue.grid[: t.size, 2],
        },
        history=_history(system, queue) if queue.again_message.size else None,
        consumers=broker.size,
        extra_deliveries=int(counts[k.DELIVERIES] - np.count_nonzero(queue.receives)),
        deliveries=int(counts[k.DELIVERIES]),
        calls=_calls(broker),
        requests={
            "send": int(counts[k.ARRIVED]),
            "receive": _calls(broker),
            "empty receive": int(counts[k.EMPTY_RECEIVES]),
            "delete": int(counts[k.ACK_CALLS]),
        },
    )


def _history(system: str, queue: k.Queue) -> Effects:
    repeats = int(queue.counts[k.REPEATS])
    if repeats > queue.again_message.size:
        raise LabError(f"{system}: {repeats:,} repeated effects, more than the lab can keep")
    everyone = np.arange(queue.done_s.size, dtype=np.int32)
    again = queue.again_message[:repeats]
    return Effects.of(queue.done_s, everyone, queue.again_s[:repeats], again)


def _calls(broker: Broker) -> int:
    """Times that messages were handed over: receives that found some, or single pushes."""
    counts = broker.queue.counts
    return int(counts[k.DELIVERIES] if broker.policy.push else counts[k.FOUND])


_FATE_OF_STATE = np.zeros(10, np.uint8)
_FATE_OF_STATE[k.DEAD] = Fate.DEAD_LETTERED
_FATE_OF_STATE[[k.DROPPED, k.REFUSED]] = Fate.LOST_REJECTED
_FATE_OF_STATE[k.EXPIRED] = Fate.LOST_RETENTION
_FATE_OF_STATE[k.LOST] = Fate.LOST_ACKED_BEFORE_PROCESSING


def of_rows(rows: NDArray[np.int32] | None, n: int) -> NDArray[np.uint8] | None:
    """[n] 1 for messages that are in ``rows``; None: all are."""
    if rows is None:
        return None
    wanted = np.zeros(n, np.uint8)
    wanted[rows] = 1
    return wanted


def poison_of(setup: Setup, queue: str) -> k.Poison:
    """What is poisonous to a queue's consumers, as the kernel wants it."""
    found = poison(setup, queue)
    times = np.where(found.times == ALWAYS, NO_LIMIT, found.times.astype(np.int64))
    return b.poison(
        found.message.tolist(), found.kills.tolist(), times.tolist(), found.restart_after_s.tolist()
    )
