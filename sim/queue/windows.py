"""Standard queues that forget what is gone, while messages come window by window.

Forgotten is a message that every queue has deleted, put aside or let expire, of which no worker has
a copy, and whose timeout is not waited for. Rows of the feed are not in the order of messages, for
calls overtake each other: they are forgotten up to the first whose message is not.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sim.foundation.arrays import F32, F64, I64
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers


class QueueWindows:
    """What the queues behind some senders have forgotten, and what was seen of it before."""

    def __init__(
        self, senders: Senders, queues: Mapping[str, Workers], total: int, grid_s: F64
    ) -> None:
        """
        Args:
            senders: with the messages of the first window.
            queues: all that read what they send, by name.
            total: messages that there will be in all.
            grid_s: [grid] ascending times at which the queues are looked at, s.
        """
        self.senders = senders
        self.queues = dict(queues)
        self.grid_s = grid_s
        self.enqueued: dict[str, I64] = {}
        """[grid] of each queue, messages that it has got, as far as they are noted."""
        for name, queue in queues.items():
            queue.expect(total)
            self.enqueued[name] = np.zeros(grid_s.size, np.int64)
        self._noted = 0
        """Grid times that are noted."""

    def note(self, before_s: float) -> None:
        """Note what there is to be seen at grid times before ``before_s``.

        The senders must be advanced to there.
        """
        until = int(np.searchsorted(self.grid_s, before_s))
        here = slice(self._noted, until)
        feed = self.senders.feed
        sent_s = np.asarray(feed.enqueued_s)[: feed.n[0]]
        for name, queue in self.queues.items():
            due_s = self.grid_s[here] - queue.policy.delay_s
            came = np.searchsorted(sent_s, due_s, side="right")
            self.enqueued[name][here] = self.senders.gone_rows + came
        self._noted = until

    def final(self) -> tuple[int, int]:
        """How many of the first of the messages, and of the rows of the feed, may be forgotten.

        Effects must be recorded up to now (`Workers.settle`).
        """
        firsts = [queue.first_open() for queue in self.queues.values()]
        first = min(message for message, _ in firsts)
        feed = self.senders.feed
        message = np.asarray(feed.message)[: feed.n[0]]
        left = np.flatnonzero(message >= first)
        rows = int(left[0]) if left.size else message.size
        rows = min(rows, *(row for _, row in firsts))
        return int(message[rows:].min(initial=first)), rows

    def forget(self, messages: int, rows: int, created_s: F64, service_s: Sequence[F32]) -> None:
        """Forget the first messages and rows, and get to know of more messages.

        Args:
            messages: how many to forget.
            rows: likewise.
            created_s: [messages] of those that come, ascending, s.
            service_s: of each queue, [messages] work that each of these takes, s.
        """
        for queue in self.queues.values():
            queue.note_entered()
        self.senders.forget(messages, rows, created_s)
        for queue, work_s in zip(self.queues.values(), service_s, strict=True):
            queue.forget(messages, rows, work_s)
