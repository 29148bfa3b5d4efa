"""What messages waited for that were tried in several topics, one after the other."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from sim.engine.waits import TimePart
from sim.foundation.arrays import F64
from sim.log.kafka_retry_topics import Failed, RetryTopics
from sim.log.parts import LogWaits


class CameBy:
    """A `sim.engine.waits.Sent` of a retry topic: how its records came to be readable there."""

    def __init__(self, retried: RetryTopics, stage: int, waits: Sequence[LogWaits]) -> None:
        """
        Args:
            retried: with the topics.
            stage: which; 1 is the first retry topic.
            waits: of the stages, at least those from which a record may come; more may be added.
        """
        self.retried = retried
        self.waits = waits
        self.of: dict[int, list[Failed]] = defaultdict(list)
        """By message, the records."""
        for failed in retried.of_stage(stage):
            self.of[failed.message].append(failed)
        self.messages = sorted(self.of)

    def sent_parts_s(self, first: int, last: int, entered_s: F64) -> F64:
        """As `sim.engine.waits.Sent.sent_parts_s`."""
        parts_s = np.zeros((len(TimePart), last - first))
        low, high = bisect_left(self.messages, first), bisect_left(self.messages, last)
        for message in self.messages[low:high]:
            at = message - first
            for failed in self.of[message]:
                if failed.again_s == entered_s[at]:
                    parts_s[:, at] = self._until(failed)
        return parts_s

    def _until(self, failed: Failed) -> F64:
        """[parts] from creation until a record that failed can be read again, s."""
        waits, i = self.waits[failed.stage], failed.message
        readable_s = np.array([failed.readable_s])
        parts_s: F64 = waits.sent.sent_parts_s(i, i + 1, readable_s)[:, 0]
        parts_s += waits.failed_parts_s(
            failed.place, failed.readable_s, (failed.asked_s, failed.got_s), failed.polled_s
        )
        parts_s[TimePart.ATTEMPT] += failed.failed_s - failed.polled_s
        parts_s[TimePart.BACKOFF] += failed.due_s - failed.failed_s
        sent_s = max(failed.due_s, failed.sent_s)
        parts_s[TimePart.SEND] += sent_s - failed.due_s
        parts_s[TimePart.HEAD_OF_LINE] += failed.again_s - sent_s
        return parts_s


class RetriedWaits:
    """A `sim.engine.waits.Waits` of messages whose first effect may be in any of several topics."""

    def __init__(self, waits: Sequence[LogWaits], done_s: Sequence[F64]) -> None:
        """
        Args:
            waits: [topics] what each message waited for that was first processed there.
            done_s: [topics] [messages] when each was first processed there, s; inf: never.
        """
        self.waits = waits
        self.done_s = done_s

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        parts_s = self.waits[0].parts_s(first, last)
        best_s = self.done_s[0][first:last].copy()
        for waits, done_s in zip(self.waits[1:], self.done_s[1:], strict=True):
            sooner = np.flatnonzero(done_s[first:last] < best_s)
            if sooner.size:
                parts_s[:, sooner] = waits.parts_s(first, last)[:, sooner]
                best_s[sooner] = done_s[first:last][sooner]
        return parts_s
