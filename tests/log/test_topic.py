"""How messages become records of a topic: batches, lingering, order (KP-01, KB-01), and rows."""

import numpy as np
import pytest

from helpers.log_scenarios import (
    topic_of,
)
from models.plain_log import Settings
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.topic import Topic, relaid


def test_KP_01_a_batch_leaves_when_it_is_full_or_has_lingered():
    # Two of 300 B fill 600 B; one alone lingers 5 ms; 400 B do not fit to 300 B, which leave.
    topic = topic_of(
        Settings(linger_s=0.005, batch_bytes=600, ack_s=0.003),
        [0.0, 0.001, 1.0, 2.0, 2.002],
        np.zeros(5, int),
        [300, 300, 300, 300, 400],
    )
    topic.advance(1.004)
    assert topic.log.end[0] == 2
    topic.advance(3.0)
    np.testing.assert_allclose(topic.log.visible_s, [0.004, 0.004, 1.008, 2.005, 2.010])


def test_KP_01_without_linger_every_record_leaves_at_once():
    topic = topic_of(Settings(linger_s=0.0, ack_s=0.003), [0.0, 0.001], [0, 0])
    topic.advance(0.001)
    np.testing.assert_allclose(topic.log.visible_s, [0.003, 0.004])


def test_KP_01_batches_linger_partition_by_partition():
    s = Settings(partitions=2, linger_s=0.005)
    topic = topic_of(s, [0.0, 0.002, 0.004, 0.006], [0, 1, 0, 1])
    topic.advance(0.0055)
    assert topic.log.end.tolist() == [2, 0]
    topic.advance(1.0)
    np.testing.assert_allclose(topic.log.visible_s, [0.005, 0.005, 0.007, 0.007])
    assert topic.log.message.tolist() == [0, 2, 1, 3]


def test_KP_01_a_batch_lingers_on_while_another_partition_fills_hundreds():
    s = Settings(partitions=2, linger_s=5.0, batch_bytes=600)
    created_s = np.arange(402) * 1e-3
    partition_of = np.ones(402, int)
    partition_of[0] = 0
    topic = topic_of(s, created_s, partition_of)
    topic.advance(10.0)
    assert topic.log.visible_s[0] == 5.0
    np.testing.assert_allclose(topic.log.visible_s[1:401], np.repeat(created_s[2:401:2], 2))
    assert topic.log.visible_s[401] == pytest.approx(created_s[401] + 5.0)


def test_whoever_waits_for_ever_finds_every_record():
    topic = topic_of(Settings(linger_s=5.0), [0.0, 1.0, 20.0], [0, 0, 0])
    topic.advance(np.inf)
    np.testing.assert_allclose(topic.log.visible_s, [5.0, 5.0, 25.0])


def test_KB_14_a_partition_takes_one_batch_after_the_other():
    # 300 B at 1,000 B/s take 0.3 s; what a batch takes itself is in its latency of 0.05 s.
    s = Settings(partitions=2, ack_s=0.05, partition_bytes_per_s=1_000.0)
    topic = topic_of(s, [0.0, 0.0, 0.1, 0.1, 2.0], [0, 0, 0, 1, 0])
    topic.advance(3.0)
    np.testing.assert_allclose(topic.readable_s(0), [0.05, 0.35, 0.65, 2.05])
    np.testing.assert_allclose(topic.readable_s(1), [0.15])
    brokers_s, partitions_s = topic.full_s()
    assert brokers_s.tolist() == [[np.inf], [-np.inf]]
    # The second has waited a tenth of a second at 0.1 s, the third is begun with at 0.6 s.
    np.testing.assert_allclose(partitions_s, [[0.1, np.inf], [0.6, -np.inf]])


def test_KB_14_a_broker_takes_the_batches_of_its_partitions_one_after_the_other():
    # 300 B at 3,000 B/s and a request at 5/s take 0.3 s; partitions 0 and 2 are led by broker 0.
    s = Settings(partitions=3, brokers=2, broker_bytes_per_s=3_000.0, broker_requests_per_s=5.0)
    topic = topic_of(s, [0.0, 0.01, 0.02, 0.03], [0, 1, 2, 0])
    topic.advance(3.0)
    np.testing.assert_allclose(topic.readable_s(0), [0.0, 0.6])
    np.testing.assert_allclose(topic.readable_s(1), [0.01])
    np.testing.assert_allclose(topic.readable_s(2), [0.3])
    np.testing.assert_allclose(topic.full_s()[0], [[0.12, np.inf], [0.6, -np.inf]])


