"""What the messages of a standard queue waited for: a `sim.engine.waits.Waits`."""

from typing import NamedTuple

import numpy as np

from sim.engine.waits import Sent, Stretches, TimePart
from sim.foundation.arrays import F64, I64
from sim.queue import sqs_standard_codes as codes
from sim.queue import sqs_standard_waits_kernel as k
from sim.queue.sqs_standard import Workers


class _Notes(NamedTuple):
    """Deliveries after which a message became visible again, by message and time."""

    message: I64
    """[deliveries] ascending."""
    handed_s: F64
    """[deliveries] s."""
    left_s: F64
    """[deliveries] from when on nobody had it: its holder was gone, or had failed, s."""
    back_s: F64
    """[deliveries] when it was visible again, s."""


class _Around(NamedTuple):
    """What went on while a message was ready; each holds those before it as well."""

    none_runs: Stretches
    """No worker could be handed anything."""
    full: Stretches
    """As many were in flight as may be, and a worker got nothing for it."""
    idle: Stretches
    """Some worker had nothing, and had still to ask."""


class StandardWaits:
    """What each message waited for, as far as the queue has been advanced.

    Of a message that came back, the calls of its earlier deliveries are not told apart: the time
    until each is `TimePart.CAPACITY`, if no worker had nothing. A worker that runs and waits for
    room in flight makes that time `TimePart.CEILING`.
    """

    def __init__(self, workers: Workers, sent: Sent, delay_s: float) -> None:
        """
        Args:
            workers: with the effects recorded (`Workers.settle`).
            sent: how its messages get into its feed.
            delay_s: how much of the queue's delay is asked for (DelaySeconds); the rest is the way
                from one service to the other.
        """
        self._queue, self._split = workers.queue, workers.split
        self._sent = sent
        self._delay_s = delay_s
        workers.note_entered()
        self._entered_s = workers.entered_s
        self._notes = _back(workers)
        self._around = _around(workers)

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        queue, here = self._queue, slice(first, last)
        rows = self._split.rows_of(first, last)
        entered_s = self._entered_s[rows]
        parts_s = np.ascontiguousarray(self._sent.sent_parts_s(first, last, entered_s))
        policy = queue.policy
        ready_s = entered_s + policy.delay_s
        if policy.delay_s > 0.0:
            delay_s = np.full(last - first, policy.delay_s)
            before = entered_s < 0.0  # what is left of the delay at the start
            delay_s[before] = np.maximum(ready_s[before], 0.0)
            asked_s = np.minimum(delay_s, self._delay_s)
            parts_s[TimePart.DELAY] += asked_s
            parts_s[TimePart.SEND] += delay_s - asked_s
        ready_s = np.maximum(ready_s, 0.0)
        done_s = np.asarray(queue.done_s)[here]
        handed_s = np.asarray(queue.handed_s)[rows]
        call_s = np.asarray(queue.call_s)[rows]
        notes = self._notes
        if notes.message.size:
            some = slice(*np.searchsorted(notes.message, [first, last]).tolist())
            its = _Notes(
                notes.message[some], notes.handed_s[some], notes.left_s[some], notes.back_s[some]
            )
            self._add_deliveries(parts_s, ready_s, handed_s, done_s, its, first)
        if self._around.idle.from_s.size:
            direct = np.asarray(queue.place)[here] & codes.WOKEN == 0
            asked_s = np.maximum(ready_s, handed_s - call_s * direct)
            everyone = np.flatnonzero(done_s < np.inf)
            asked_s = asked_s[everyone]
            self._share(parts_s, everyone, ready_s[everyone], asked_s)
            refused_s = self._refused_s(asked_s, handed_s[everyone])
            parts_s[TimePart.CEILING, everyone] += refused_s
            parts_s[TimePart.CALL, everyone] -= refused_s
        k.split(
            parts_s,
            ready_s,
            done_s,
            handed_s,
            np.asarray(queue.begun_s)[rows],
            call_s,
            np.asarray(queue.place)[here],
            np.asarray(queue.service_s)[here],
            policy.per_batch_s,
        )
        return parts_s

    def _add_deliveries(
        self, parts_s: F64, ready_s: F64, handed_s: F64, done_s: F64, notes: _Notes, first: int
    ) -> None:
        """Add what came before the delivery that led to the effect, and move ``ready_s`` there."""
        of = notes.message - first
        before = np.flatnonzero((notes.back_s <= handed_s[of]) & (done_s[of] < np.inf))
        of = of[before]
        nth = np.arange(of.size) - np.searchsorted(of, of)
        for n in range(int(nth.max(initial=-1)) + 1):
            rows = before[nth == n]
            which = notes.message[rows] - first
            from_s = ready_s[which]
            to_s = np.maximum(notes.handed_s[rows], from_s)
            parts_s[TimePart.CAPACITY, which] += to_s - from_s
            self._share(parts_s, which, from_s, to_s)
            left_s = np.maximum(notes.left_s[rows], to_s)
            parts_s[TimePart.ATTEMPT, which] += left_s - to_s
            parts_s[TimePart.LOCK, which] += notes.back_s[rows] - left_s
            ready_s[which] = notes.back_s[rows]

    def _refused_s(self, from_s: F64, until_s: F64) -> F64:
        """[times] how much of the last call waited for room in flight, s."""
        from_s, until_s = _on_grid(from_s), _on_grid(until_s)
        both, none = self._around.full, self._around.none_runs
        met_s = both.before(until_s) - both.before(from_s)
        return met_s - (none.before(until_s) - none.before(from_s))

    def _share(self, parts_s: F64, which: I64, from_s: F64, until_s: F64) -> None:
        """Of time that counts as `TimePart.CAPACITY`, give others what is theirs."""
        from_s, until_s = _on_grid(from_s), _on_grid(until_s)
        before_s = np.zeros(which.size)
        shares = zip(
            (TimePart.NO_OWNER, TimePart.CEILING, TimePart.CALL), self._around, strict=True
        )
        for part, stretches in shares:
            met_s = stretches.before(until_s) - stretches.before(from_s)
            parts_s[part, which] += met_s - before_s
            before_s = met_s
        parts_s[TimePart.CAPACITY, which] -= before_s


