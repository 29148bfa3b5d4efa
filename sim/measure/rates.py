"""How fast a group is while it has a backlog, with an interval: columns of the summary.

The most of any one step is a lucky step. What a group can do is seen where its consumers have
enough to do all the time, and over all of that time.

A *backlog stands* in a step of the grid if no consumer can have run out of messages in it:

- of a queue: more messages are ready than it has consumers, both when the step begins and when it
  ends, and when it begins as many at least as are processed in it;
- of a log: on as many partitions as it has consumers (on all, if these are fewer), not all of what
  was there when the step began has been handed over when it ends.

A hot partition, or one message that blocks its partition, so makes no rate: the group is not busy
then. An outage while a backlog stands counts, as nothing processed. What consumers hold without
working on it, of a large prefetch, does not make a backlog.
"""

from math import nan, sqrt

import numpy as np

from sim.engine.outcome import GroupOutcome, Offsets
from sim.foundation.arrays import F64, I64, Bools
from sim.measure.counts import Counted
from sim.measure.lag import Lag

BATCHES = 20
"""Batches of steps, at most, from which the interval comes: so many leave their means nearly
uncorrelated, and Student's quantile near the normal one (Schmeiser 1982 advises 10 to 30)."""
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
)  # fmt: skip
"""Student's t at 0.975, for 1 degree of freedom and up."""


def sums(t_s: F64, outcome: GroupOutcome, waiting: Lag, counted: Counted) -> dict[str, float]:
    """Columns of the summary.

    - ``rate_per_s``: messages first processed a second, over all the time in which a backlog
      stands; NaN if none does for a whole step.
    - ``rate_low_per_s``, ``rate_high_per_s``: its 95 % interval, from the means of batches of
      successive steps; NaN of a single step.
    - ``rate_over_s``: that time.

    Args:
        t_s: [grid] times.
        outcome: of the group.
        waiting: its lag at these times.
        counted: of its messages.
    """
    if outcome.kind == "log":
        stands = _log_stands(outcome.offsets, outcome.consumers, t_s.size)
    else:
        stands = _queue_stands(waiting.ready, counted.processed, outcome.consumers)
    step_s = float(t_s[1])
    done = counted.processed[1:][stands]
    rate, low, high = (n / step_s for n in interval(done))
    return {
        "rate_per_s": rate,
        "rate_low_per_s": low,
        "rate_high_per_s": high,
        "rate_over_s": done.size * step_s,
    }


def _queue_stands(ready: F64, processed: I64, consumers: int) -> Bools:
    """[grid - 1] whether a backlog stands in the step that ends at each grid time but the first."""
    before, after = ready[:-1], ready[1:]
    return (before > consumers) & (after > consumers) & (before >= processed[1:])


def _log_stands(offsets: Offsets | None, consumers: int, samples: int) -> Bools:
    """The same of a log."""
    if offsets is None:
        return np.zeros(max(0, samples - 1), bool)
    left = (offsets.position[1:] < offsets.end[:-1]) & (offsets.position[1:] >= 0)
    stands: Bools = left.sum(axis=1) >= min(consumers, left.shape[1])
    return stands & left.any(axis=1)


def interval(done: I64) -> tuple[float, float, float]:
    """Mean of what successive steps did, and its 95 % interval; NaN where there is too little.

    The interval is that of Student's t over the means of as many batches as `BATCHES`, of equally
    many steps each; first steps that do not fill a batch are left out of it.
    """
    if not done.size:
        return nan, nan, nan
    mean = float(done.mean())
    batches = min(BATCHES, done.size)
    if batches < 2:
        return mean, nan, nan
    each = done.size // batches
    means = done[done.size - batches * each :].reshape(batches, each).mean(axis=1)
    half = _STUDENT[batches - 2] * float(means.std(ddof=1)) / sqrt(batches)
    return mean, max(0.0, mean - half), mean + half
