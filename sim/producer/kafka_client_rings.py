"""More room for what a producer client and the journal of its brokers hold."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import I64
from sim.producer.kafka_client_state_kernel import Batches, ClientState, Journal, Requests

_T = TypeVar("_T", bound=np.generic)

_OF_BATCHES = (
    *(
        "state",
        "stored",
        "partition",
        "attempts",
        "created_s",
        "ready_s",
        "left_s",
        "first",
        "last",
        "n",
    ),
    *("size_bytes", "held_bytes", "seq", "txn", "link"),
)
_OF_REQUESTS = ("sent_s", "half_s", "replicate_s", "arrive_s", "respond_s", "lost", "first")
_OF_ENTRIES = (
    *("append_s", "visible_s", "aborted_s", "partition", "first", "n", "attempt", "left_s"),
    "session",
)


def _doubled(ring: NDArray[_T], numbers: I64) -> NDArray[_T]:
    """A ring of twice the capacity with what ``ring`` holds for ``numbers``; the rest is 0."""
    grown = np.zeros(2 * ring.size, ring.dtype)
    grown[numbers & (grown.size - 1)] = ring[numbers & (ring.size - 1)]
    return grown


def _longer(column: NDArray[_T], used: int, n: int) -> NDArray[_T]:
    """A column of ``n`` rows that begins with what is used of another; the rest is 0."""
    grown = np.zeros(n, column.dtype)  # unlike `np.full`, it takes no memory before it is written
    grown[:used] = column[:used]
    return grown


def grow_records(state: ClientState) -> None:
    """Have room for twice as many records in the client."""
    batches, records = state.batches, state.records
    numbers = np.arange(batches.first[batches.oldest & batches.mask], records.next)
    records.row = _doubled(np.asarray(records.row), numbers)
    records.link = _doubled(np.asarray(records.link), numbers)
    records.mask = 2 * records.mask + 1


def grow_batches(batches: Batches) -> None:
    """Have room for twice as many batches in the client."""
    numbers = np.arange(batches.oldest, batches.next)
    for name in _OF_BATCHES:
        setattr(batches, name, _doubled(np.asarray(getattr(batches, name)), numbers))
    batches.mask = 2 * batches.mask + 1


def grow_requests(requests: Requests) -> None:
    """Have room for twice as many requests on each connection."""
    for name in _OF_REQUESTS:
        rings = np.asarray(getattr(requests, name))
        numbers = map(np.arange, requests.oldest, requests.next)
        grown = [_doubled(ring, here) for ring, here in zip(rings, numbers, strict=True)]
        setattr(requests, name, np.array(grown))
    requests.mask = 2 * requests.mask + 1


def make_room_in_journal(journal: Journal, entries: int, rows: int) -> None:
    """See that so many entries, with so many rows, can be put into the journal."""
    no_entry = len(journal.append_s) - journal.entries < entries
    if no_entry or len(journal.row) - journal.rows < rows:
        grow_journal(journal, entries, rows)


def grow_journal(journal: Journal, spare_entries: int, spare_rows: int) -> None:
    """Have room for half as many entries and rows again, and these at the least."""
    entries, rows = journal.entries, journal.rows
    room = entries + max(spare_entries, entries // 2)
    for name in _OF_ENTRIES:
        setattr(journal, name, _longer(np.asarray(getattr(journal, name)), entries, room))
    journal.row = _longer(np.asarray(journal.row), rows, rows + max(spare_rows, rows // 2))