def _on_grid(at_s: F64) -> F64:
    """Times in whole ticks: sums of them are exact, however much of a run is remembered."""
    grid: F64 = np.rint(at_s * codes.TICKS) / codes.TICKS
    return grid


def noted(workers: Workers, kind: int) -> tuple[I64, F64, F64]:
    """Of the notes of a kind, whom each is about, and from when until when, s."""
    queue = workers.queue
    here = slice(0, queue.notes)
    rows = np.flatnonzero(np.asarray(queue.note_kind)[here] == kind)
    of = np.asarray(queue.note_of)[rows]
    return of, np.asarray(queue.note_from_s)[rows], np.asarray(queue.note_until_s)[rows]


def _back(workers: Workers) -> _Notes:
    of, handed_s, back_s = noted(workers, codes.BACK)
    order = np.lexsort((back_s, of))
    of, handed_s, back_s = of[order], handed_s[order], back_s[order]
    left_s = back_s.copy()
    whose, hidden_until_s, gave_up_s = noted(workers, codes.GAVE_UP)
    if whose.size:
        # A delivery is known by its message and by when its timeout ends.
        both = np.concatenate([of, whose])
        ends_s = np.concatenate([back_s, hidden_until_s])
        at_s = np.concatenate([np.full(of.size, np.inf), gave_up_s])
        place = np.concatenate([np.arange(of.size), np.full(whose.size, -1)])
        order = np.lexsort((at_s, ends_s, both))
        both, ends_s, at_s, place = both[order], ends_s[order], at_s[order], place[order]
        same = (both[1:] == both[:-1]) & (ends_s[1:] == ends_s[:-1])
        found = 1 + np.flatnonzero(same & (place[1:] >= 0) & (place[:-1] < 0))
        rows = place[found]
        left_s[rows] = np.minimum(left_s[rows], at_s[found - 1])
    return _Notes(of, handed_s, left_s, back_s)


def deaths(workers: Workers) -> list[tuple[int, float, float]]:
    """Of processes that messages killed: the worker, when, and when the next one ran, s."""
    who, from_s, until_s = noted(workers, codes.DEATH)
    return list(zip(who.tolist(), from_s.tolist(), until_s.tolist(), strict=True))


def _around(workers: Workers) -> _Around:
    """What is known now; what goes on has no end yet."""
    queue = workers.queue
    stopped = workers.stops.none_runs(deaths(workers))
    _, full_s, room_s = noted(workers, codes.FULL)
    _, idle_s, asks_s = noted(workers, codes.IDLE)
    still_s = np.asarray(workers.workers.idle_s)
    still_s = still_s[still_s < np.inf]
    found = [(stopped.from_s, stopped.until_s)]
    found.append((np.append(full_s, queue.full_s), np.append(room_s, np.inf)))
    found.append(
        (np.concatenate([idle_s, still_s]), np.concatenate([asks_s, np.full(still_s.size, np.inf)]))
    )
    return _Around(*(_union(found[:n]) for n in (1, 2, 3)))


def _union(found: list[tuple[F64, F64]]) -> Stretches:
    from_s = _on_grid(np.concatenate([pair[0] for pair in found]))
    until_s = _on_grid(np.concatenate([pair[1] for pair in found]))
    return Stretches.union(from_s, until_s)
