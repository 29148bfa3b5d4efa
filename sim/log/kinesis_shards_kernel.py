"""What a shard accepts and hands out a second: how records get into a stream, and out of it.

A shard takes 1,000 records and 1 MiB a second, and refuses what is beyond. A refused record is sent
again later while others go on, so the order of appending is not the order of sending. An
application that polls reads in calls at least some time apart, and its share of 2 MiB a second; one
that is pushed to has 2 MiB a second of its own.

The limits are token buckets that hold one second's worth.

Where a stream is resharded (KN-13), the shard that a record goes to is the one that has its hash
key when it arrives: a record that a parent refused may be accepted by a child.
"""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I32, I64, U8
from sim.log import kinesis_shards_limits as limits

_ALWAYS = np.full(1, -np.inf)
_ONE_SHARD = np.zeros((1, 1), np.int32)


class ShardActs:
    """How often a limit acted on the records of each shard, and when."""

    def __init__(self, shards: int) -> None:
        self.times: I64 = np.zeros(shards, np.int64)
        """[shards] how often it acted."""
        self.first_s: F64 = np.full(shards, np.inf)
        """[shards] when first, s; inf: never."""
        self.last_s: F64 = np.full(shards, -np.inf)
        """[shards] until when, s; -inf: never."""


class Putting:
    """How one producer sends, and to which shards; its own limit applies before a record leaves."""

    def __init__(
        self,
        buffered_s: float,
        ttl_s: float,
        limit: float,
        retries: bool,
        from_s: F64 = _ALWAYS,
        route: I32 = _ONE_SHARD,
    ) -> None:
        """
        Args:
            buffered_s: RecordMaxBufferedTime, in s.
            ttl_s: RecordTtl, in s.
            limit: RateLimit, as a fraction of what a shard accepts.
            retries: not FailIfThrottled.
            from_s: [epochs] ascending, from when on which shards are open, s; the first is -inf.
            route: [epochs, cells] which shard has each range of hash keys (a cell) then.
        """
        shards = int(route.max()) + 1
        self.buffered_s = buffered_s
        self.ttl_s = ttl_s
        self.limit = limit
        self.retries = retries
        self.from_s = from_s
        self.route = np.ascontiguousarray(route, np.int32)
        self.long_s = 0.1
        """Who waits for longer than this has met a limit."""
        self.held = ShardActs(shards)
        """Records that the producer's own limit held back for long."""
        self.overdue = ShardActs(shards)
        """Records that were given up at their RecordTtl."""
        self.refused = ShardActs(shards)
        """Records that the shard refused, each time."""


class Buckets:
    """Tokens of each shard: what may go now."""

    def __init__(self, scale: float, shards: int) -> None:
        self.records_per_s = limits.SHARD_RECORDS_PER_S * scale
        """It is filled with so many, and holds as many."""
        self.bytes_per_s = limits.SHARD_BYTES_PER_S * scale
        self.filled_s: F64 = np.zeros(shards)
        """[shards] to when it is filled, s."""
        self.records: F64 = np.full(shards, self.records_per_s)
        """[shards]"""
        self.octets: F64 = np.full(shards, self.bytes_per_s)
        """[shards]"""


class ShardSending:
    """What is on the way to some shards, and what these and the producer let pass."""

    def __init__(self, records: int, putting: Putting) -> None:
        shards = putting.held.times.shape[0]
        self.ours = Buckets(putting.limit, shards)
        """Of the producer."""
        self.theirs = Buckets(1.0, shards)
        """Of the shards."""
        self.half_s: F64 = np.zeros(records)
        """[records] half of the round trip that each is on."""
        self.refused = 0
        """How often a record was refused."""
        self.tries = 0
        """How often one was sent again: index into the latency draws."""
        self.waiting = 0
        """Records in the heap of those that are due, by time; those at one time are sent before
        others arrive, and then in their order."""
        self.due_s: F64 = np.zeros(records)
        """[records, the first ``waiting`` of them] when it is due."""
        self.arrives: U8 = np.zeros(records, np.uint8)
        """[the same] 1: it arrives at the shard; 0: it is sent."""
        self.due: I64 = np.zeros(records, np.int64)
        """[the same] which record it is."""
        self.now_s = 0.0
        """Of what `_next` found."""
        self.now_arrives = 0
        """Of the same: 1: it arrives; 0: it is sent."""


def _collect(
    created_s: F64,
    size_bytes: I32,
    buffered_s: float,
    max_count: int,
    max_bytes: int,
    call: I64,
    ready_s: F64,
) -> None:
    n = created_s.shape[0]
    one_size = size_bytes.shape[0] == 1
    first = 0
    count = 0
    total = 0
    number = 0
    for i in range(n):
        size = num.integer(size_bytes[0 if one_size else i])
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


