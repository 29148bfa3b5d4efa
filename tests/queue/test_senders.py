"""The producer side of a queue: calls, quotas and delays, with hand numbers."""

import numpy as np
import pytest

from sim.queue.senders import Senders


def test_SS_13_one_sender_thread_makes_50_calls_a_second():
    # Call i starts at 0.02 i and its ten messages are in the queue half-way through it.
    senders = Senders(np.zeros(1_000), threads=1, batch=10, latency_s=np.array([0.02]))
    senders.advance(60.0)
    assert senders.calls == 100
    expected = 0.01 + 0.02 * (np.arange(1_000) // 10)
    np.testing.assert_allclose(senders.feed.enqueued_s, expected, rtol=1e-12)


def test_SS_13_sender_threads_work_side_by_side():
    # Latencies 0.03, 0.02 and 0.01 s: the third call arrives first and its thread goes on first.
    senders = Senders(np.zeros(40), threads=3, batch=10, latency_s=np.array([0.03, 0.02, 0.01]))
    senders.advance(60.0)
    assert list(senders.feed.message[::10]) == [20, 10, 0, 30]
    np.testing.assert_allclose(senders.feed.enqueued_s[::10], [0.005, 0.010, 0.015, 0.025])


def test_a_quota_lets_a_second_s_worth_through_at_once_and_then_one_by_one():
    # Two calls a second: what a second allows is used up at once, and then one goes as it refills.
    senders = Senders(np.zeros(5), threads=5, batch=1, latency_s=np.array([0.02]), calls_per_s=2.0)
    senders.advance(10.0)
    np.testing.assert_allclose(senders.feed.enqueued_s, [0.01, 0.01, 0.01, 0.51, 1.01])


def test_a_delayed_message_is_sent_so_much_later_and_keeps_its_number():
    senders = Senders(
        np.array([0.0, 1.0, 2.0]), threads=1, batch=1, latency_s=np.array([0.02]),
        delay_s=np.array([1.5, 0.0, 0.0]),
    )  # fmt: skip
    senders.advance(10.0)
    assert list(senders.feed.message) == [1, 0, 2]
    np.testing.assert_allclose(senders.visible_s(0.1), [1.61, 1.11, 2.11])
    assert senders.calls == 3


def sending():
    """Senders in the middle of their work: two calls reached the service, one is on its way."""
    senders = Senders(np.arange(9.0), threads=1, batch=1, latency_s=np.array([0.02]))
    senders.advance(2.001)
    assert senders.feed.n[0] == 2 and senders.state.next == 3
    return senders


def test_a_message_that_is_in_no_place_stops_the_run():
    senders = sending()
    senders.state.next += 1
    with pytest.raises(AssertionError, match="4 messages were taken, but 3 are sent and 0 on"):
        senders.advance(3.5)


def test_a_message_that_arrives_before_the_one_ahead_of_it_stops_the_run():
    senders = sending()
    senders.feed.enqueued_s[1] = 9.0
    with pytest.raises(AssertionError, match="time went back"):
        senders.advance(3.5)
