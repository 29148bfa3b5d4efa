"""One destructive queue and the workers that compete for it, and what can happen to a worker."""

from collections.abc import Iterator
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.engine import pieces
from sim.engine.pace import STEPS, StagePace
from sim.engine.system import Sought
from sim.engine.waits import SplitRows
from sim.foundation.arrays import F32, F64, I64, U8, Bools, longer
from sim.injection.poison import Poison
from sim.queue import sqs_standard_codes as codes
from sim.queue import sqs_standard_expiry_kernel as expiry
from sim.queue import sqs_standard_heap_kernel as heap
from sim.queue import sqs_standard_kernel as k
from sim.queue import sqs_standard_notes_kernel as notes
from sim.queue import sqs_standard_state_kernel as state
from sim.queue.checks import check_effects, check_standard, check_states, seen_of
from sim.queue.feed_kernel import Feed
from sim.queue.sqs_standard_state_kernel import StandardPolicy, StandardQueue, StandardWorkers
from sim.queue.sqs_standard_stops import Stops

_T = TypeVar("_T", bound=np.generic)
_FIRST_ROOM = 1 << 12
_STAGGER_S = 1e-3
_LOOK = 1 << 12
_UNTOUCHED = {"state": codes.READY, "receives": 0, "effects": 0, "done_s": inf, "place": 0}
"""What the columns of a queue say of a message that it has just got to know."""
_OF_RECEIVES = frozenset(("receives", "effects", "place"))
"""Those that say 0 of a message until it is received."""


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
        policy: StandardPolicy,
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
        self.feed = feed
        self.policy = policy
        self.now_s = 0.0
        """Time to which the stage was last advanced, s."""
        self._oldest = 0
        """Rows of the feed before this are gone."""
        self.entered_s: F64 = np.zeros(0)
        """[split] when each came into the feed, as far as `note_entered` has looked, s."""
        self._entered = 0
        """Rows of the feed that it has looked at."""
        self.gone = 0
        """Messages forgotten (`forget`); they are gone for good."""
        self.gone_rows = 0
        """Rows of the feed forgotten."""
        self.gone_received = 0
        """Messages forgotten that were received at all."""
        self.queue = StandardQueue(
            policy,
            feed,
            service_s,
            _poison(poison, service_s.size) if poison else None,
            servers=servers,
            workers=workers,
            room=_FIRST_ROOM,
            receive_latency_s=receive_latency_s,
            delete_latency_s=delete_latency_s,
            grid_s=grid_s,
            keep_repeats=keep_repeats,
        )
        self.workers = StandardWorkers(workers, policy.batch)
        self.expect(service_s.size)
        self.lives = np.zeros(workers, np.int64)
        """[workers] how many processes each place has had, besides those that followed a kill."""
        self.stops = Stops(workers, workers if started is None else started)
        for w in range(workers if started is None else started):
            self.lives[w] = 1
            k.start(self.queue, self.workers, w, w * _STAGGER_S)
        self._seen = seen_of(self.queue)
        self.pace = StagePace("a queue", self.total)

    @property
    def total(self) -> int:
        """Messages that the queue is to get."""
        return self.queue.total

    def expect(self, total: int) -> None:
        """There will be ``total`` messages; those behind the ones known come by `forget`."""
        self.queue.total = total
        self._choose(SplitRows(total, 0, self.queue.state.size), 0)

    def _choose(self, split: SplitRows, gone: int) -> None:
        """Have the columns of the messages whose time is split be those of ``split``; ``gone``:
        rows that are not wanted any more."""
        queue = self.queue
        self.split = split
        queue.split, queue.split_from = split.start, split.gone
        for name in ("handed_s", "begun_s", "call_s"):
            column = np.asarray(getattr(queue, name))[gone : gone + split.rows]
            setattr(queue, name, longer(column, split.rows, 0))
        self.entered_s = longer(self.entered_s[gone : gone + split.rows], split.rows, 0)

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
        self._make_room()
        clock_s = self.queue.clock_s
        while (ended := k.work(self.queue, self.workers, until_s, STEPS)) != pieces.DONE:
            if ended == pieces.FULL:
                self._make_room()
            else:
                self.pace.look(self.queue.clock_s, self.queue.removed, self._doing)
        self.now_s = until_s
        assert self.queue.clock_s >= clock_s, "queue: time went back"
        seen = seen_of(self.queue)
        check_standard(self._seen, seen, self.gone_rows + int(self.feed.n[0]), self.policy)
        self._seen = seen

    def _doing(self) -> str:
        """How far it is, and what comes next, for people."""
        queue, event_s = self.queue, np.asarray(self.workers.event_s)[: self.size]
        return (
            f"{queue.removed} of {self.total} messages are gone and {queue.in_flight} in flight; "
            f"worker {event_s.argmin()} is next, at {event_s.min()!r} s, after "
            f"{queue.empty_receives} empty receives"
        )

    def _enlarge(self) -> None:
        """Double the rings of expiries and returned messages, unwrapping them."""
        queue = self.queue
        room = queue.expiry_s.size
        expiries = np.arange(queue.expiry_head, queue.expiry_tail)
        returned = np.arange(queue.returned_head, queue.returned_tail)

        def unwrapped(ring: NDArray[_T], at: I64) -> NDArray[_T]:
            old: NDArray[_T] = np.asarray(ring)
            larger = np.zeros(2 * room, old.dtype)
            larger[at % (2 * room)] = old[at % room]
            return larger

        queue.expiry_s = unwrapped(queue.expiry_s, expiries)
        queue.expiry_message = unwrapped(queue.expiry_message, expiries)
        queue.returned = unwrapped(queue.returned, returned)
        queue.returned_s = unwrapped(queue.returned_s, returned)

    def _make_room(self) -> None:
        queue = self.queue
        stored = queue.expiry_tail - queue.expiry_head + queue.returned_tail - queue.returned_head
        if stored + self.policy.batch > queue.expiry_s.size:
            self._enlarge()
        room = queue.note_from_s.size
        if notes.to_come(queue, self.workers) + 2 * self.policy.batch > room:
            room = 2 * (room + self.size)
            for name in ("note_kind", "note_of", "note_from_s", "note_until_s"):
                setattr(queue, name, longer(np.asarray(getattr(queue, name)), room, 0))

    def settle(self) -> None:
        """Record the effects of the batches in progress, up to now."""
        for w in range(self.size):
            self._settle(w)

    def _settle(self, w: int) -> None:
        if self.workers.kind[w] == codes.DELETE:
            self._make_room()
            k.settle(self.queue, self.workers, w, self.now_s)

    def _processing(self, w: int) -> bool:
        s = self.workers
        return bool(s.kind[w] == codes.DELETE and s.current[w] < s.chunk_end[w])

    def settled(self) -> int:
        """Messages deleted, dead-lettered or expired.

        The last one counts only once no worker has a copy of a message in work: that would still
        take effect.
        """
        removed = self.queue.removed
        if removed < self.total:
            return removed
        return removed - any(self._processing(w) for w in range(self.size))

    def note_entered(self) -> None:
        """Note when messages came into the feed: their rows may be forgotten before them."""
        here = int(self.feed.n[0])
        notes.entered(self.queue, self._entered, here, self.entered_s)
        self._entered = here

    def first_open(self) -> tuple[int, int]:
        """The first message that something may yet happen to, and the first row to look at again.

        Every message and row before them is final.
        """
        queue, s = self.queue, self.workers
        present = np.flatnonzero(np.asarray(queue.state) <= codes.OVERDUE)
        message = int(present[0]) if present.size else queue.state.size
        held = np.arange(np.asarray(s.held).shape[1]) < np.asarray(s.held_n)[:, np.newaxis]
        message = int(np.asarray(s.held)[held].min(initial=message))
        for ring, slots in self._rings():
            message = int(ring[slots].min(initial=message))
        return message, int(np.min(queue.next_fresh))

    def _rings(self) -> Iterator[tuple[I64, I64]]:
        """The rings of messages, and which of their slots are in use."""
        queue = self.queue
        mask = queue.expiry_s.size - 1
        for ring, head, tail in (
            (queue.expiry_message, queue.expiry_head, queue.expiry_tail),
            (queue.returned, queue.returned_head, queue.returned_tail),
        ):
            yield np.asarray(ring), np.arange(head, tail) & mask

    def forget(self, messages: int, rows: int, service_s: F32) -> None:
        """Number messages and rows of the feed anew, without the first, and with more messages.

        Args:
            messages: to forget: no more than `first_open` allows.
            rows: of the feed to forget, which must be done likewise; no message of the others is
                forgotten.
            service_s: [messages] work of those that come behind the ones known, s.
        """
        queue, s, more = self.queue, self.workers, service_s.size
        self.gone += messages
        self.gone_rows += rows
        self.gone_received += int(np.count_nonzero(np.asarray(queue.receives)[:messages]))
        queue.service_s = np.concatenate([np.asarray(queue.service_s)[messages:], service_s])
        size = queue.state.size - messages + more
        received = np.flatnonzero(np.asarray(queue.receives)[messages:])
        touched = slice(messages, messages + int(received[-1]) + 1 if received.size else messages)
        for name, untouched in _UNTOUCHED.items():
            # Of a backlog that no worker has seen yet, what is 0 needs no copy, and no memory.
            known = touched if name in _OF_RECEIVES else slice(messages, None)
            column = np.asarray(getattr(queue, name))[known]
            setattr(queue, name, longer(column, size, untouched))
        split = SplitRows(queue.total, self.gone, size)
        self._choose(split, split.row_0 - self.split.row_0)
        self._entered -= rows
        for ring, slots in self._rings():
            ring[slots] -= messages
        s.held = np.maximum(np.asarray(s.held) - messages, 0)
        queue.next_fresh = np.asarray(queue.next_fresh) - rows
        queue.oldest_server = int(np.argmin(queue.next_fresh))
        queue.oldest_fresh = int(queue.next_fresh[queue.oldest_server])
        queue.retention_row = max(0, queue.retention_row - rows)
        self._oldest = max(0, self._oldest - rows)
        self._forget_notes(messages)
        self._seen = seen_of(queue)

    def _forget_notes(self, messages: int) -> None:
        """Number the messages of notes anew, and drop those that no message can be about."""
        queue = self.queue
        here = slice(0, queue.notes)
        kind, of = np.asarray(queue.note_kind)[here], np.asarray(queue.note_of)[here]
        until_s = np.asarray(queue.note_until_s)[here]
        kept = np.isin(kind, (codes.DEATH, codes.FULL))
        kept |= (kind == codes.IDLE) & (until_s > self.entered_s.min(initial=self.now_s))
        kept |= (kind <= codes.GAVE_UP) & (of >= messages)
        rows = np.flatnonzero(kept)
        of[kind <= codes.GAVE_UP] -= messages
        for name in ("note_kind", "note_of", "note_from_s", "note_until_s"):
            column = np.asarray(getattr(queue, name))
            column[: rows.size] = column[rows]
        queue.notes = rows.size

    def audit(self) -> None:
        """Compare each message with the counters, at the end.

        Raises:
            AssertionError: they disagree, a message was processed more often than received, or two
                workers have it under one lock; a bug of the lab.
        """
        queue, s = self.queue, self.workers
        receives, state = np.asarray(queue.receives), np.asarray(queue.state)
        check_effects(np.asarray(queue.effects), receives)

        def agree(found: I64) -> bool:
            in_flight = found[codes.IN_FLIGHT] + found[codes.OVERDUE]
            removed = found[codes.DELETED :].sum() + self.gone
            return bool(in_flight == queue.in_flight and removed == queue.removed)

        check_states(state, codes.STATES, agree)
        if not receives.size:
            return  # no message for a lock to be on
        messages = np.asarray(s.held)
        held = np.arange(messages.shape[1]) < np.asarray(s.held_n)[:, np.newaxis]
        held &= (np.asarray(s.kind) == codes.DELETE)[:, np.newaxis]
        held &= receives[messages] == np.asarray(s.receipt)
        locked = messages[held & (state[messages] <= codes.OVERDUE)]
        assert np.unique(locked).size == locked.size, (
            "queue: two workers hold a message under one lock"
        )

    def _sent_s(self) -> F64:
        """[rows] when each message was put into the feed by now, s."""
        return np.asarray(self.feed.enqueued_s)[: self.feed.n[0]]

    def _arrived(self) -> int:
        """Rows of the feed that this queue has by now."""
        due_s = self.now_s - self.policy.delay_s
        return int(np.searchsorted(self._sent_s(), due_s, side="right"))

    def _states(self, first: int, stop: int) -> U8:
        """[stop - first] states of the messages in these rows of the feed."""
        states: U8 = np.asarray(self.queue.state)[np.asarray(self.feed.message)[first:stop]]
        return states

    def seek(self, to_s: float) -> Sought:
        """How many messages reached the queue from ``to_s`` on, and how many are not in it.

        Those in the dead-letter queue can be had from there.
        """
        first = int(np.searchsorted(self._sent_s(), to_s - self.policy.delay_s))
        states = self._states(first, self._arrived())
        gone = np.isin(states, (codes.DELETED, codes.EXPIRED))
        return Sought(states.size, int(gone.sum()))

    def backlog(self) -> int:
        """Messages in the queue, ready or in flight."""
        return self.gone_rows + self._arrived() - self.queue.removed

    def age_s(self) -> float:
        """Time since the oldest message in the queue, ready or in flight, got there; 0: none."""
        arrived = self._arrived()
        while self._oldest < arrived:
            stop = min(self._oldest + _LOOK, arrived)
            present = np.flatnonzero(self._states(self._oldest, stop) <= codes.OVERDUE)
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
        poison = self.queue.poison
        now, room = poison.deaths, poison.death_w.size
        return [int(poison.death_w[d % room]) for d in range(max(since, now - room), now)]

    def busy(self) -> int:
        """Workers that are at work on a message."""
        s, now_s = self.workers, self.now_s
        at_work = np.asarray(s.kind) == codes.DELETE
        at_work &= np.asarray(s.start_s) <= now_s
        at_work &= np.asarray(s.event_s) - np.asarray(s.half_s) > now_s
        at_work &= np.asarray(s.current) < np.asarray(s.chunk_end)
        return int(np.count_nonzero(at_work & (np.asarray(s.resume_s) <= now_s)))

    def alive(self, w: int) -> bool:
        """Whether the process of worker ``w`` runs (paused, cut off, about to end counts)."""
        s = self.workers
        runs = s.kind[w] not in (codes.OFF, codes.STARTING)
        return bool(runs and (not s.doomed[w] or np.isfinite(s.restart_s[w])))

    def life(self, w: int) -> int:
        """How many processes the place of worker ``w`` has had, but for those after a kill."""
        return int(self.lives[w])

    def _sent(self, w: int) -> bool:
        """Whether a delete of worker ``w`` is on its way to the service, and will get there."""
        s = self.workers
        if s.kind[w] != codes.DELETE or s.current[w] < s.chunk_end[w]:
            return False
        sent_s = s.event_s[w] - s.half_s[w]
        return bool(
            sent_s <= self.now_s and not (s.barred[w] & codes.CUT_OFF and sent_s >= s.cut_s[w])
        )

    def _hide_held(self, w: int, first: int) -> None:
        """Store when the messages held from ``first`` on become visible, if it is not yet."""
        s = self.workers
        if s.stored[w]:
            return
        for held in range(first, int(s.held_n[w])):
            self._make_room()
            expiry_s = s.received_s[w] + self.policy.visibility_s
            expiry.hide_until(self.queue, s.held[w, held], expiry_s)
        s.stored[w] = 1

    def crash(self, w: int) -> None:
        """SIGKILL: what it holds waits out the visibility timeout (SS-05).

        A delete that has been sent still takes effect; a receive that has not reached the service
        does not.
        """
        s = self.workers
        if not self.alive(w):
            return
        self._make_room()
        self.stops.ends(w, self.now_s)
        s.off_s[w] = self.now_s
        if s.doomed[w]:
            s.restart_s[w] = np.inf
            return
        self._settle(w)
        self._unpark(w)
        if s.kind[w] == codes.DELETE:
            self.queue.worked += round(self.in_work_s(w) * codes.TICKS)
            sent = self._sent(w)
            first = int((s.chunk_end if sent else s.chunk_first)[w])
            self._hide_held(w, first)
            notes.leave(self.queue, s, w, first, self.now_s)
            if sent:
                s.doomed[w] = 1
                s.restart_s[w] = np.inf
                s.held_n[w] = s.chunk_end[w]
                return
        self._off(w, codes.OFF)

    def _off(self, w: int, kind: int) -> None:
        """Have worker ``w`` hold nothing, and do nothing of itself."""
        s = self.workers
        notes.not_idle(self.queue, s, w, self.now_s)
        s.kind[w] = kind
        s.held_n[w] = 0
        heap.schedule(s, w, np.inf)

    def _unpark(self, w: int) -> None:
        """End the long poll of worker ``w``, if it waits."""
        if self.workers.kind[w] == codes.PARKED:
            k.unpark(self.queue, w)
            notes.poll_ends(self.queue, self.workers, w, self.now_s)

    def in_work_s(self, w: int) -> float:
        """How long worker ``w`` has worked on the message in progress, but for pauses, s."""
        s, now_s = self.workers, self.now_s
        if not self._processing(w) or s.begun_s[w] >= now_s:
            return 0.0
        return float(now_s - s.begun_s[w] + max(0.0, s.resume_s[w] - now_s))

    def terminate(self, w: int) -> None:
        """SIGTERM: receive no more, process and delete what is held, end.

        A receive that has not been answered is given up.
        """
        s = self.workers
        if not self.alive(w):
            return
        self._make_room()
        self.stops.ends(w, self.now_s)
        if s.doomed[w]:
            s.off_s[w] = self.now_s
            s.restart_s[w] = np.inf
            return
        s.barred[w] |= codes.ENDING
        self._unpark(w)
        if s.kind[w] in (codes.RECEIVE, codes.PARKED):
            self._off(w, codes.LEAVING)
            heap.schedule(s, w, max(self.now_s, s.resume_s[w]))

    def restart(self, w: int) -> None:
        """Start a new process in the place of a dead one."""
        s = self.workers
        if self.alive(w):
            return
        self.lives[w] += 1
        self.stops.starts(w, self.now_s, float(s.off_s[w]))
        s.barred[w] &= codes.CUT_OFF
        s.factor[w] = 1.0
        s.resume_s[w] = -np.inf
        if s.doomed[w]:
            s.restart_s[w] = self.now_s
        else:
            k.start(self.queue, s, w, self.now_s)

    def cut_off(self, w: int) -> None:
        """From now on no call of worker ``w`` gets through, and it makes each until it does.

        What is on its way arrives, but for receives: the service does not hand out messages over a
        connection that is gone. What the worker holds it processes; the delete has to wait, and
        may then come too late (SS-03).
        """
        s = self.workers
        if s.barred[w] & codes.CUT_OFF:
            return
        s.barred[w] |= codes.CUT_OFF
        s.cut_s[w] = self.now_s
        self._make_room()
        self.stops.cut(w, self.now_s)
        self._unpark(w)
        if s.kind[w] in (codes.RECEIVE, codes.PARKED):
            self._off(w, codes.RECEIVE)
        elif s.kind[w] == codes.DELETE and not s.doomed[w]:
            self._hide_held(w, int(s.chunk_first[w]))

    def reconnect(self, w: int) -> None:
        """End of `cut_off`: the call that did not get through is made again."""
        s = self.workers
        if not s.barred[w] & codes.CUT_OFF:
            return
        self._make_room()
        self.stops.mended(w, self.now_s)
        self._settle(w)
        waits = s.kind[w] == codes.DELETE and s.current[w] == s.chunk_end[w] and not self._sent(w)
        s.barred[w] &= ~codes.CUT_OFF
        again_s = max(self.now_s, s.resume_s[w])
        if s.kind[w] == codes.RECEIVE:
            k.start(self.queue, s, w, again_s)
        elif waits:
            k.next_delete(self.queue)
            heap.schedule(s, w, again_s + s.half_s[w])

    def pause(self, w: int, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        s = self.workers
        resume = max(s.resume_s[w], self.now_s + for_s)
        shift = resume - max(self.now_s, s.resume_s[w])
        self._make_room()
        self.stops.pauses(w, self.now_s, resume)
        s.resume_s[w] = resume
        self._settle(w)
        if s.idle_s[w] < np.inf:
            notes.not_idle(self.queue, s, w, self.now_s)
            s.idle_s[w] = resume
        if self._processing(w) and not s.doomed[w]:
            if s.start_s[w] > self.now_s:  # the answer to its receive is still on the way
                shift = max(s.start_s[w], resume) - s.start_s[w]
                s.start_s[w] += shift
                s.begun_s[w] = s.start_s[w]
            else:
                self.queue.worked -= round(shift * codes.TICKS)
            s.end_s[w] += shift
            self._make_room()
            k.replan(self.queue, s, w)
        elif s.kind[w] == codes.RECEIVE and s.event_s[w] - s.half_s[w] > self.now_s:  # not sent yet
            sent_s = max(s.event_s[w] - s.half_s[w], resume)
            heap.schedule(s, w, sent_s + s.half_s[w])
        elif s.kind[w] == codes.LEAVING:
            heap.schedule(s, w, max(s.event_s[w], resume))

    def slow(self, w: int, factor: float) -> None:
        """Make worker ``w`` take ``factor`` times its service times, from now on."""
        s = self.workers
        self._make_room()
        self._settle(w)
        ratio = factor / s.factor[w]
        s.factor[w] = factor
        if self._processing(w):
            running_from = max(self.now_s, s.resume_s[w], s.start_s[w])
            s.end_s[w] = running_from + (s.end_s[w] - running_from) * ratio
            self._make_room()
            k.replan(self.queue, s, w)


def _poison(poison: Poison, messages: int) -> state.StandardPoison:
    """What the kernel asks of each message."""
    fails = np.zeros(messages, np.int32)
    fails[poison.message] = poison.times
    revive_s = np.full(messages, -1.0)
    revive_s[poison.message[poison.kills]] = poison.restart_after_s[poison.kills]
    return state.StandardPoison(fails, revive_s)
