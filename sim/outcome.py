"""What one consumer group (or queue) made of the messages: the hand-over from engine to metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray


class Fate(IntEnum):
    """What became of a message, exactly one per group; the codes are stored as uint8."""

    UNFINISHED = 0
    PROCESSED = 1
    DEAD_LETTERED = 2
    LOST_PRODUCER_BUFFER = 3
    LOST_SEND_EXPIRED = 4
    LOST_BROKER_FAILOVER = 5
    LOST_RETENTION = 6
    LOST_ACKED_BEFORE_PROCESSING = 7
    LOST_REJECTED = 8

    @property
    def lost(self) -> bool:
        """Whether the message can never be processed, other than by being dead-lettered."""
        return self >= Fate.LOST_PRODUCER_BUFFER

    @property
    def place(self) -> str:
        """Where it happened, in words for a table or a chart."""
        return self.name.removeprefix("LOST_").replace("_", " ").lower()


@dataclass(frozen=True)
class GroupOutcome:
    """Every message as one group saw it. Arrays over messages are in order of creation."""

    system: str
    group: str
    kind: Literal["log", "queue"]
    product: str
    fate: NDArray[np.uint8]
    """[messages] a `Fate`."""
    done_s: NDArray[np.float64]
    """[messages] first effect, s; inf: never."""
    effects: NDArray[np.uint16]
    """[messages] how often it was processed."""
    visible_s: NDArray[np.float64]
    """[messages] first readable in the log or the queue, s; inf: never."""
    deliveries: int
    """Times any message was handed to a consumer."""
    gauges_t_s: NDArray[np.float64]
    """[samples] sample times of the gauges, s."""
    gauges: Mapping[str, NDArray[np.int64]]
    """[samples] messages; log: log_end, position, committed; queue: enqueued, ready, in_flight."""
    ended_s: float
    """Simulated time at which the run stopped, s."""
    notes: Mapping[str, float] = field(default_factory=dict)
    """Counters worth reporting: receive calls, empty receives, polls."""
    timeline: tuple[tuple[float, str], ...] = ()
    """(time in s, what happened) of the system: crashes, restarts, rebalances."""
