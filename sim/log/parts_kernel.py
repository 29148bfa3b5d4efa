"""What each record of a group waited for once it could be read, but for what others did then."""

import cython

from sim.foundation import num
from sim.foundation.arrays import F32, F64, I32, I64


def rows_of(
    partition_of: I32, first: int, last: int, start: I64, following: I64, rows: I64
) -> None:
    """Find the rows of some messages, of which each is in one partition, in order of creation.

    ``partition_of`` int32 [messages]; ``first`` and ``last``, from which message to before which;
    ``start`` int64 [partitions], row of offset 0; ``following`` int64 [partitions], offset of the
    next message, counted on. Fills ``rows`` int64 [last - first].
    """
    with cython.nogil:
        for i in range(first, last):
            p = num.integer(partition_of[i])
            rows[i - first] = start[p] + following[p]
            following[p] += 1


def split(
    rows: I64,
    visible_s: F64,
    done_s: F64,
    handed_s: F64,
    slowed_s: F64,
    asked_s: F64,
    got_s: F64,
    service_s: F32,
    fetch_s: float,
    per_batch_s: float,
    per_record_s: float,
    from_s: F64,
    until_s: F64,
    waited_s: F64,
    call_s: F64,
    held_s: F64,
    more_s: F64,
    work_s: F64,
) -> None:
    """Split the time from when records could be read to their first effect.

    ``rows`` int64 [records], -1 for none; the columns are those of `sim.log.parts.columns_of`. Adds
    to ``call_s``, ``held_s``, ``more_s`` (slowed) and ``work_s``, and fills ``from_s`` and
    ``until_s``, all float64 [records]: the time in between is for others to split. ``waited_s``
    becomes how much of it was the wait of a fetch for more.
    """
    slow = slowed_s.shape[0] > 0
    asks = asked_s.shape[0] > 0
    with cython.nogil:
        for i in range(rows.shape[0]):
            row = rows[i]
            if row < 0 or done_s[row] == num.INF:
                from_s[i] = 0.0
                until_s[i] = 0.0
                continue
            done = done_s[row]
            handed = handed_s[row]
            fetched = min(visible_s[row] + fetch_s, handed)
            if asks:
                waited = min(got_s[row], handed) - max(asked_s[row], fetched)
                waited_s[i] = max(waited, 0.0)
            slowed = slowed_s[row] if slow else 0.0
            work = num.double(service_s[row])
            begun = min(max(done - work - slowed, handed), done)
            # What a batch costs as a whole comes first: each of its records waits for it.
            call = min(per_batch_s, begun - handed)
            held_s[i] += begun - handed - call
            work = min(work, done - begun)
            more_s[i] += done - begun - work
            own = min(per_record_s, work)
            work_s[i] += work - own
            call_s[i] += fetched - visible_s[row] + call + own
            from_s[i] = fetched
            until_s[i] = handed


def _last(from_s: F64, low: int, high: int, at_s: float) -> int:
    """The last of the stretches from ``low`` to before ``high`` that has begun; or ``low - 1``."""
    low -= 1
    while high - low > 1:
        middle = (low + high) // 2
        if from_s[middle] <= at_s:
            low = middle
        else:
            high = middle
    return low


def stand(
    partition: I64,
    first: I64,
    from_s: F64,
    until_s: F64,
    sum_s: F64,
    idle_from_s: F64,
    idle_until_s: F64,
    idle_sum_s: F64,
    at_s: F64,
    idle_s: F64,
    sign: float,
    stood_s: F64,
    idle_then_s: F64,
) -> None:
    """How long partitions had stood still before some times, and how much of it one was idle.

    Args:
        partition: [times] which partition.
        first: [partitions + 1] the first stretch of each, in which it stood.
        from_s: [stretches] s.
        until_s: [stretches] s.
        sum_s: [stretches] how long the partition had stood before, s.
        idle_from_s: [stretches] how long some member had been idle when it began, s.
        idle_until_s: [stretches] the same when it ended.
        idle_sum_s: [stretches] how much of ``sum_s`` one was, s.
        at_s: [times] s.
        idle_s: [times] how long some member had been idle by then, s.
        sign: what is found is multiplied by this, and added.
        stood_s: [times] to add to, s.
        idle_then_s: [times] likewise, how much of it some member was idle.
    """
    with cython.nogil:
        for i in range(partition.shape[0]):
            low = first[partition[i]]
            high = first[partition[i] + 1]
            if low == high:
                continue
            j = _last(from_s, low, high, at_s[i])
            if j < low:
                lasted = sum_s[low]
                idle = idle_sum_s[low]
            elif at_s[i] < until_s[j]:
                lasted = sum_s[j] + at_s[i] - from_s[j]
                idle = idle_sum_s[j] + idle_s[i] - idle_from_s[j]
            else:
                lasted = sum_s[j] + until_s[j] - from_s[j]
                idle = idle_sum_s[j] + idle_until_s[j] - idle_from_s[j]
            stood_s[i] += sign * lasted
            idle_then_s[i] += sign * idle
