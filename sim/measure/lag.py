"""Lag as operators see it: partition by partition, and in Burrow's words.

- lag_committed: log end - committed offset, as ``kafka-consumer-groups`` reports it; undefined
  (NaN) without a commit.
- lag_position: log end - position, as the client's ``records-lag`` reports it; undefined without a
  position.
- lag_time_s: time since the oldest record that is in the log and not processed became readable.
- status: what Burrow says of the partition, at each grid time, from the commits it saw by then;
  that of a group is the gravest of its partitions (REWIND, STALL, STOP, WARN, OK).

The series of a whole group has them as ``lag``, ``position_lag`` and ``time_lag_s``; the last
counts from a message's creation, not from when it became readable.
"""

from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine.outcome import GroupOutcome, Offsets
from sim.measure import burrow_kernel as k

_T = TypeVar("_T", bound=np.generic)

WINDOW = 10
"""Commits that Burrow keeps of a partition, and log ends: its ``intervals``."""

WORDS = ("OK", "WARN", "STOP", "STALL", "REWIND")
"""Burrow's statuses, the gravest last."""

MOST_SAMPLES, MOST_PARTITIONS = 120, 64


def judged(t_s: NDArray[np.float64], offsets: Offsets) -> NDArray[np.uint8]:
    """[samples, partitions] what Burrow says at each time: places in `WORDS`."""
    status = np.zeros(offsets.end.shape, np.uint8)
    window = k.Window(np.zeros(WINDOW, np.int64), np.zeros(WINDOW), np.zeros(WINDOW, np.int64))
    k.judge(t_s, offsets.end, offsets.committed, offsets.commit_s, window, status)
    return status


def burrow(outcome: GroupOutcome, status: NDArray[np.uint8]) -> pd.DataFrame:
    """A row per time: the group's status, and how many partitions have each."""
    counts = {
        word.lower(): np.count_nonzero(status == number, axis=1)
        for number, word in enumerate(WORDS)
    }
    worst = np.array(WORDS)[status.max(axis=1, initial=0)]
    who = {"system": outcome.system, "group": outcome.group}
    return pd.DataFrame({**who, "t_s": outcome.gauges_t_s, "status": worst, **counts})


def partitions(outcome: GroupOutcome, offsets: Offsets, status: NDArray[np.uint8]) -> pd.DataFrame:
    """A row per partition and time, evenly spaced; of many partitions those that lagged most."""
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


def _waited_s(
    offsets: Offsets, p: int, rows: NDArray[np.intp], t_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[rows] age of the oldest record of partition ``p`` that waits; 0 if none does."""
    done_s, readable_s = offsets.done_s(p), offsets.readable_s(p)
    waited_s = np.zeros(rows.size)
    for i, g in enumerate(rows):
        first = max(offsets.committed[g, p], offsets.start[g, p], 0)
        handed = max(offsets.position[g, p], first)
        late = done_s[first:handed] > t_s[g]
        oldest = first + int(late.argmax()) if late.any() else handed
        if oldest < offsets.end[g, p]:
            waited_s[i] = t_s[g] - readable_s[oldest]
    return waited_s