def collect(
    created_s: F64,
    size_bytes: I32,
    buffered_s: float,
    max_count: int,
    max_bytes: int,
    call: I64,
    ready_s: F64,
) -> None:
    """Gather records into PutRecords calls: full, or their first has waited ``buffered_s``.

    ``created_s`` float64 [messages]; ``size_bytes`` int32 [messages] or [1]; fills ``call`` int64
    and ``ready_s`` float64 [messages]: the number of the call and when it leaves.
    """
    with cython.nogil:
        _collect(created_s, size_bytes, buffered_s, max_count, max_bytes, call, ready_s)


def _note(acts: ShardActs, shard: int, from_s: float, until_s: float) -> None:
    acts.times[shard] += 1
    acts.first_s[shard] = min(acts.first_s[shard], from_s)
    acts.last_s[shard] = max(acts.last_s[shard], until_s)


def _shard_at(putting: Putting, cell: int, at_s: float) -> int:
    """The shard that is open at ``at_s`` for the hash keys of a cell."""
    epoch = putting.from_s.shape[0] - 1
    while epoch > 0 and putting.from_s[epoch] > at_s:
        epoch -= 1
    return num.integer(putting.route[epoch, cell])


def _refill(bucket: Buckets, shard: int, at_s: float) -> None:
    """Bring the bucket of a shard to ``at_s``."""
    passed = max(0.0, at_s - bucket.filled_s[shard])
    bucket.filled_s[shard] = max(bucket.filled_s[shard], at_s)
    bucket.records[shard] = min(
        bucket.records_per_s, bucket.records[shard] + passed * bucket.records_per_s
    )
    bucket.octets[shard] = min(
        bucket.bytes_per_s, bucket.octets[shard] + passed * bucket.bytes_per_s
    )


def _before(s: ShardSending, i: int, due_s: float, arrives: int, record: int) -> bool:
    """Whether what is at place ``i`` of the heap is due before something else."""
    if s.due_s[i] != due_s:
        return bool(s.due_s[i] < due_s)
    if s.arrives[i] != arrives:
        return bool(s.arrives[i] < arrives)
    return bool(s.due[i] < record)


def _move(s: ShardSending, start: int, to: int) -> None:
    s.due_s[to] = s.due_s[start]
    s.arrives[to] = s.arrives[start]
    s.due[to] = s.due[start]


def _set(s: ShardSending, i: int, due_s: float, arrives: int, record: int) -> None:
    s.due_s[i] = due_s
    s.arrives[i] = arrives
    s.due[i] = record


def _wait(s: ShardSending, due_s: float, arrives: int, record: int) -> None:
    """Put into the heap what is due at ``due_s``."""
    i = s.waiting
    s.waiting += 1
    while i > 0 and not _before(s, (i - 1) >> 1, due_s, arrives, record):
        _move(s, (i - 1) >> 1, i)
        i = (i - 1) >> 1
    _set(s, i, due_s, arrives, record)


def _next(s: ShardSending) -> int:
    """Take from the heap the record that is due first."""
    record = s.due[0]
    s.now_s = s.due_s[0]
    s.now_arrives = s.arrives[0]
    s.waiting -= 1
    n = s.waiting
    i = 0
    while 2 * i + 1 < n:
        child = 2 * i + 1
        # Place ``n`` may be looked at: what is to be put in place stands there still.
        if _before(s, child + 1, s.due_s[child], num.integer(s.arrives[child]), s.due[child]):
            child += 1
        if not _before(s, child, s.due_s[n], num.integer(s.arrives[n]), s.due[n]):
            break
        _move(s, child, i)
        i = child
    _move(s, n, i)
    return num.integer(record)


