"""The row of a group in the table ``summary``: the numbers of the other modules, side by side.

Each is defined where it is computed, at the function ``sums`` of the module that is named below.
"""

from collections.abc import Mapping

import pandas as pd

from sim.engine.outcome import GroupOutcome
from sim.foundation.arrays import F64
from sim.injection.replay import Replay
from sim.measure import (
    deliveries,
    drain,
    lag,
    latency,
    order,
    processed_or_lost,
    rates,
    wrong_effects,
)
from sim.measure import series as over_time
from sim.measure.counts import Counted


def summary_table(
    who: Mapping[str, str],
    outcome: GroupOutcome,
    replay: Replay,
    counted: Counted,
    waiting: lag.Lag,
    latencies_s: F64,
    duration_s: float,
    allowed_s: float | None = None,
) -> pd.DataFrame:
    """One row.

    ``consumers``: places that ever had a member or worker. ``without_reader_s``: time that
    partitions of a log had no consumer that ran and had them, summed over the partitions, and
    ``longest_without_reader_s`` of any; after faults only, and looked at every second.
    ``level_s``: how far behind counts as level, s: what the needs allow, or else
    `latency.level_s`; ``late``: messages that took longer. ``waiting_at_start``: of those produced,
    how many were created before the start; only where some were.

    Args:
        who: system and group.
        outcome: what became of the messages.
        replay: what its bugs and seeks came to, and its time without a reader.
        counted: of its messages.
        waiting: its lag at the times of the gauges.
        latencies_s: `sim.measure.latency.quantiles`.
        duration_s: when arrivals ended.
        allowed_s: delay that the needs allow; None: they say nothing.
    """
    allowed_s = latency.level_s(duration_s) if allowed_s is None else allowed_s
    t_s = outcome.gauges_t_s
    fates = processed_or_lost.sums(counted.fates)
    return pd.DataFrame(
        [
            {
                **who,
                "product": outcome.product,
                "kind": outcome.kind,
                **fates,
                **deliveries.sums(outcome, counted),
                **order.sums(counted),
                **wrong_effects.sums(outcome.history, replay),
                **lag.sums(t_s, waiting, duration_s),
                **drain.sums(t_s, counted.last_done_s, fates["unfinished"], duration_s),
                **latency.sums(latencies_s),
                **over_time.peaks(t_s, counted),
                "consumers": outcome.consumers,
                "messages_per_call": deliveries.messages_per_call(outcome),
                "late": latency.late(counted, allowed_s),
                "without_reader_s": replay.without_reader_s,
                "longest_without_reader_s": replay.longest_without_reader_s,
                **rates.sums(t_s, outcome, waiting, counted),
                "level_s": allowed_s,
                **({"waiting_at_start": counted.waiting} if counted.waiting else {}),
            }
        ]
    )
