"""The consumers of one queue of a broker as faults see them, and what the broker misses them by."""

from math import inf

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.queue import broker_kernel as k
from sim.queue.broker import Broker
from sim.queue.sqs_standard_fleet import Steps

_LOOK = 4_096
"""Rows of the feed looked at together for the oldest message that is still there."""


class Consumers:
    """A `sim.engine.system.Fleet`: verbs that act at the present time."""

    def __init__(
        self,
        env: simpy.Environment,
        broker: Broker,
        *,
        heartbeat_s: float = inf,
        cold_after_s: float = inf,
    ) -> None:
        """
        Args:
            env: clock.
            broker: the queue and its consumers.
            heartbeat_s: the broker closes a connection over which it has heard nothing for so long.
            cold_after_s: from SIGTERM until work in progress is cancelled and given back.
        """
        self.env = env
        self.broker = broker
        self.heartbeat_s = heartbeat_s
        self.cold_after_s = cold_after_s
        self._oldest = 0

    @property
    def size(self) -> int:
        """Places for consumers: alive, dead, or not started yet."""
        return self.broker.size

    @property
    def useful(self) -> int | None:
        """There is no limit, but that a single active consumer leaves the others idle."""
        return 1 if self.broker.policy.single_active else None

    def alive(self, consumer: int) -> bool:
        """Whether its process runs."""
        return self.broker.alive(consumer)

    def life(self, consumer: int) -> int:
        """Which process and connection it is."""
        return int(self.broker.state.consumers.n[consumer, k.EPOCH])

    def crash(self, consumer: int) -> None:
        """SIGKILL."""
        self.broker.crash(consumer, self.env.now)

    def terminate(self, consumer: int) -> None:
        """SIGTERM: finish what is in work, give back the rest, leave."""
        life = self.life(consumer)
        self.broker.terminate(consumer, self.env.now)
        if self.cold_after_s < inf:
            self.env.process(self._shut_down_cold(consumer, life))

    def _shut_down_cold(self, consumer: int, life: int) -> Steps:
        """Cancel what is still in work, and give it back."""
        yield self.env.timeout(self.cold_after_s)
        if self.alive(consumer) and self.life(consumer) == life:
            self.broker.leave(consumer, self.env.now)

    def restart(self, consumer: int) -> None:
        """A new process in the place of a dead one, or the first one there."""
        self.broker.restart(consumer, self.env.now)

    def pause(self, consumer: int, for_s: float) -> None:
        """Stop the whole process: it sends no heartbeats either."""
        self.broker.pause(consumer, self.env.now, for_s)
        if self.broker.alive(consumer) and for_s > self.heartbeat_s:
            self.env.process(self._miss(consumer, self.broker.connection(consumer)))

    def slow(self, consumer: int, factor: float) -> None:
        """Multiply its service times, from now on."""
        self.broker.slow(consumer, self.env.now, factor)

    def cut_off(self, consumer: int) -> None:
        """Nothing gets through between it and the broker."""
        self.broker.cut_off(consumer, self.env.now)
        if self.heartbeat_s < inf:
            self.env.process(self._miss(consumer, self.broker.connection(consumer)))

    def _miss(self, consumer: int, connection: int) -> Steps:
        """The broker hears nothing over a connection, and closes it."""
        yield self.env.timeout(self.heartbeat_s)
        resume_s = self.broker.state.consumers.s[consumer, k.RESUME_S]
        silent = self.broker.cut(consumer) or resume_s > self.env.now
        if silent and connection >= 0 and self.broker.connection(consumer) == connection:
            self.broker.disconnect(consumer, self.env.now)

    def reconnect(self, consumer: int) -> None:
        """End of `cut_off`."""
        self.broker.reconnect(consumer, self.env.now)

    def seek(self, to_s: float) -> tuple[int, int]:
        """Messages that came since ``to_s``, and how many of them cannot be had any more."""
        state = self.broker.state
        enqueued_s = state.feed.enqueued_s[: state.feed.n[0]] + self.broker.policy.delay_s
        first, stop = np.searchsorted(enqueued_s, [to_s, self.env.now])
        rows = state.feed.message[first:stop]
        if state.queue.wanted.size:
            rows = rows[state.queue.wanted[rows] == 1]
        states = state.queue.state[rows]
        return states.size, int(np.count_nonzero((states >= k.ACKED) & (states != k.DEAD)))

    def backlog(self) -> int:
        """Messages in the queue: ready, in flight, or to be tried again."""
        return self.broker.backlog(self.env.now)

    def age_s(self) -> float:
        """Time since the oldest of them came, s; 0 if there is none."""
        state, delay_s = self.broker.state, self.broker.policy.delay_s
        enqueued_s = state.feed.enqueued_s[: state.feed.n[0]]
        came = int(np.searchsorted(enqueued_s, self.env.now - delay_s, side="right"))
        while self._oldest < came:
            stop = min(self._oldest + _LOOK, came)
            rows = state.feed.message[self._oldest : stop]
            there = state.queue.state[rows] < k.ACKED
            if state.queue.wanted.size:
                there &= state.queue.wanted[rows] == 1
            if there.any():
                self._oldest += int(np.argmax(there))
                return float(self.env.now - enqueued_s[self._oldest] - delay_s)
            self._oldest = stop
        return 0.0

    def orphans(self) -> NDArray[np.bool_]:
        """A queue has no partitions that one consumer alone may have."""
        return np.zeros(0, np.bool_)

    def busy(self) -> int:
        """How many consumers are at work on a message."""
        consumers = self.broker.state.consumers
        at_work = (consumers.slot >= 0).any(axis=1) & (consumers.s[:, k.RESUME_S] <= self.env.now)
        return int(np.count_nonzero(at_work))
