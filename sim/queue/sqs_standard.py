"""One destructive queue and the workers that compete for it, and what can happen to a worker."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import F32, F64, I64, Bools
from sim.injection.poison import Poison
from sim.queue import sqs_standard_kernel as k
from sim.queue.checks import check_effects, check_standard, check_states
from sim.queue.feed import columns_of
from sim.queue.feed_kernel import Feed

_T = TypeVar("_T", bound=np.generic)
_FIRST_ROOM = 1 << 12
_STAGGER_S = 1e-3
_LOOK = 1 << 12
_DEATHS_KEPT = 64


class Workers:
    """Stage of the data plane, a queue and its workers; and a `sim.engine.system.Fleet` of them.

    Workers receive, process and delete as time goes on. The verbs (`crash`, `pause`, …) act at the
    time to which the stage was last advanced.
    """

    def __init__(
        self,
        feed: Feed,
        service_s: F32,
        workers: int,
        policy: k.StandardPolicy,
        *,
        servers: int,
        receive_latency_s: F64,
        delete_latency_s: F64,
        grid_s: F64,
        keep_repeats: int = 0,
        started: int | None = None,
        poison: Poison | None = None,
    ) -> None:
        """
        Args:
            feed: what the senders put in; other queues may read the same one (fan-out).
            service_s: [messages] work that each message takes, s.
            workers: serial loops of receive, process, delete.
            policy: the queue's settings.
            servers: parts over which the service spreads the queue (SS-07); 1: strict order.
            receive_latency_s: [draws] round trips of the receive call, s, taken in turn.
            delete_latency_s: [draws] the same of the delete call.
            grid_s: [grid] ascending times at which the queue is sampled.
            keep_repeats: how many times of repeated processing to keep (of the first, all are).
            started: how many of the workers run from the start, a millisecond apart; None: all.
            poison: messages whose first so many receives end badly.
        """
        n = service_s.size
        width = max(1, int(np.ceil(np.sqrt(workers))))
        blocks = -(-workers // width)
        self.feed = columns_of(feed)
        self.service_s = service_s
        self.policy = policy
        self.receive_latency_s = receive_latency_s
        self.delete_latency_s = delete_latency_s
        self.now_s = 0.0
        """Time to which the stage was last advanced, s."""
        self._oldest = 0
        """Rows of the feed before this are gone."""
        self.queue = k.StandardQueueState(
            next_fresh=np.arange(servers, dtype=np.int64),
            state=np.zeros(n, np.uint8),
            receives=np.zeros(n, np.uint16),
            effects=np.zeros(n, np.uint16),
            done_s=np.full(n, np.inf),
            expiry_s=np.zeros(_FIRST_ROOM),
            expiry_message=np.zeros(_FIRST_ROOM, np.int64),
            expiry_receipt=np.zeros(_FIRST_ROOM, np.int64),
            returned=np.zeros(_FIRST_ROOM, np.int64),
            returned_s=np.zeros(_FIRST_ROOM),
            parked=np.zeros(workers, np.int64),
            clock_s=np.zeros(1),
            counts=np.zeros(k.COUNTS, np.int64),
            grid_s=grid_s,
            grid_in_flight=np.zeros(grid_s.size, np.int64),
            grid_removed=np.zeros(grid_s.size, np.int64),
            again_message=np.zeros(keep_repeats, np.int32),
            again_s=np.zeros(keep_repeats),
        )
        self.poison = _poison(poison, n) if poison else None
        self.workers = k.WorkersState(
            event_s=np.full(blocks * width, np.inf),
            group_s=np.full(blocks, np.inf),
            group_w=np.arange(blocks, dtype=np.int64) * width,
            kind=np.zeros(workers, np.int64),
            half_s=np.zeros(workers),
            held=np.zeros((workers, policy.batch), np.int64),
            receipt=np.zeros((workers, policy.batch), np.int64),
            held_n=np.zeros(workers, np.int64),
            chunk=np.zeros((workers, 2), np.int64),
            current=np.zeros(workers, np.int64),
            start_s=np.zeros(workers),
            end_s=np.zeros(workers),
            received_s=np.zeros(workers),
            stored=np.zeros(workers, np.int64),
            factor=np.ones(workers),
            resume_s=np.full(workers, -np.inf),
            doomed=np.zeros(workers, np.int64),
            restart_s=np.full(workers, np.inf),
            barred=np.zeros(workers, np.int64),
            cut_s=np.full(workers, np.inf),
        )
        self.lives = np.zeros(workers, np.int64)
        """[workers] how many processes each place has had, besides those that followed a kill."""
        for w in range(workers if started is None else started):
            self.lives[w] = 1
            k.start(self.queue, self.workers, receive_latency_s, w, w * _STAGGER_S)
        self._counts: list[int] = self.queue.counts.tolist()
        self._fresh: list[int] = self.queue.next_fresh.tolist()

    @property
    def total(self) -> int:
        """Messages that the queue is to get."""
        return self.queue.state.size

    @property
    def size(self) -> int:
        """Workers of the queue, alive or not."""
        return self.workers.kind.size

    @property
    def useful(self) -> int | None:
        """There is no limit: each worker takes what the others have not."""
        return None

    def advance(self, until_s: float) -> None:
        """Carry every worker to ``until_s``.

        Raises:
            AssertionError: something happened that cannot (`sim.queue.checks`); a bug of the lab.
        """
        clock_s = self.queue.clock_s[0]
        while k.work(
            until_s,
            self.feed,
            self.service_s,
            self.queue,
            self.poison,
            self.workers,
            self.policy,
            self.receive_latency_s,
            self.delete_latency_s,
        ):
            self._enlarge()
        self.now_s = until_s
        assert self.queue.clock_s[0] >= clock_s, "queue: time went back"
        counts: list[int] = self.queue.counts.tolist()
        fresh: list[int] = self.queue.next_fresh.tolist()
        sent = int(self.feed.n[0])
        check_standard(self._counts, counts, self._fresh, fresh, sent, self.policy)
        self._counts, self._fresh = counts, fresh

    def _enlarge(self) -> None:
        """Double the rings of expiries and returned messages, unwrapping them."""
        old = self.queue
        room = old.expiry_s.size
        counts = old.counts

        def unwrapped(ring: NDArray[_T], head: int, tail: int) -> NDArray[_T]:
            larger = np.zeros(2 * room, ring.dtype)
            at = np.arange(counts[head], counts[tail])
            larger[at % (2 * room)] = ring[at % room]
            return larger

        expiry = (k.EXPIRY_HEAD, k.EXPIRY_TAIL)
        self.queue = old._replace(
            expiry_s=unwrapped(old.expiry_s, *expiry),
            expiry_message=unwrapped(old.expiry_message, *expiry),
            expiry_receipt=unwrapped(old.expiry_receipt, *expiry),
            returned=unwrapped(old.returned, k.RETURNED_HEAD, k.RETURNED_TAIL),
            returned_s=unwrapped(old.returned_s, k.RETURNED_HEAD, k.RETURNED_TAIL),
        )

    def _make_room(self) -> None:
        counts = self.queue.counts
        stored = counts[k.EXPIRY_TAIL] - counts[k.EXPIRY_HEAD]
        stored += counts[k.RETURNED_TAIL] - counts[k.RETURNED_HEAD]
        if stored + self.policy.batch > self.queue.expiry_s.size:
            self._enlarge()

    def settle(self) -> None:
        """Record the effects of the batches in progress, up to now."""
        for w in range(self.size):
            self._settle(w)

    def _settle(self, w: int) -> None:
        if self.workers.kind[w] == k.DELETE:
            k.settle(self.now_s, self.service_s, self.queue, self.poison, self.workers, w)

    def _processing(self, w: int) -> bool:
        s = self.workers
        return bool(s.kind[w] == k.DELETE and s.current[w] < s.chunk[w, k.CHUNK_END])

    def settled(self) -> int:
        """Messages deleted, dead-lettered or expired.

        The last one counts only once no worker has a copy of a message in work: that would still
        take effect.
        """
        removed = int(self.queue.counts[k.REMOVED])
        if removed < self.total:
            return removed
        return removed - any(self._processing(w) for w in range(self.size))

    def audit(self) -> None:
        """Compare each message with the counters, at the end.

        Raises:
            AssertionError: they disagree, a message was processed more often than received, or two
                workers have it under one lock; a bug of the lab.
        """
        queue, s = self.queue, self.workers
        check_effects(queue.effects, queue.receives)
        counts = queue.counts

        def agree(found: I64) -> bool:
            in_flight = found[k.IN_FLIGHT] + found[k.OVERDUE]
            removed = found[k.DELETED :].sum()
            return bool(in_flight == counts[k.IN_FLIGHT_NOW] and removed == counts[k.REMOVED])

        check_states(queue.state, k.STATES, agree)
        held = np.arange(s.held.shape[1]) < s.held_n[:, np.newaxis]
        held &= (s.kind == k.DELETE)[:, np.newaxis] & (queue.receives[s.held] == s.receipt)
        locked = s.held[held & (queue.state[s.held] <= k.OVERDUE)]
        assert np.unique(locked).size == locked.size, (
            "queue: two workers hold a message under one lock"
        )

    def _arrived(self) -> int:
        """Rows of the feed that this queue has by now."""
        enqueued_s = self.feed.enqueued_s[: self.feed.n[0]]
        return int(np.searchsorted(enqueued_s, self.now_s - self.policy.delay_s, side="right"))

    def seek(self, to_s: float) -> tuple[int, int]:
        """How many messages reached the queue from ``to_s`` on, and how many are not in it.

        Those in the dead-letter queue can be had from there.
        """
        sent_s = self.feed.enqueued_s[: self.feed.n[0]]
        first = int(np.searchsorted(sent_s, to_s - self.policy.delay_s))
        states = self.queue.state[self.feed.message[first : self._arrived()]]
        return states.size, int(np.isin(states, (k.DELETED, k.EXPIRED)).sum())

    def backlog(self) -> int:
        """Messages in the queue, ready or in flight."""
        return self._arrived() - int(self.queue.counts[k.REMOVED])

    def age_s(self) -> float:
        """Time since the oldest message in the queue, ready or in flight, got there; 0: none."""
        arrived = self._arrived()
        while self._oldest < arrived:
            stop = min(self._oldest + _LOOK, arrived)
            states = self.queue.state[self.feed.message[self._oldest : stop]]
            present = np.flatnonzero(states <= k.OVERDUE)
            if present.size:
                self._oldest += int(present[0])
                sent_s = float(self.feed.enqueued_s[self._oldest])
                return self.now_s - sent_s - self.policy.delay_s
            self._oldest = stop
        return 0.0

    def orphans(self) -> Bools:
        """A queue has no partitions that one consumer alone may have."""
        return np.zeros(0, np.bool_)

    def deaths(self, since: int) -> list[int]:
        """The workers that messages killed, after the first ``since``; only the latest are kept."""
        if self.poison is None:
            return []
        now = int(self.queue.counts[k.DEATHS])
        room = self.poison.death_w.size
        return [int(self.poison.death_w[d % room]) for d in range(max(since, now - room), now)]

    def busy(self) -> int:
        """Workers that are at work on a message."""
        s, now_s = self.workers, self.now_s
        sent_s = s.event_s[: self.size] - s.half_s
        at_work = (s.kind == k.DELETE) & (s.start_s <= now_s) & (sent_s > now_s)
        at_work &= s.current < s.chunk[:, k.CHUNK_END]
        return int(np.count_nonzero(at_work & (s.resume_s <= now_s)))

    def alive(self, w: int) -> bool:
        """Whether the process of worker ``w`` runs (paused, cut off, about to end counts)."""
        s = self.workers
        runs = s.kind[w] not in (k.OFF, k.STARTING)
        return bool(runs and (not s.doomed[w] or np.isfinite(s.restart_s[w])))

    def life(self, w: int) -> int:
        """How many processes the place of worker ``w`` has had, but for those after a kill."""
        return int(self.lives[w])

    def _sent(self, w: int) -> bool:
        """Whether a delete of worker ``w`` is on its way to the service, and will get there."""
        s = self.workers
        if s.kind[w] != k.DELETE or s.current[w] < s.chunk[w, k.CHUNK_END]:
            return False
        sent_s = s.event_s[w] - s.half_s[w]
        return bool(sent_s <= self.now_s and not (s.barred[w] & k.CUT_OFF and sent_s >= s.cut_s[w]))

    def _hide_held(self, w: int, first: int) -> None:
        """Store when the messages held from ``first`` on become visible, if it is not yet."""
        s = self.workers
        if s.stored[w]:
            return
        for held in range(first, int(s.held_n[w])):
            self._make_room()
            expiry_s = s.received_s[w] + self.policy.visibility_s
            k.hide_until(self.queue, s.held[w, held], s.receipt[w, held], expiry_s)
        s.stored[w] = 1

    def crash(self, w: int) -> None:
        """SIGKILL: what it holds waits out the visibility timeout (SS-05).

        A delete that has been sent still takes effect; a receive that has not reached the service
        does not.
        """
        s = self.workers
        if not self.alive(w):
            return
        if s.doomed[w]:
            s.restart_s[w] = np.inf
            return
        self._settle(w)
        if s.kind[w] == k.PARKED:
            k.unpark(self.queue, w)
        if s.kind[w] == k.DELETE:
            sent = self._sent(w)
            self._hide_held(w, int(s.chunk[w, k.CHUNK_END if sent else k.CHUNK_FIRST]))
            if sent:
                s.doomed[w] = 1
                s.restart_s[w] = np.inf
                s.held_n[w] = s.chunk[w, k.CHUNK_END]
                return
        self._off(w, k.OFF)

    def _off(self, w: int, kind: int) -> None:
        """Have worker ``w`` hold nothing, and do nothing of itself."""
        s = self.workers
        s.kind[w] = kind
        s.held_n[w] = 0
        k.schedule(s, w, np.inf)

    def terminate(self, w: int) -> None:
        """SIGTERM: receive no more, process and delete what is held, end.

        A receive that has not been answered is given up.
        """
        s = self.workers
        if not self.alive(w):
            return
        if s.doomed[w]:
            s.restart_s[w] = np.inf
            return
        s.barred[w] |= k.ENDING
        if s.kind[w] == k.PARKED:
            k.unpark(self.queue, w)
        if s.kind[w] in (k.RECEIVE, k.PARKED):
            self._off(w, k.LEAVING)
            k.schedule(s, w, max(self.now_s, s.resume_s[w]))

    def restart(self, w: int) -> None:
        """Start a new process in the place of a dead one."""
        s = self.workers
        if self.alive(w):
            return
        self.lives[w] += 1
        s.barred[w] &= k.CUT_OFF
        s.factor[w] = 1.0
        s.resume_s[w] = -np.inf
        if s.doomed[w]:
            s.restart_s[w] = self.now_s
        else:
            k.start(self.queue, s, self.receive_latency_s, w, self.now_s)

    def cut_off(self, w: int) -> None:
        """From now on no call of worker ``w`` gets through, and it makes each until it does.

        What is on its way arrives, but for receives: the service does not hand out messages over a
        connection that is gone. What the worker holds it processes; the delete has to wait, and
        may then come too late (SS-03).
        """
        s = self.workers
        if s.barred[w] & k.CUT_OFF:
            return
        s.barred[w] |= k.CUT_OFF
        s.cut_s[w] = self.now_s
        if s.kind[w] == k.PARKED:
            k.unpark(self.queue, w)
        if s.kind[w] in (k.RECEIVE, k.PARKED):
            self._off(w, k.RECEIVE)
        elif s.kind[w] == k.DELETE and not s.doomed[w]:
            self._hide_held(w, int(s.chunk[w, k.CHUNK_FIRST]))

    def reconnect(self, w: int) -> None:
        """End of `cut_off`: the call that did not get through is made again."""
        s = self.workers
        if not s.barred[w] & k.CUT_OFF:
            return
        self._settle(w)
        waits = (
            s.kind[w] == k.DELETE and s.current[w] == s.chunk[w, k.CHUNK_END] and not self._sent(w)
        )
        s.barred[w] &= ~k.CUT_OFF
        again_s = max(self.now_s, s.resume_s[w])
        if s.kind[w] == k.RECEIVE:
            k.start(self.queue, s, self.receive_latency_s, w, again_s)
        elif waits:
            self.queue.counts[k.DELETE_CALLS] += 1
            k.schedule(s, w, again_s + s.half_s[w])

    def pause(self, w: int, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        s = self.workers
        resume = max(s.resume_s[w], self.now_s + for_s)
        shift = resume - max(self.now_s, s.resume_s[w])
        s.resume_s[w] = resume
        self._settle(w)
        if self._processing(w) and not s.doomed[w]:
            if s.start_s[w] > self.now_s:  # the answer to its receive is still on the way
                shift = max(s.start_s[w], resume) - s.start_s[w]
                s.start_s[w] += shift
            s.end_s[w] += shift
            self._make_room()
            k.replan(self.service_s, self.queue, self.poison, s, self.policy.visibility_s, w)
        elif s.kind[w] == k.RECEIVE and s.event_s[w] - s.half_s[w] > self.now_s:  # not sent yet
            sent_s = max(s.event_s[w] - s.half_s[w], resume)
            k.schedule(s, w, sent_s + s.half_s[w])
        elif s.kind[w] == k.LEAVING:
            k.schedule(s, w, max(s.event_s[w], resume))

    def slow(self, w: int, factor: float) -> None:
        """Make worker ``w`` take ``factor`` times its service times, from now on."""
        s = self.workers
        self._settle(w)
        ratio = factor / s.factor[w]
        s.factor[w] = factor
        if self._processing(w):
            running_from = max(self.now_s, s.resume_s[w], s.start_s[w])
            s.end_s[w] = running_from + (s.end_s[w] - running_from) * ratio
            self._make_room()
            k.replan(self.service_s, self.queue, self.poison, s, self.policy.visibility_s, w)


def _poison(poison: Poison, messages: int) -> k.PoisonedQueue:
    """What the kernel asks of each message."""
    out = k.PoisonedQueue(
        fails=np.zeros(messages, np.int32),
        revive_s=np.full(messages, -1.0),
        death_s=np.zeros(_DEATHS_KEPT),
        death_w=np.zeros(_DEATHS_KEPT, np.int64),
    )
    out.fails[poison.message] = poison.times
    out.revive_s[poison.message[poison.kills]] = poison.restart_after_s[poison.kills]
    return out
