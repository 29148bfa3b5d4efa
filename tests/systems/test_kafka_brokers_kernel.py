"""From the journal to the log, entry by entry with hand numbers."""

import numpy as np

from helpers.plain_kernel import plain
from sim.log.topic import Topic
from sim.producer.kafka_client_state_kernel import Journal
from sim.systems import kafka_brokers_kernel as k

INF = np.inf


def journal(*entries):
    """Entries of (append_s, visible_s, partition, records); input rows are numbered through.

    ``visible_s`` below 0: never, and its transaction was aborted at that time after 0.
    """
    append_s, visible_s, partition, n = (np.array(column) for column in zip(*entries, strict=True))
    aborted_s = np.where(visible_s < 0, -visible_s, INF).astype(float)
    visible_s = np.where(visible_s < 0, INF, visible_s)
    first = np.cumsum(n) - n
    journal = Journal(n.size, n.sum())
    journal.append_s, journal.visible_s = append_s.astype(float), visible_s.astype(float)
    journal.aborted_s = aborted_s
    journal.partition, journal.first = partition.astype(np.int32), first
    journal.n, journal.row = n.astype(np.int32), np.arange(n.sum(), dtype=np.int32)
    journal.entries, journal.rows = n.size, n.sum()
    return journal


def spans(*rows):
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return k.Spans(np.array(columns[0], np.int64), *(np.array(c, float) for c in columns[1:]))


class Run:
    def __init__(
        self, entries, partitions=2, room=10, short=(), cuts=(), still=(), replicate_s=0.5
    ):
        self.entries = entries
        self.topic = Topic.empty(np.zeros(100), np.full(partitions, room))
        self.tail = k.TailState(
            len(entries), partitions, replicate_s, spans(*short), spans(*cuts), spans(*still)
        )

    def until(self, until_s):
        return k.move(until_s, journal(*self.entries), self.tail, self.topic.rows)

    def log(self, p=0):
        log = self.topic.log
        rows = slice(log.start[p], log.start[p] + log.end[p])
        return list(zip(log.message[rows].tolist(), log.visible_s[rows].tolist(), strict=True))

    @property
    def waiting(self):
        return np.asarray(self.tail.entry)[: self.tail.waiting].tolist()


def test_an_entry_is_in_the_log_once_it_is_on_all_replicas():
    run = Run([(1.0, 1.0, 0, 2), (2.0, 2.0, 1, 1)])
    assert run.until(1.49) == -1
    assert run.log() == [] and run.waiting == [0, 1]
    run.until(1.5)
    assert run.log() == [(0, 1.5), (1, 1.5)] and run.log(1) == [] and run.waiting == [1]
    run.until(2.5)
    assert run.log(1) == [(2, 2.5)] and run.waiting == [] and run.tail.moved == 3


def test_KC_19_an_open_transaction_holds_up_what_is_behind_it_until_it_has_ended():
    entries = [(1.0, INF, 0, 1), (1.1, 1.1, 0, 1), (1.2, 1.2, 1, 1)]
    held = Run(entries)
    held.until(5.0)
    assert held.log() == [] and held.log(1) == [(2, 1.7)] and held.waiting == [0, 1]
    held.entries[0] = (1.0, 3.0, 0, 1)  # committed at 3 s
    held.until(5.0)
    assert held.log() == [(0, 3.5), (1, 3.5)]
    aborted = Run([(1.0, -3.0, 0, 1), *entries[1:]])  # aborted at 3 s
    aborted.until(2.9)
    assert aborted.log() == [] and aborted.waiting == [0, 1]
    aborted.until(5.0)
    assert aborted.log() == [(1, 3.0)] and aborted.waiting == []


def test_KB_05_what_the_leader_appends_alone_waits_for_the_others():
    entries = [(3.9, 3.9, 0, 1), (4.0, 4.0, 0, 1), (6.9, 6.9, 0, 1), (7.0, 7.0, 0, 1)]
    run = Run(entries, short=[(0, 4.0, INF), (1, 0.0, INF)])
    run.until(6.95)
    assert run.log() == [(0, 4.4)]
    run.tail.short = spans((0, 4.0, 7.0))
    run.until(7.4)
    assert run.log() == [(0, 4.4), (1, 7.0), (2, 7.4)] and run.waiting == [3]


def test_KB_07_what_an_election_cuts_off_never_gets_there():
    run = Run([(1.0, 1.0, 0, 1), (1.1, 1.1, 0, 1), (1.1, 1.1, 1, 1)], cuts=[(0, 1.0, 1.1)])
    run.until(9.0)
    assert run.log() == [(0, 1.5)] and run.log(1) == [(2, 1.6)] and run.waiting == []


def test_KB_13_while_a_leader_stands_still_nothing_of_its_partition_becomes_readable():
    entries = [(3.4, 3.4, 0, 1), (3.6, 3.6, 0, 1), (3.6, 3.6, 1, 1), (6.5, 6.5, 0, 1)]
    run = Run(entries, still=[(0, 4.0, INF)])
    run.until(6.9)
    assert run.log() == [(0, 3.9)] and run.log(1) == [(2, 4.1)] and run.waiting == [1, 3]
    run.tail.still = spans((0, 4.0, 7.0))
    run.until(7.0)
    assert run.log() == [(0, 3.9), (1, 7.0), (3, 7.0)] and run.waiting == []
    exact = Run([(3.5, 3.5, 0, 1), (6.5, 6.5, 0, 1)], still=[(0, 4.0, 7.0)])
    exact.until(7.0)
    assert exact.log() == [(0, 4.0), (1, 7.0)]


def test_a_full_partition_is_told_with_what_it_lacks_and_the_rest_waits_in_order():
    run = Run([(1.0, 1.0, 0, 2), (1.1, 1.1, 0, 3), (1.2, 1.2, 1, 1)], room=4)
    assert (run.until(9.0), run.tail.lack) == (0, 3)
    assert run.log() == [(0, 1.5), (1, 1.5)] and run.waiting == [1, 2]
    run.topic.make_room(0, 3)
    assert run.until(9.0) == -1
    assert [message for message, _ in run.log()] == [0, 1, 2, 3, 4] and run.log(1) == [(5, 1.7)]


def test_the_compiler_changes_nothing(monkeypatch):
    rng = np.random.default_rng(5)

    def entries():
        at_s = np.cumsum(rng.exponential(0.1, 200))
        for at in at_s:
            visible_s = [at, at + rng.exponential(0.3), INF, -at - rng.exponential(0.5)][
                rng.choice(4, p=[0.6, 0.348, 0.002, 0.05])
            ]
            yield at, visible_s, rng.integers(3), rng.integers(1, 5)

    def during():
        return [
            (p, at, at + rng.exponential(2.0)) for p in range(3) for at in rng.uniform(0, 20, 3)
        ]

    known, held_up = list(entries()), {"short": during(), "cuts": during(), "still": during()}

    def logs():
        run = Run(known, partitions=3, room=400, **held_up)
        for until_s in np.linspace(0.0, 30.0, 40):
            assert run.until(until_s) == -1
        return [run.log(p) for p in range(3)], run.waiting, run.tail.moved

    compiled = logs()
    assert compiled[2] > 200 and compiled[1]
    monkeypatch.setitem(globals(), "k", plain(k))
    assert logs() == compiled
