"""From what brokers have stored to what consumers can read, entry by entry of the journal.

Rules held: KB-05 (a record can be read once all in-sync replicas have it, and they are enough),
KP-16 (records of a transaction once it is committed; until then they hold up those behind them, and
never if it is aborted), KB-07 (what an election cuts off is gone), KB-13 (a leader that stands
still lets nothing become readable).
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64, I64
from sim.foundation.jit import inlined, resumable

# Places in TailState.n.
WAITING, TAKEN, MOVED = range(3)


class Spans(NamedTuple):
    """Stretches of time in a partition's life, in any order."""

    partition: I64  # [spans]
    from_s: F64  # [spans]
    until_s: F64  # [spans] inf: it goes on


class TailState(NamedTuple):
    """Entries of the journal that cannot be read yet."""

    waiting: I64  # [room] their numbers, ascending; there is room for all entries of the journal
    n: I64  # [3] how many wait, how many of the journal were looked at, rows that became readable
    last_s: F64  # [partitions] when the last record became readable
    shut: I64  # [partitions] scratch


@inlined
def _is_cut(journal, entry, cuts):
    at = journal.append_s[entry]
    for i in range(cuts.partition.size):
        if (
            cuts.partition[i] == journal.partition[entry]
            and cuts.from_s[i] < at
            and at <= cuts.until_s[i]
        ):
            return True
    return False


@resumable
def move(until_s, journal, entries, open_from, replicate_s, short, cuts, still, tail, log):
    """Put into the log what can be read by ``until_s``, partition by partition in order.

    Args:
        until_s: present time.
        journal: of the client (`sim.producer.kafka_client_kernel.Journal`).
        entries: how many entries it has.
        open_from: first entry of the transaction that may still be committed.
        replicate_s: from an append to its being on all in-sync replicas.
        short: when partitions had too few replicas in sync.
        cuts: what elections cut off: appended after from_s, until until_s.
        still: when leaders of partitions stood still.
        tail: of the journal; changed.
        log: of the topic; changed.

    Returns:
        a partition that needs more room in the log before this is called again, or -1; and how many
        records wait for the room.
    """
    n = tail.n
    for entry in range(n[TAKEN], entries):
        tail.waiting[n[WAITING]] = entry
        n[WAITING] += 1
    n[TAKEN] = entries
    tail.shut[:] = 0
    full = -1
    lack = 0
    kept = 0
    for i in range(n[WAITING]):
        entry = tail.waiting[i]
        p = journal.partition[entry]
        stays = full >= 0 or tail.shut[p] == 1
        if not stays:
            if _is_cut(journal, entry, cuts):
                continue
            at = journal.visible_s[entry]
            if at == np.inf:
                if entry < open_from:
                    continue  # of a transaction that was aborted
                stays = True
            else:
                readable = max(at + replicate_s, tail.last_s[p])
                for s in range(short.partition.size):
                    if short.partition[s] == p and short.from_s[s] <= at < short.until_s[s]:
                        readable = max(readable, short.until_s[s])
                for s in range(still.partition.size):
                    if still.partition[s] == p and still.from_s[s] < readable < still.until_s[s]:
                        readable = still.until_s[s]
                stays = readable > until_s
                if not stays and log.end[p] + journal.n[entry] > log.start[p + 1] - log.start[p]:
                    full = p
                    lack = journal.n[entry]
                    stays = True
        if stays:
            tail.shut[p] = 1
            tail.waiting[kept] = entry
            kept += 1
            continue
        first = journal.first[entry]
        row = log.start[p] + log.end[p]
        for record in range(journal.n[entry]):
            log.message[row + record] = journal.row[first + record]
            log.visible_s[row + record] = readable
        log.end[p] += journal.n[entry]
        n[MOVED] += journal.n[entry]
        tail.last_s[p] = readable
    n[WAITING] = kept
    return full, lack
