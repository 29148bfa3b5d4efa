"""Rings and the journal of a client grow, and hold what they held."""

import numpy as np

from sim.producer import kafka_client_rings as rings
from sim.producer import kafka_client_state_kernel as parts


def numbered(part, names, numbers):
    """Put into each column of a ring, at the place of each number, that number."""
    for name in names:
        np.asarray(getattr(part, name))[numbers & part.mask] = numbers % 100


def held(part, names, numbers):
    """What the columns hold at the places of ``numbers``, and whether they agree."""
    columns = [np.asarray(getattr(part, name)) for name in names]
    assert {column.size for column in columns} == {part.mask + 1}
    found = {tuple(column[numbers & part.mask].tolist()) for column in columns}
    assert len(found) == 1
    return list(found.pop())


BATCHES = [
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
]
"""All the columns of `Batches`."""


def test_batches_keep_their_numbers_in_a_ring_twice_as_large():
    batches = parts.Batches(8)
    batches.oldest, batches.next = 5, 13
    numbers = np.arange(5, 13)
    numbered(batches, BATCHES, numbers)
    rings.grow_batches(batches)
    assert (batches.mask, batches.oldest, batches.next) == (15, 5, 13)
    assert held(batches, BATCHES, numbers) == numbers.tolist()
    assert held(batches, BATCHES, np.arange(13, 21)) == [0] * 8
    columns = {name for name in dir(batches) if np.ndim(getattr(batches, name)) == 1}
    assert columns == set(BATCHES)


def client(batches, records, requests, journal):
    no = np.zeros(0)
    return parts.ClientState(
        None, None, None, None, parts.App(0), parts.Samples(no), records, batches, requests,
        parts.Partitions(1), parts.KnownProducer(1), journal, parts.ClientLimits(),
    )  # fmt: skip


def test_records_are_kept_from_the_first_of_the_oldest_batch():
    batches, records = parts.Batches(4), parts.Records(4)
    batches.oldest, batches.next, records.next = 2, 3, 9
    batches.first[2] = 5
    numbers = np.arange(5, 9)
    numbered(records, ["row", "link"], numbers)
    rings.grow_records(client(batches, records, parts.Requests(1, 2), parts.Journal(1, 1)))
    assert held(records, ["row", "link"], numbers) == [5, 6, 7, 8]
    assert held(records, ["row", "link"], np.arange(9, 13)) == [0] * 4


def test_each_connection_keeps_its_own_requests():
    requests = parts.Requests(2, 2)
    requests.oldest[:], requests.next[:] = 0, 0
    requests.oldest[0], requests.next[0], requests.oldest[1], requests.next[1] = 3, 5, 0, 1
    rectangles = [name for name in dir(requests) if np.ndim(getattr(requests, name)) == 2]
    assert len(rectangles) == 7
    for name in rectangles:
        column = np.asarray(getattr(requests, name))
        column[0, [1, 0]] = 3, 4
        column[1, [0, 1]] = 7, 9  # the 9 was answered long ago
    rings.grow_requests(requests)
    assert requests.mask == 3
    for name in rectangles:
        assert np.asarray(getattr(requests, name)).tolist() == [[4, 0, 0, 3], [7, 0, 0, 0]], name


def test_the_journal_grows_by_half_or_by_what_is_needed_and_only_when_it_has_to():
    journal = parts.Journal(4, 6)
    journal.entries, journal.rows = 4, 5
    columns = [name for name in dir(journal) if np.ndim(getattr(journal, name)) == 1]
    assert len(columns) == 10
    for name in columns:
        np.asarray(getattr(journal, name))[:4] = 1, 2, 3, 4
    rings.make_room_in_journal(journal, 0, 1)
    assert (len(journal.append_s), len(journal.row)) == (4, 6)
    rings.make_room_in_journal(journal, 0, 2)
    assert (len(journal.append_s), len(journal.row)) == (6, 7)
    rings.make_room_in_journal(journal, 9, 1)
    assert (len(journal.append_s), len(journal.row)) == (13, 7)
    for name in columns:
        assert np.asarray(getattr(journal, name))[:5].tolist() == [1, 2, 3, 4, 0], name
