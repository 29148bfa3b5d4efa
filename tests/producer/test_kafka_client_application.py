"""The order in which the application consumes (c), produces (o), flushes (f) and commits (k).

The crash is at the mark (KP-13, KP-16).
"""

import numpy as np
import pytest

from helpers.client_lab import (
    LIBRDKAFKA,
    appended_ms,
    build,
    crash_and_restart,
    fate_names,
    flushed,
    rows_in_log,
)
from sim.engine.outcome import Fate


def test_KP_13_flush_sends_at_once_and_ends_when_all_is_answered():
    # Sent at 0 ms instead of after a linger of 5 s; flushed at 10 ms; committed half of 4 ms later.
    client = build(
        [0, 0], linger_ms=5_000, request_timeout_ms=1_000, order="produce-flush-commit",
        **flushed(), grid_ms=[1, 11.9, 12.1],
    )  # fmt: skip
    client.advance(1.0)
    client.finish(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5])
    assert client.grid_remaining.tolist() == [2, 0, 0]
    assert client.grid_committed.tolist() == [0, 0, 2]


@pytest.mark.parametrize("check", [True, False])
def test_KP_13_a_flush_that_returns_has_not_delivered_what_failed(check):
    # The record fails at 40 ms, at which the flush returns with nothing remaining.
    client = build(
        config=LIBRDKAFKA, delivery_timeout_ms=40, order="produce-flush-commit",
        **flushed(check_flush=check),
    )  # fmt: skip
    client.broker_down(0, 0.0)
    client.advance(0.1)
    assert client.remaining == (1 if check else 0)  # sent again
    assert client.committed == (0 if check else 1)
    client.broker_up(0, 0.1)
    client.advance(1.0)
    assert fate_names(client) == ["UNFINISHED" if check else "LOST_SEND_EXPIRED"]
    assert rows_in_log(client) == ([0] if check else [])


def test_KP_16_a_transaction_becomes_visible_with_its_offset():
    # Sent at 0, acknowledged at 10 ms, committed half of 4 ms later.
    client = build([0, 0], order="transaction", **flushed(), grid_ms=[11.9, 12.1])
    client.advance(0.011)
    assert client.journal.visible_s.tolist() == [np.inf]
    assert client.appends().tolist() == [0, 0]
    client.advance(1.0)
    client.finish(1.0)
    np.testing.assert_allclose(client.journal.visible_s, [0.012])
    assert client.grid_committed.tolist() == [0, 2]


def test_KP_16_a_transaction_longer_than_its_timeout_is_aborted():
    client = build(
        order="transaction", **flushed(), transaction_timeout_ms=300, request_timeout_ms=100
    )
    client.broker_down(0, 0.0)
    client.advance(0.4)
    client.broker_up(0, 0.4)
    client.advance(5.0)
    assert client.state.app.aborted == 1
    assert client.appends().tolist() == [1]
    assert rows_in_log(client) == [0, 0]


def test_order_o_k_crash_f_loses_what_was_committed_and_not_sent():
    # 100 rows of 1 ms each, a linger of 1 s, a commit at the first poll after 50 ms.
    client = build(
        np.arange(100),
        linger_ms=1_000,
        publisher={"auto.commit.interval.ms": 50, "poll_records": 10},
    )
    client.advance(0.06)
    committed = client.committed
    assert 45 <= committed <= 55
    crash_and_restart(client, 0.06)
    lost = client.fates() == Fate.LOST_PRODUCER_BUFFER
    assert lost.tolist() == [row < committed for row in range(100)]
    assert (client.appends() == ~lost).all()


def test_order_k_o_crash_loses_what_was_polled():
    # Committed at 2 ms; killed at 5.5 ms with three of ten sent, which linger.
    client = build(
        np.zeros(20), process_ms=1, order="commit-produce",
        publisher={"poll_records": 10}, commit_s=0.002, linger_ms=5,
    )  # fmt: skip
    crash_and_restart(client, 0.0055)
    assert (
        fate_names(client)[:10]
        == ["LOST_PRODUCER_BUFFER"] * 3 + ["LOST_ACKED_BEFORE_PROCESSING"] * 7
    )
    assert client.appends().tolist() == [0] * 10 + [1] * 10


def test_order_o_f_crash_k_repeats():
    # Flushed at 10 ms, the commit would count at 12 ms; killed at 11 ms.
    client = build(np.zeros(20), order="produce-flush-commit", **flushed())
    crash_and_restart(client, 0.011)
    assert client.appends().tolist() == [2] * 10 + [1] * 10
    assert fate_names(client) == ["UNFINISHED"] * 20


@pytest.mark.parametrize("check", [True, False])
def test_order_o_f_remaining_k_loses_unless_it_is_checked(check):
    # The flush gives up after 100 ms with ten remaining; killed at 150 ms.
    flush = {"flush_timeout": 0.1, "check_flush": check}
    client = build(np.zeros(10), order="produce-flush-commit", **flushed(**flush))
    client.broker_down(0, 0.0)
    client.advance(0.15)
    assert (client.remaining, client.committed) == (10, 0 if check else 10)
    client.sigkill(0.15)
    client.broker_up(0, 0.15)
    client.restart(1.0)
    client.advance(60.0)
    assert client.settled
    assert fate_names(client) == ["UNFINISHED" if check else "LOST_PRODUCER_BUFFER"] * 10
    assert client.appends().sum() == (10 if check else 0)


@pytest.mark.parametrize("order", ["produce-flush-commit", "transaction"])
def test_order_transaction_is_neither_or_both_wherever_it_is_killed(order):
    repeats = 0
    for at_ms in np.arange(0.1, 40.0, 0.7):
        client = build(
            np.zeros(20), np.arange(20) % 3, partitions=3, brokers=2, process_ms=0.1, order=order,
            **flushed(),
        )  # fmt: skip
        crash_and_restart(client, at_ms / 1e3)
        assert (client.fates() == Fate.UNFINISHED).all()
        appends = client.appends()
        assert (appends > 0).all()
        repeats += int((appends > 1).any())
    assert (repeats > 0) == (order == "produce-flush-commit")


def test_a_flush_for_each_record_costs_a_round_trip_each():
    # 0.1 ms of work, 4 ms round trip, 3 ms commit: 7.1 ms a record; a flush of every 100 spreads
    # the 7 ms over them; without, only the work counts, and once the linger and the round trip.
    n = 1_000

    def taken_s(order, flush_every):
        client = build(
            np.zeros(n), process_ms=0.1, latency_ms=4, order=order,
            publisher={"poll_records": flush_every},
        )  # fmt: skip
        client.advance(60.0)
        assert rows_in_log(client) == list(range(n))
        return client.acked_s.max()

    assert taken_s("produce-flush-commit", 1) == pytest.approx(n * 7.1e-3 - 3e-3)
    assert taken_s("produce-flush-commit", 100) == pytest.approx(n * 0.17e-3 - 3e-3)
    assert n * 0.1e-3 + 4e-3 <= taken_s("produce", 1) <= n * 0.1e-3 + 9e-3
    ratio = taken_s("produce-flush-commit", 1) / taken_s("produce", 1)
    assert ratio == pytest.approx(71, rel=0.1)