def test_KB_14_a_partition_is_an_m_d_1_queue():
    """Pollaczek-Khinchine: with constant service, the mean wait is rho / (2 (1 - rho)) of it."""
    rng, n, rho = np.random.default_rng(3), 400_000, 0.8
    created_s = np.cumsum(rng.exponential(0.3 / rho, n))
    topic = topic_of(Settings(partition_bytes_per_s=1_000.0), created_s, np.zeros(n, np.int32), 300)
    topic.advance(np.inf)
    waits_s = topic.readable_s(0) - created_s
    assert np.mean(waits_s[n // 10 :]) == pytest.approx(0.3 * rho / (2 * (1 - rho)), rel=0.02)


def test_KB_01_a_fast_batch_does_not_overtake_a_slow_one():
    topic = topic_of(Settings(), [0.0, 0.010, 0.050], [0, 0, 0], latency_s=[0.030, 0.001, 0.002])
    topic.advance(1.0)
    np.testing.assert_allclose(topic.log.visible_s, [0.030, 0.030, 0.052])
    assert topic.log.message.tolist() == [0, 1, 2]
    assert topic.log_end(np.array([0.029, 0.031, 0.051, 0.053])).T.tolist() == [[0, 2, 2, 3]]


def test_a_message_that_gets_lost_on_its_way_to_the_log_ends_the_run():
    topic = topic_of(Settings(linger_s=0.005), [0.0, 0.001, 1.0], [0, 0, 0])
    topic.advance(0.002)
    topic.producer.open_records[0] -= 1
    with pytest.raises(AssertionError):
        topic.advance(2.0)


READING = k.Reading(
    max_poll_records=7, chunk_records=9, min_records=2, max_wait_s=0.3, fetch_s=0.01,
    per_batch_s=0.02, auto_commit_s=0.4, commit_s=0.0,
)  # fmt: skip


def test_relaid_moves_each_partition_to_its_new_rows():
    rows = np.array([1, 2, 3, 4, 5])
    moved = relaid(rows, np.array([0, 2, 2, 5]), np.array([0, 3, 5, 8]), -1)
    assert moved.tolist() == [1, 2, -1, -1, -1, 3, 4, 5]


def test_what_is_put_is_never_readable_before_what_lies_ahead():
    topic = Topic.empty(np.arange(3.0), np.array([0]))
    topic.put(0, np.array([0, 1], np.int32), np.array([1.0, 2.0]))
    assert topic.readable_s(0).tolist() == [1.0, 2.0]
    with pytest.raises(AssertionError, match="readable before what lies ahead"):
        topic.put(0, np.array([2], np.int32), np.array([1.5]))


def test_rows_laid_anew_in_the_middle_of_a_run_change_nothing():
    """Two partitions that begin without room, and with room for all; members in between."""
    rng = np.random.default_rng(3)
    n = 400
    partition = rng.integers(0, 2, n)
    visible_s = np.sort(rng.uniform(0, 20, n))
    work_s = rng.exponential(0.05, n).astype(np.float32)
    seen = []
    for room in (np.zeros(2, np.int64), np.bincount(partition)):
        topic = Topic.empty(visible_s, room)
        group = Group(topic, work_s, 2, READING, np.arange(0.0, 30.0, 0.5))
        group.assign([[0], [1]], 0.0)
        layouts = set()
        done = 0
        for until_s in np.linspace(0.2, 30.0, 150):
            stop = int(np.searchsorted(visible_s, until_s, side="right"))
            for p in (0, 1):
                new = np.flatnonzero(partition[done:stop] == p) + done
                topic.put(p, new.astype(np.int32), visible_s[new])
            done = stop
            group.advance(until_s)
            layouts.add(tuple(topic.log.start.tolist()))
            if until_s > 10 and group.alive(1):
                group.crash(1, until_s)
                group.assign([[0, 1], []], until_s)
        group.finish(30.0)
        samples, service_s = group.state.samples, np.asarray(group.state.records.service_s)
        assert group.effects.sum() >= n
        seen.append(
            [len(layouts), topic.to_messages(group.done_s, np.inf),
             np.asarray(samples.position), np.asarray(samples.committed),
             topic.to_messages(group.effects, 0, np.add), topic.to_messages(service_s, np.inf)]
        )  # fmt: skip
    (moved, *these), (still, *those) = seen
    assert still == 1 and moved > 10
    for a, b in zip(these, those, strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(("linger_s", "times"), [(0.05, 0), (0.2, 2)])
def test_only_a_long_linger_is_a_limit_and_not_of_batches_that_are_full(linger_s, times):
    # Alone at 0 and at 2 s; two that fill their batch at 1 s.
    topic = topic_of(Settings(linger_s=linger_s, batch_bytes=600), [0.0, 1.0, 1.0, 2.0], [0] * 4)
    topic.advance(3.0)
    lingered = topic.producer.lingered
    assert lingered.times == times
    if times:
        assert (lingered.first_s, lingered.last_s) == (0.0, pytest.approx(2.2))
