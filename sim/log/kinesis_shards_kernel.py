"""What a shard accepts and hands out a second: how records get into a stream, and out of it.

A shard takes 1,000 records and 1 MiB a second, and refuses what is beyond. A refused record is sent
again later while others go on, so the order of appending is not the order of sending. An
application that polls reads in calls at least some time apart, and its share of 2 MiB a second; one
that is pushed to has 2 MiB a second of its own.

The limits are token buckets that hold one second's worth.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from sim.foundation.jit import kernel

SHARD_RECORDS_PER_S = 1_000.0
SHARD_BYTES_PER_S = 2.0**20
SHARD_READ_BYTES_PER_S = 2.0 * 2.0**20
GET_BYTES = 10.0 * 2.0**20
GET_CALLS_PER_S = 5.0

APPENDED, GIVEN_UP = 1, 2

_SEND, _ARRIVE = 0, 1

_TIME, _RECORDS, _BYTES = 0, 1, 2
"""Of a bucket: to when it is filled, and what may go now."""


class Putting(NamedTuple):
    """Constants of one producer; its own limit applies before a record leaves."""

    buffered_s: float  # RecordMaxBufferedTime
    ttl_s: float  # RecordTtl
    limit: float  # RateLimit, as a fraction of what a shard accepts
    retries: bool  # not FailIfThrottled


@kernel
def collect(created_s, size_bytes, buffered_s, max_count, max_bytes, call, ready_s):
    """Gather records into PutRecords calls: full, or their first has waited ``buffered_s``.

    ``created_s`` float64 [messages]; ``size_bytes`` int32 [messages] or [1]; fills ``call`` int64
    and ``ready_s`` float64 [messages]: the number of the call and when it leaves.
    """
    n = created_s.size
    first = 0
    count = 0
    total = 0
    number = 0
    for i in range(n):
        size = size_bytes[0] if size_bytes.size == 1 else size_bytes[i]
        deadline = created_s[first] + buffered_s
        if count > 0 and (created_s[i] > deadline or total + size > max_bytes):
            at = min(deadline, created_s[i])
            for k in range(first, i):
                ready_s[k] = at
                call[k] = number
            number += 1
            first = i
            count = 0
            total = 0
        count += 1
        total += size
        if count == max_count:
            for k in range(first, i + 1):
                ready_s[k] = created_s[i]
                call[k] = number
            number += 1
            first = i + 1
            count = 0
            total = 0
    for k in range(first, n):
        ready_s[k] = created_s[first] + buffered_s
        call[k] = number


@kernel
def _refill(bucket, at_s, scale):
    """Bring a bucket, filled at ``scale`` times the limits, to ``at_s``."""
    passed = max(0.0, at_s - bucket[_TIME])
    records_per_s, bytes_per_s = SHARD_RECORDS_PER_S * scale, SHARD_BYTES_PER_S * scale
    bucket[_TIME] = max(bucket[_TIME], at_s)
    bucket[_RECORDS] = min(records_per_s, bucket[_RECORDS] + passed * records_per_s)
    bucket[_BYTES] = min(bytes_per_s, bucket[_BYTES] + passed * bytes_per_s)


@kernel
def put(
    rows, created_s, size_bytes, call, ready_s, latency_s, putting, outcome, arrived_s, visible_s
):
    """Send one shard's records until each is appended or given up; returns refusals.

    ``rows`` int32 [records], ascending: which messages they are; ``latency_s`` float64 [draws],
    round trips, by the number of the call for a first try, and then in turn. Fills for these
    messages ``outcome`` uint8 (APPENDED or GIVEN_UP), ``arrived_s`` and ``visible_s`` float64.
    """
    limit = putting.limit
    ours = np.array([0.0, SHARD_RECORDS_PER_S * limit, SHARD_BYTES_PER_S * limit])
    theirs = np.array([0.0, SHARD_RECORDS_PER_S, SHARD_BYTES_PER_S])
    half_s = np.zeros(rows.size)
    refused = 0
    tries = 0
    fresh = 0
    waiting = [(0.0, _SEND, 0)]  # what is due, and of which record
    waiting.pop()
    while fresh < rows.size or len(waiting) > 0:
        if fresh < rows.size and (
            len(waiting) == 0 or (ready_s[rows[fresh]], _SEND, fresh) < waiting[0]
        ):
            now, kind, r = ready_s[rows[fresh]], _SEND, fresh
            half_s[r] = 0.5 * latency_s[call[rows[r]] % latency_s.size]
            fresh += 1
        else:
            now, kind, r = heappop(waiting)
        i = rows[r]
        size = float(size_bytes[0] if size_bytes.size == 1 else size_bytes[i])
        if kind == _SEND:
            # What the producer's own limit holds back leaves in turn: each has its token reserved.
            _refill(ours, now, limit)
            short_s = max(
                (1.0 - ours[_RECORDS]) / (SHARD_RECORDS_PER_S * limit),
                (size - ours[_BYTES]) / (SHARD_BYTES_PER_S * limit),
                0.0,
            )
            if now + short_s > created_s[i] + putting.ttl_s:
                outcome[i] = GIVEN_UP
                continue
            ours[_RECORDS] -= 1.0
            ours[_BYTES] -= size
            heappush(waiting, (now + short_s + half_s[r], _ARRIVE, r))
            continue
        _refill(theirs, now, 1.0)
        if theirs[_RECORDS] >= 1.0 and theirs[_BYTES] >= size:
            theirs[_RECORDS] -= 1.0
            theirs[_BYTES] -= size
            outcome[i] = APPENDED
            arrived_s[i] = now
            visible_s[i] = now + half_s[r]
            continue
        refused += 1
        if not putting.retries:
            outcome[i] = GIVEN_UP
            continue
        back_s = now + half_s[r] + 0.5 * putting.buffered_s
        half_s[r] = 0.5 * latency_s[tries % latency_s.size]
        tries += 1
        heappush(waiting, (back_s, _SEND, r))
    return refused


@kernel
def poll(visible_s, size_bytes, first_s, idle_s, get_s, max_records, bytes_per_s, got_s):
    """When each record of a shard is handed to an application by GetRecords.

    ``visible_s`` float64 [records], ascending; ``size_bytes`` int32 [records] or [1]; calls are at
    ``first_s``, and then ``idle_s`` after the one before, or as much later as the bytes that it
    returned take at ``bytes_per_s``. Fills ``got_s`` float64 [records].
    """
    at = first_s
    i = 0
    while i < visible_s.size:
        if visible_s[i] > at:
            # Calls in between find nothing.
            at = max(visible_s[i], at + np.ceil((visible_s[i] - at) / idle_s) * idle_s)
        taken = 0
        octets = 0.0
        while i < visible_s.size and visible_s[i] <= at and taken < max_records:
            size = float(size_bytes[0] if size_bytes.size == 1 else size_bytes[i])
            if taken > 0 and octets + size > GET_BYTES:
                break
            got_s[i] = at + get_s
            octets += size
            taken += 1
            i += 1
        at += max(idle_s, octets / bytes_per_s)


@kernel
def push(visible_s, size_bytes, push_s, got_s):
    """When each record of a shard is pushed to an application of its own 2 MiB a second.

    ``visible_s`` float64 [records], ascending; ``size_bytes`` int32 [records] or [1]. Fills
    ``got_s`` float64 [records].
    """
    free_s = 0.0
    for i in range(visible_s.size):
        size = float(size_bytes[0] if size_bytes.size == 1 else size_bytes[i])
        free_s = max(free_s, visible_s[i]) + size / SHARD_READ_BYTES_PER_S
        got_s[i] = free_s + push_s
