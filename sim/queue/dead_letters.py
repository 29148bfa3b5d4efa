"""What leaves one queue enters another: queues that dead-letter into each other (RQ-16).

A queue is advanced after those from which its messages come, so that it finds in its feed whatever
they dead-lettered. Queues that dead-letter in a circle (a retry queue, back to the work queue) are
advanced in turns: always the one in which something happens first, up to the time at which
something happens in another, and it stands still as soon as it dead-letters a message. That is as
exact, and slower: about 20 us for each turn, of which a message needs a few.

A message is in one of these queues at a time: it is published to one of them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from types import MappingProxyType

import numpy as np

from sim.foundation.arrays import F64, I32, I64, NO_LIMIT, Bools, longer
from sim.foundation.errors import LabError
from sim.queue import broker_codes as codes
from sim.queue.broker import BEFORE_CONTROL, Broker
from sim.queue.feed import empty_feed
from sim.queue.feed_kernel import Feed

_FIRST_ROOM = 1 << 10


class DeadLetters:
    """Stage of the data plane: queues of which some dead-letter into others."""

    def __init__(
        self,
        sent: Feed,
        queues: Mapping[str, Broker],
        to: Mapping[str, str],
        published: Mapping[str, Bools],
        lives_s: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """
        Args:
            sent: what the senders put in; advanced before this stage.
            queues: all that dead-letter or are dead-lettered to, by name. They read a feed of their
                own (`own_feed`), in which nothing is yet.
            to: of each queue that dead-letters into one of them, which one.
            published: [messages] of each queue, whether a message is published to it.
            lives_s: of queues in which the life of a dead letter counts from when it was published
                or moved back (`redrive`), how long it is, s (SS-19).

        Raises:
            LabError: a message is published to more than one of the queues.
        """
        self.sent = sent
        self.queues = dict(queues)
        self.to = dict(to)
        self.published = published
        self.circles = in_order(list(queues), to)
        """Queues that are advanced together, in the order of their dependence."""
        self.at = np.full(next(iter(published.values())).size, -1, np.int32)
        """[messages] number of the queue in which a message is or was last; -1: in none yet."""
        self.number = {name: i for i, name in enumerate(self.queues)}
        self.cycles = 0
        """Messages dropped because they went in a circle without a rejection (RQ-18)."""
        self.cycled_s = (inf, -inf)
        """When the first and the last of them were, s."""
        self.lives_s = lives_s
        self.since_s = np.zeros(self.at.size)
        """[messages] when each was published, or moved back last, s."""
        self.back: dict[str, Bools] = {}
        """[messages] of each queue out of which some were moved, those that left it so last."""
        self._read = 0
        self._deaths: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        """Of messages that were in a circle: where they died and why, the last one first."""
        times = np.sum(list(published.values()), axis=0)
        if times.max(initial=0) > 1:
            several = [name for name, its in published.items() if its[int(times.argmax())]]
            raise LabError(
                f"a message is published to the queues {', '.join(several)}, and one dead-letters "
                "into the other, which would have it twice at a time; the lab follows one copy of "
                "a message: publish it to one of them (a routing_key and different bindings of a "
                "RabbitMQ exchange, a FilterPolicy of an SQS queue)"
            )
        for name, queue in self.queues.items():
            queue.expect(NO_LIMIT)
            queue.state.letters.stops = int(len(self._circle_of(name)) > 0)

    def _circle_of(self, name: str) -> Sequence[str]:
        """The queues of its circle; none: it is in none."""
        circle = next(circle for circle in self.circles if name in circle)
        return circle if len(circle) > 1 or self.to.get(name) == name else ()

    def advance(self, until_s: float) -> None:
        """Carry all queues to ``until_s``."""
        self._publish()
        for circle in self.circles:
            if self._circle_of(circle[0]):
                self._turn(circle, until_s)
            for name in circle:
                self.queues[name].advance(until_s)
                self._carry(name)

    def _publish(self) -> None:
        """What the senders have put in goes into the feeds of the queues."""
        stop = int(self.sent.n[0])
        rows = np.asarray(self.sent.message)[self._read : stop]
        at_s = np.asarray(self.sent.enqueued_s)[self._read : stop]
        self._read = stop
        for name, its in self.published.items():
            here = its[rows]
            if here.any():
                self.at[rows[here]] = self.number[name]
                self.since_s[rows[here]] = at_s[here]
                enter(self.queues[name], rows[here], at_s[here])

    def _turn(self, circle: Sequence[str], until_s: float) -> None:
        """Advance queues that depend on each other, whoever is first."""
        for name in circle:
            self._carry(name)  # what a fault has made leave
        stands = set(circle)  # may have something to do at once
        while True:
            due_s = {
                name: self.queues[name].now_s if name in stands else self.queues[name].due_s()
                for name in circle
            }
            first = min(circle, key=due_s.__getitem__)
            if due_s[first] > until_s:
                return
            others_s = min((due_s[name] for name in circle if name != first), default=inf)
            self.queues[first].advance_to_letter(min(until_s, others_s))
            if self.queues[first].state.letters.n == 0:
                stands.discard(first)
            else:
                stands.add(first)
            self._carry(first)

    def _carry(self, name: str) -> None:
        """What a queue has dead-lettered goes into the feed of the next one."""
        queue = self.queues[name]
        letters = queue.state.letters
        n = letters.n
        if n == 0:
            return
        letters.n = 0
        message = np.asarray(letters.message)[:n].astype(np.int32)
        at_s = np.asarray(letters.at_s)[:n].copy()
        met_s = np.asarray(letters.met)[:n].copy()
        if self._circle_of(name):
            goes = [
                not self._ends(name, int(m), int(reason), t)
                for m, reason, t in zip(message, letters.reason[:n], at_s, strict=True)
            ]
            message, at_s, met_s = message[goes], at_s[goes], met_s[goes]
        self._pass(self.to[name], message, at_s, met_s)

    def _pass(self, target: str, message: I32, at_s: F64, met_s: F64) -> None:
        """Messages enter another queue."""
        self.at[message] = self.number[target]
        if target in self.back:
            self.back[target][message] = False
        take(self.queues[target], message, at_s, met_s)
        life_s = self.lives_s.get(target, inf)
        if life_s == inf:
            return
        queue = self.queues[target]
        for m, entered_s in zip(message.tolist(), at_s.tolist(), strict=True):
            since_s = float(self.since_s[m])
            ends_s = max(entered_s + queue.policy.delay_s, since_s + life_s)
            queue.at(ends_s, BEFORE_CONTROL, partial(self._expire, target, m, since_s))

    def _expire(self, name: str, message: int, since_s: float) -> None:
        """A dead letter has been alive for as long as its queue keeps it."""
        if self.at[message] == self.number[name] and self.since_s[message] == since_s:
            self.queues[name].expire_one(message)

    def redrive(self, name: str, whither: Callable[[int], str]) -> str | None:
        """Move the oldest message that is ready in a queue into another one, now (SS-20).

        There it is a new message.

        Args:
            name: of the queue; all are advanced to the present time.
            whither: says of a message to which queue it goes.

        Returns:
            that queue; None: nothing is ready.
        """
        queue = self.queues[name]
        if not queue.move_first():
            return None
        letters = queue.state.letters
        letters.n = 0
        message = np.asarray(letters.message)[:1].astype(np.int32)
        to = whither(int(message[0]))
        self.back.setdefault(name, np.zeros(self.at.size, np.bool_))[message] = True
        self.since_s[message] = queue.now_s
        at_s = np.array([self.queues[to].now_s])
        self._pass(to, message, at_s, np.asarray(letters.met)[:1].copy())
        return to

    def _ends(self, name: str, message: int, reason: int, at_s: float) -> bool:
        """Whether a message is dropped because it goes in a circle by itself (RQ-18).

        As `is_death_cycle` of RabbitMQ: it died in the target before, and was not rejected since.
        """
        queue, target, deaths = self.queues[name], self.to[name], self._deaths[message]
        if (name, reason) in deaths:
            deaths.remove((name, reason))
        deaths.insert(0, (name, reason))
        if reason == codes.DIED_REJECTED or target not in self._circle_of(name):
            return False
        places = [where for where, _ in deaths]
        if target not in places:
            return False
        since = deaths[: places.index(target) + 1]
        if any(why == codes.DIED_REJECTED for _, why in since):
            return False
        queue.state.messages.state[message] = codes.DROPPED
        queue.state.messages.moved -= 1
        queue.state.messages.removed += 1
        self.cycles += 1
        self.cycled_s = (min(self.cycled_s[0], at_s), max(self.cycled_s[1], at_s))
        return True

    def settled(self) -> int:
        """Messages that will not move any more: gone for good, or parked where nobody reads."""
        queues = self.queues.values()
        gone = sum(queue.state.messages.removed for queue in queues)
        parked = sum(queue.state.messages.ready_now for queue in queues if is_parked(queue))
        held = any(queue.state.messages.held for queue in queues)
        done = gone + parked
        return done - (held and done == self.total())

    def total(self) -> int:
        """Messages that are to be published to these queues."""
        return sum(int(np.count_nonzero(its)) for its in self.published.values())

    def leads(self, name: str, to: str) -> bool:
        """Whether messages of a queue can get into another (or come back into it)."""
        seen: set[str] = set()
        at = self.to.get(name)
        while at is not None and at not in seen:
            if at == to:
                return True
            seen.add(at)
            at = self.to.get(at)
        return False


def own_feed() -> Feed:
    """A feed for one queue, into which more may come than there are messages."""
    return empty_feed(_FIRST_ROOM)


def is_parked(queue: Broker) -> bool:
    """Whether what is in a queue stays there: nobody reads it, and its first never expires."""
    if queue.size:
        return False
    expires_s = np.asarray(queue.state.messages.expires_s)
    head = max(queue.state.lanes.head, default=-1)
    heads = [int(m) for m in reversed(list(queue.state.lanes.head)) if m >= 0]
    return head < 0 or not expires_s.size or expires_s[heads[0]] == inf


def enter(queue: Broker, message: I32, at_s: F64) -> None:
    """Put messages into a queue's feed, in order of time behind what it has read.

    Args:
        queue: whose feed it is alone.
        message: [n] which.
        at_s: [n] when each comes, ascending, not before the time of the queue.
    """
    if not message.size:
        return
    state = queue.state
    read, n = state.row, int(state.feed.n[0])
    room = state.feed.message.shape[0]
    if n + message.size > room:
        room = max(2 * room, n + message.size)
        state.feed = Feed(
            longer(np.asarray(state.feed.message), room, 0),
            longer(np.asarray(state.feed.enqueued_s), room, inf),
            state.feed.n,
        )
    rows, times_s = np.asarray(state.feed.message), np.asarray(state.feed.enqueued_s)
    stop = n + message.size
    rows[n:stop], times_s[n:stop] = message, at_s
    if n > read and times_s[n - 1] > at_s[0]:
        order = read + np.argsort(times_s[read:stop], kind="stable")
        rows[read:stop], times_s[read:stop] = rows[order], times_s[order]
    state.feed.n[0] = stop


def take(queue: Broker, message: I32, at_s: F64, met_s: F64) -> None:
    """Put dead letters into a queue's feed, with what each has met before.

    Args:
        queue: as in `enter`.
        message: [n] which.
        at_s: [n] when each comes, ascending, s.
        met_s: [n, MET] what each has met since it came into the first of its queues, s.
    """
    messages, times = queue.state.messages, queue.state.times
    np.asarray(messages.letter)[message] = 1
    fresh = np.asarray(messages.effects)[message] == 0
    rows = np.asarray(times.row_of)[message[fresh]].astype(np.int64) - 1
    new: I64 = np.flatnonzero(rows < 0)
    while times.rows + new.size > times.before.shape[0]:
        times.enlarge_rows()
    rows[new] = times.rows + np.arange(new.size)
    times.rows += new.size
    np.asarray(times.row_of)[message[fresh]] = rows + 1
    np.asarray(times.before)[rows] = met_s[fresh]
    enter(queue, message, at_s)


def in_order(names: Sequence[str], to: Mapping[str, str]) -> list[list[str]]:
    """Names in circles, each circle (or single name) behind those that lead into it."""
    circles: list[list[str]] = []
    left = list(names)
    while left:
        # Whoever only those lead into that are placed is next; else there is a circle left.
        free = [n for n in left if not any(to.get(other) == n for other in left)]
        if free:
            circles.append([free[0]])
            left.remove(free[0])
            continue
        circle, at = [], left[0]
        while at not in circle:
            circle.append(at)
            at = to[at]
        circle = circle[circle.index(at) :]
        circles.append(circle)
        left = [n for n in left if n not in circle]
    return circles
