"""Offsets and lag of a log's partitions, as operators see them: the table ``partitions``."""

from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine.outcome import GroupOutcome, Offsets
from sim.foundation.arrays import F64, U8
from sim.measure.burrow import WORDS

_T = TypeVar("_T", bound=np.generic)

MOST_SAMPLES, MOST_PARTITIONS = 120, 64
"""Times and partitions that are kept of a group."""


def partitions_table(outcome: GroupOutcome, offsets: Offsets, status: U8) -> pd.DataFrame:
    """A row per partition and time, evenly spaced; of many partitions those that lagged most.

    - ``lag_committed``: log end - committed offset, as ``kafka-consumer-groups`` reports it; NaN
      without a commit.
    - ``lag_position``: log end - position, as the client's ``records-lag`` reports it; NaN without
      a position.
    - ``lag_time_s``: time since the oldest record that is in the log and not processed became
      readable. That of the group, in ``series``, counts from a message's creation.
    - ``status``: what Burrow says of the partition.

    Args:
        outcome: of the group.
        offsets: its partitions at the times of the gauges.
        status: [samples, partitions] `sim.measure.burrow.judged`.
    """
    t_s = outcome.gauges_t_s
    rows = np.arange(0, t_s.size, -(-t_s.size // MOST_SAMPLES) or 1)
    most = (offsets.end - np.maximum(offsets.committed, 0)).max(axis=0)
    chosen = np.sort(np.argsort(-most, kind="stable")[:MOST_PARTITIONS])

    def column(values: NDArray[_T]) -> NDArray[_T]:
        return values[np.ix_(rows, chosen)].ravel(order="F")

    end, position = column(offsets.end), column(offsets.position)
    committed = column(offsets.committed)
    return pd.DataFrame(
        {
            "system": outcome.system,
            "group": outcome.group,
            "partition": np.repeat(chosen, rows.size),
            "t_s": np.tile(t_s[rows], chosen.size),
            "log_start": column(offsets.start),
            "log_end": end,
            "position": position,
            "committed": committed,
            "lag_committed": np.where(committed < 0, np.nan, end - committed),
            "lag_position": np.where(position < 0, np.nan, end - position),
            "lag_time_s": np.concatenate([_waited_s(offsets, int(p), rows, t_s) for p in chosen]),
            "status": np.array(WORDS)[column(status)],
        }
    )


def _waited_s(offsets: Offsets, p: int, rows: NDArray[np.intp], t_s: F64) -> F64:
    """[rows] age of the oldest record of partition ``p`` that waits; 0 if none does."""
    return np.array([offsets.waited_s(int(g), p, float(t_s[g])) for g in rows])
