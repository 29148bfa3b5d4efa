"""One pass over a group's messages, from which most tables are made: what it counts, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.engine.outcome import Became, Fate, GroupOutcome
from sim.foundation.arrays import F64, I32, I64
from sim.measure import counts_kernel as k
from sim.traffic.messages import Messages


@dataclass(frozen=True)
class Counted:
    """What a pass found. Grid times are those of the gauges; each step ends at one of them."""

    fates: Mapping[Fate, int]
    """Messages with each fate."""
    arrived: I64
    """[grid] messages created up to each grid time."""
    processed: I64
    """[grid] messages first processed in each step."""
    violations: I64
    """[grid] messages first processed in each step, after a later one of their key."""
    violations_in_all: int
    """The same over the whole run, so also after the last grid time."""
    keys_violated: int
    """Keys that a violation is of."""
    oldest_s: F64
    """[grid] age of the oldest message that waits, s; 0: none does."""
    latency: I64
    """[bins] histogram of the latencies; `sim.measure.latency` reads it."""
    longest_latency_s: float
    """Exactly; 0: no message was processed."""
    extra_effects: int
    """Times that a message was processed beyond its first."""
    last_done_s: float
    """When the last message was first processed, s; 0: none was."""
    waiting: int = 0
    """Messages that were created before the start."""
    ordered: bool = True
    """Whether there is an order; else ``violations`` and ``keys_violated`` say nothing."""


class Tally:
    """Counts of a group's messages, which come in pieces or all at once."""

    def __init__(self, keys: int, grid_s: F64) -> None:
        """
        Args:
            keys: how many there are, within which order matters.
            grid_s: [grid] times 0, step, 2 step, …; two at least.
        """
        self.grid_s = grid_s
        self._counts = k.Counts(grid_s.size, len(Fate), keys)
        self._arrived = np.zeros(grid_s.size, np.int64)
        self._waiting = 0
        self.taken = 0
        """Messages counted so far."""

    def add(self, created_s: F64, entity: I32, key_of: I32, became: Became, final: int) -> None:
        """Count the first ``final`` messages; nothing may happen to them any more.

        Args:
            created_s: [messages] ascending, s; not before those counted earlier.
            entity: [messages]
            key_of: [entities] the key of each, within which order matters.
            became: [messages] what became of them so far. Who comes after the first ``final`` is
                counted later, but may be done already, and some of those before it late for that.
            final: messages to count.
        """
        k.count(
            self._counts,
            created_s,
            entity,
            key_of,
            became.done_s,
            became.effects,
            became.fate,
            final,
            float(self.grid_s[1]),
            int(Fate.UNFINISHED),
        )
        self._arrived += np.searchsorted(created_s[:final], self.grid_s, side="right")
        self._waiting += int(np.searchsorted(created_s[:final], 0.0))
        self.taken += final

    def counted(self, samples: int) -> Counted:
        """What was counted, on the first so many of the grid times.

        Raises:
            AssertionError: the fates do not add up to what was taken, or other messages count as
                processed than had an effect (conservation).
        """
        counts, taken = self._counts, self.taken
        fates = {fate: int(counts.fates[fate]) for fate in Fate}
        assert sum(fates.values()) == taken, "conservation: fates do not add up to the produced"
        processed, violations = np.asarray(counts.processed), np.asarray(counts.violations)
        with_effect = int(processed.sum())
        assert with_effect == fates[Fate.PROCESSED], "conservation: processed without an effect"
        return Counted(
            fates=fates,
            arrived=self._arrived[:samples],
            processed=processed[:samples],
            violations=violations[:samples],
            violations_in_all=int(violations.sum()),
            keys_violated=int(np.asarray(counts.key_violated).sum()),
            oldest_s=np.asarray(counts.oldest_s)[:samples],
            latency=np.asarray(counts.latency),
            longest_latency_s=counts.longest_latency_s,
            extra_effects=counts.extra_effects,
            last_done_s=counts.last_done_s,
            waiting=self._waiting,
        )


def count(messages: Messages, order_by: Sequence[str] | None, outcome: GroupOutcome) -> Counted:
    """Count a group's messages all at once.

    Args:
        messages: what was produced.
        order_by: key dimensions that make the key within which order matters; None: no order is
            counted.
        outcome: what became of the messages. Its gauges are on the grid 0, step, 2 step, ….

    Raises:
        AssertionError: as `Tally.counted`.
    """
    key_of, names = messages.keys_by(order_by or [])
    tally = Tally(len(names), outcome.gauges_t_s)
    tally.add(messages.created_s, messages.entity, key_of, outcome, len(messages))
    return tally.counted(outcome.gauges_t_s.size)
