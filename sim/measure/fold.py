"""Messages of a group that nothing can happen to any more, as counts and a sample of them.

A run may forget a message once it is in here: whether messages come in pieces or all at once, the
tables are the same to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.engine.outcome import Became
from sim.foundation.arrays import F64
from sim.measure.counts import Counted, Tally
from sim.measure.sampled_messages import SampledMessages
from sim.measure.shown import Chosen, LatencyOf
from sim.measure.waits import Spent
from sim.traffic.messages import Messages

if TYPE_CHECKING:
    import pandas as pd


class Fold:
    """What is kept of a group's messages."""

    def __init__(
        self,
        messages: Messages,
        order_by: Sequence[str] | None,
        grid_s: F64,
        total: int,
        chosen: Chosen | None = None,
    ) -> None:
        """
        Args:
            messages: some of them, for the dimensions of their keys.
            order_by: key dimensions that make the key within which order matters; None: no
                order is counted.
            grid_s: [grid] times 0, step, 2 step, …; two at least.
            total: how many messages there will be.
            chosen: those of whose latency the scenario is about; None: it is about something else.
        """
        self._key_of, self._names = messages.keys_by(order_by or [])
        self._tally = Tally(len(self._names), grid_s)
        self._ordered = order_by is not None
        self._sample = SampledMessages(total)
        self.spent = Spent(total)
        """Where their time went."""
        self.latency = None if chosen is None else LatencyOf(chosen)
        """Of those that the scenario is about."""

    def add(self, messages: Messages, became: Became, final: int) -> None:
        """Take the first ``final`` messages; nothing may happen to them any more.

        Args:
            messages: in order of creation, those after the ones that were taken before.
            became: [messages] what became of them so far; see `sim.measure.counts.Tally.add`.
            final: how many to take.
        """
        self._tally.add(messages.created_s, messages.entity, self._key_of, became, final)
        self._sample.add(messages, became, final)
        self.spent.add(messages.created_s, became, final)
        if self.latency is not None:
            self.latency.add(messages.created_s, messages.entity, became, final)

    def counted(self, samples: int) -> Counted:
        """Counts of what was taken, on the first so many grid times; see `Tally.counted`."""
        counted = self._tally.counted(samples)
        return counted if self._ordered else replace(counted, ordered=False)

    def sampled(self, who: Mapping[str, str]) -> "pd.DataFrame":
        """The table ``messages`` of what was taken."""
        return self._sample.table(who, self._key_of, self._names)