def _put(
    s: ShardSending,
    rows: I32,
    created_s: F64,
    size_bytes: I32,
    call: I64,
    ready_s: F64,
    latency_s: F64,
    putting: Putting,
    cell: I32,
    outcome: U8,
    arrived_s: F64,
    visible_s: F64,
    went: I32,
) -> None:
    n = rows.shape[0]
    fresh = 0
    one_size = size_bytes.shape[0] == 1
    routed = cell.shape[0] > 0
    shard = 0
    while fresh < n or s.waiting > 0:
        if fresh < n and (s.waiting == 0 or not _before(s, 0, ready_s[rows[fresh]], 0, fresh)):
            s.now_s = ready_s[rows[fresh]]
            s.now_arrives = 0
            r = fresh
            s.half_s[r] = 0.5 * latency_s[call[rows[r]] % latency_s.shape[0]]
            fresh += 1
        else:
            r = _next(s)
        now = s.now_s
        i = num.integer(rows[r])
        size = num.double(size_bytes[0 if one_size else i])
        if routed:
            shard = _shard_at(putting, num.integer(cell[i]), now)
        if s.now_arrives == 0:
            # What the producer's own limit holds back leaves in turn: each has its token reserved.
            _refill(s.ours, shard, now)
            short_s = max(
                (1.0 - s.ours.records[shard]) / s.ours.records_per_s,
                (size - s.ours.octets[shard]) / s.ours.bytes_per_s,
            )
            short_s = max(short_s, 0.0)
            if now + short_s > created_s[i] + putting.ttl_s:
                outcome[i] = limits.GIVEN_UP
                _note(putting.overdue, shard, now, now)
                continue
            if short_s > putting.long_s:
                _note(putting.held, shard, now, now + short_s)
            s.ours.records[shard] -= 1.0
            s.ours.octets[shard] -= size
            _wait(s, now + short_s + s.half_s[r], 1, r)
            continue
        _refill(s.theirs, shard, now)
        if s.theirs.records[shard] >= 1.0 and s.theirs.octets[shard] >= size:
            s.theirs.records[shard] -= 1.0
            s.theirs.octets[shard] -= size
            outcome[i] = limits.APPENDED
            arrived_s[i] = now
            visible_s[i] = now + s.half_s[r]
            if routed:
                went[i] = shard
            continue
        s.refused += 1
        _note(putting.refused, shard, now, now)
        if not putting.retries:
            outcome[i] = limits.GIVEN_UP
            continue
        back_s = now + s.half_s[r] + 0.5 * putting.buffered_s
        s.half_s[r] = 0.5 * latency_s[s.tries % latency_s.shape[0]]
        s.tries += 1
        _wait(s, back_s, 0, r)


def put(
    rows: I32,
    created_s: F64,
    size_bytes: I32,
    call: I64,
    ready_s: F64,
    latency_s: F64,
    putting: Putting,
    cell: I32,
    outcome: U8,
    arrived_s: F64,
    visible_s: F64,
    went: I32,
) -> int:
    """Send the records of some shards until each is appended or given up; returns refusals.

    ``rows`` int32 [records], by when they are ready: which messages they are; ``latency_s`` float64
    [draws], round trips, by the number of the call for a first try, and then in turn; ``cell``
    int32 [messages], which column of ``putting.route`` each is in, or [0]: there is one shard.
    Fills for these messages ``outcome`` uint8 (APPENDED or GIVEN_UP), ``arrived_s`` and
    ``visible_s`` float64, and ``went`` int32, where it is appended (but for one shard).
    """
    sending = ShardSending(rows.shape[0], putting)
    with cython.nogil:
        _put(
            sending, rows, created_s, size_bytes, call, ready_s, latency_s, putting, cell, outcome,
            arrived_s, visible_s, went,
        )  # fmt: skip
    return sending.refused


def _poll(
    visible_s: F64,
    size_bytes: I32,
    first_s: float,
    idle_s: float,
    get_s: float,
    max_records: int,
    bytes_per_s: float,
    got_s: F64,
) -> None:
    n = visible_s.shape[0]
    one_size = size_bytes.shape[0] == 1
    at = first_s
    i = 0
    while i < n:
        if visible_s[i] > at:
            # Calls in between find nothing.
            calls = num.ceil((visible_s[i] - at) / idle_s)
            at = max(visible_s[i], at + num.double(calls) * idle_s)
        taken = 0
        octets = 0.0
        while i < n and visible_s[i] <= at and taken < max_records:
            size = num.double(size_bytes[0 if one_size else i])
            if taken > 0 and octets + size > limits.GET_BYTES:
                break
            got_s[i] = at + get_s
            octets += size
            taken += 1
            i += 1
        at += max(idle_s, octets / bytes_per_s)


def poll(
    visible_s: F64,
    size_bytes: I32,
    first_s: float,
    idle_s: float,
    get_s: float,
    max_records: int,
    bytes_per_s: float,
    got_s: F64,
) -> None:
    """When each record of a shard is handed to an application by GetRecords.

    ``visible_s`` float64 [records], ascending; ``size_bytes`` int32 [records] or [1]; calls are at
    ``first_s``, and then ``idle_s`` after the one before, or as much later as the bytes that it
    returned take at ``bytes_per_s``. Fills ``got_s`` float64 [records].
    """
    with cython.nogil:
        _poll(visible_s, size_bytes, first_s, idle_s, get_s, max_records, bytes_per_s, got_s)


def push(visible_s: F64, size_bytes: I32, push_s: float, got_s: F64) -> None:
    """When each record of a shard is pushed to an application of its own 2 MiB a second.

    ``visible_s`` float64 [records], ascending; ``size_bytes`` int32 [records] or [1]. Fills
    ``got_s`` float64 [records].
    """
    one_size = size_bytes.shape[0] == 1
    free_s = 0.0
    with cython.nogil:
        for i in range(visible_s.shape[0]):
            size = num.double(size_bytes[0 if one_size else i])
            free_s = max(free_s, visible_s[i]) + size / limits.SHARD_READ_BYTES_PER_S
            got_s[i] = free_s + push_s
