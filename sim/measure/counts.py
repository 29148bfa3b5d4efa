"""One pass over a group's messages, from which most tables are made: what it counts, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.engine.outcome import Fate, GroupOutcome
from sim.foundation.arrays import F64, I64
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


def count(messages: Messages, order_by: Sequence[str], outcome: GroupOutcome) -> Counted:
    """Go over a group's messages.

    Args:
        messages: what was produced.
        order_by: key dimensions that make the key within which order matters.
        outcome: what became of the messages. Its gauges are on the grid 0, step, 2 step, ….

    Raises:
        AssertionError: the fates do not add up to what was produced, or other messages count as
            processed than had an effect (conservation).
    """
    key_of, names = messages.keys_by(order_by)
    grid_s = outcome.gauges_t_s
    counts = k.Counts(grid_s.size, len(Fate), len(names))
    k.count(
        counts,
        messages.created_s,
        messages.entity,
        key_of,
        outcome.done_s,
        outcome.effects,
        outcome.fate,
        float(grid_s[1]),
        int(Fate.UNFINISHED),
    )
    fates = {fate: int(counts.fates[fate]) for fate in Fate}
    assert sum(fates.values()) == len(messages), "conservation: fates do not add up to the produced"
    processed, violations = np.asarray(counts.processed), np.asarray(counts.violations)
    with_effect = int(processed.sum())
    assert with_effect == fates[Fate.PROCESSED], "conservation: processed without an effect"
    return Counted(
        fates=fates,
        arrived=np.searchsorted(messages.created_s, grid_s, side="right"),
        processed=processed[:-1],
        violations=violations[:-1],
        violations_in_all=int(violations.sum()),
        keys_violated=int(np.asarray(counts.key_violated).sum()),
        oldest_s=np.asarray(counts.oldest_s),
        latency=np.asarray(counts.latency),
        longest_latency_s=counts.longest_latency_s,
        extra_effects=counts.extra_effects,
        last_done_s=counts.last_done_s,
    )
