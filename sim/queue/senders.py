"""The producer side of a queue: threads that call the service's send API."""

import numpy as np

from sim.engine import pieces
from sim.engine.pace import STEPS, StagePace
from sim.engine.waits import TimePart, after_start
from sim.foundation.arrays import F64, I64, longer
from sim.queue import senders_kernel as k
from sim.queue.feed import empty_feed


class Senders:
    """Stage of the data plane: puts messages into the feed that every queue of a system reads."""

    def __init__(
        self,
        created_s: F64,
        *,
        threads: int,
        batch: int,
        latency_s: F64,
        delay_s: F64 | None = None,
        calls_per_s: float = np.inf,
        one_connection: bool = False,
    ) -> None:
        """
        Args:
            created_s: [messages] ascending, s.
            threads: serial callers; messages wait in memory while all are busy.
            batch: messages a call carries at most (SendMessageBatch: 10).
            latency_s: [draws] round trips of the call, s, taken in turn.
            delay_s: [messages] DelaySeconds of each; None: no delay. A delayed message is treated
                as if it were sent so much later.
            calls_per_s: quota of the queue.
            one_connection: threads share a connection, on which nothing overtakes (RQ-15).
        """
        n = created_s.size
        self.created_s = created_s
        self.order = np.zeros(0, np.int32)
        self.delay_s = delay_s
        self._place: I64 | None = None
        """[messages] place of each in ``order``, if there is one."""
        if delay_s is not None:
            self.order = np.argsort(created_s + delay_s, kind="stable").astype(np.int32)
            self.created_s = (created_s + delay_s)[self.order]
            self._place = np.empty(n, np.int64)
            self._place[self.order] = np.arange(n)
        self.feed = empty_feed(n)
        self.state = k.SendersState(
            self.feed,
            self.created_s,
            self.order,
            threads,
            batch,
            latency_s,
            float(calls_per_s),
            one_connection,
        )

        self._stand(int(np.searchsorted(self.created_s, 0.0)))
        self.gone = 0
        """Messages forgotten."""
        self.gone_rows = 0
        """Rows of the feed forgotten."""
        self.pace = StagePace("the senders", n)

    def _stand(self, waiting: int) -> None:
        """The first messages, created before the start, are in the feed since then."""
        order = self.order if self.order.size else np.arange(waiting, dtype=np.int32)
        self.feed.message[:waiting] = order[:waiting]
        self.feed.enqueued_s[:waiting] = self.created_s[:waiting]
        self.feed.n[0] = self.state.next = waiting

    def advance(self, until_s: float) -> None:
        """Carry every send call to ``until_s``.

        Raises:
            AssertionError: a message is not in one place, or time went back; a bug of the lab.
        """
        sent = int(self.feed.n[0])
        while k.send(self.state, until_s, STEPS) == pieces.GOES_ON:
            self.pace.look(until_s, self.state.calls, lambda: f"{self.state.calls} calls were made")
        self._check(sent, until_s)

    def forget(self, messages: int, rows: int, created_s: F64) -> None:
        """Number messages and rows of the feed anew, without the first, and with more messages.

        None of them may be delayed by `delay_s`.

        Args:
            messages: to forget; they must be in the feed.
            rows: of the feed to forget; no message of the others is forgotten.
            created_s: [messages] of those that come behind the ones known, ascending, s.
        """
        feed, state = self.feed, self.state
        self.gone += messages
        self.gone_rows += rows
        self.created_s = np.concatenate([self.created_s[messages:], created_s])
        kept = slice(rows, int(feed.n[0]))
        room = self.gone + self.created_s.size - self.gone_rows
        feed.message = longer(np.asarray(feed.message)[kept] - np.int32(messages), room, 0)
        feed.enqueued_s = longer(np.asarray(feed.enqueued_s)[kept], room, np.inf)
        feed.n[0] -= rows
        state.created_s = self.created_s
        n = self.created_s.size
        state.way_s = longer(np.asarray(state.way_s)[messages:], n, 0.0)
        if state.held.size:
            state.held = longer(np.asarray(state.held)[messages:], n, 0)
        state.next -= messages
        np.asarray(state.first)[: state.on_the_way] -= messages

    def _check(self, before: int, until_s: float) -> None:
        """What was to be sent is on the list, in a call or in the feed, which is in order."""
        sent = int(self.feed.n[0])
        taken, put = self.gone + self.state.next, self.gone_rows + sent
        in_calls = int(np.asarray(self.state.n)[: self.state.on_the_way].sum())
        assert taken == put + in_calls, (
            f"senders: {taken} messages were taken, but {put} are sent and {in_calls} on the way"
        )
        if sent > before:
            enqueued_s = self.feed.enqueued_s
            first_s, last_s = enqueued_s[before], enqueued_s[sent - 1]
            earlier_s = enqueued_s[before - 1] if before else 0.0
            assert earlier_s <= first_s <= last_s <= until_s, "senders: time went back"

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`, by when each came into the feed.

        Of a call that the quota held up, all that its messages waited is `TimePart.CEILING`: the
        threads are busy because of it.
        """
        at = slice(first, last) if self._place is None else self._place[first:last]
        parts_s = np.zeros((len(TimePart), last - first))
        state = self.state
        created_s, entered_s = after_start(parts_s, self.created_s[at], entered_s)
        left_s = entered_s - created_s
        parts_s[TimePart.SEND] = np.minimum(np.asarray(state.way_s)[at], left_s)
        left_s -= parts_s[TimePart.SEND]
        if state.held.size:
            held = np.asarray(state.held)[at] > 0
            parts_s[TimePart.CEILING] = np.where(held, left_s, 0.0)
            left_s[held] = 0.0
        parts_s[TimePart.BUFFER] = left_s
        if self.delay_s is not None:
            parts_s[TimePart.DELAY] = self.delay_s[first:last]
        return parts_s

    @property
    def calls(self) -> int:
        """Send calls made."""
        return self.state.calls

    def visible_s(self, delay_s: float) -> F64:
        """[messages] when each came into a queue ``delay_s`` behind the feed; inf: never."""
        out = np.full(self.created_s.size, np.inf)
        rows = slice(0, int(self.feed.n[0]))
        out[self.feed.message[rows]] = np.asarray(self.feed.enqueued_s[rows]) + delay_s
        return out
