"""The order in which the application consumes (c), produces (o), flushes (f) and commits (k).

The crash is at the mark (KP-13, KP-16).
"""

import numpy as np
import pytest

from helpers.client_lab import (
    ALONE,
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


def fenced(then, **publisher):
    """Rows 0 and 1 of one transaction; 2 comes at 600 ms. The coordinator hangs from 11 to 450 ms.

    Stored at 5 ms, answered at 10, asked to commit at 12; the coordinator looks every 100 ms for
    transactions that are open for longer than 300 ms, and says so at 452 ms.
    """
    client = build(
        [0, 0, 600], order="transaction", brokers=2, coordinator=1, abort_interval_ms=100,
        **flushed(on_fenced=then, **publisher), transaction_timeout_ms=300,
    )  # fmt: skip
    client.advance(0.011)
    client.pause_broker(1, 0.011)
    client.advance(0.45)
    client.resume_broker(1, 0.45)
    client.advance(5.0)
    np.testing.assert_allclose(client.journal.aborted_s[0], 0.4)
    np.testing.assert_allclose(client.fenced_s, [0.452])
    limit = client.state.limits.late_transactions
    assert limit.times == 1 and limit.first_s == limit.last_s == client.journal.aborted_s[0]
    return client


def test_KP_20_a_transaction_that_is_open_for_too_long_is_aborted_and_its_producer_fenced():
    client = fenced("exit")
    assert not client.alive and client.committed == 0 and rows_in_log(client) == [0, 1]
    assert client.appends().tolist() == [0, 0, 0]
    assert fate_names(client) == ["UNFINISHED"] * 3
    client.restart(5.0)
    client.advance(9.0)
    assert client.appends().tolist() == [1, 1, 1]


def test_KP_20_a_process_that_ended_as_it_was_fenced_is_started_again_by_its_supervisor():
    client = fenced("exit", restart_after=0.1)
    assert client.settled and rows_in_log(client) == [0, 1, 0, 1, 2]
    np.testing.assert_allclose(appended_ms(client), [5, 5, 557, 557, 605])
    assert client.appends().tolist() == [1, 1, 1]


def test_KP_20_a_producer_that_is_replaced_reads_again_from_the_committed_offset():
    client = fenced("replace")
    assert client.settled and rows_in_log(client) == [0, 1, 0, 1, 2]
    np.testing.assert_allclose(appended_ms(client), [5, 5, 457, 457, 605])
    assert client.appends().tolist() == [1, 1, 1]


def test_KP_20_who_goes_on_with_the_next_poll_loses_what_was_aborted():
    client = fenced("skip")
    assert client.settled and rows_in_log(client) == [0, 1, 2]
    assert fate_names(client) == ["LOST_TRANSACTION_ABORTED"] * 2 + ["UNFINISHED"]


@pytest.mark.parametrize(("timeout_ms", "aborts"), [(394, True), (395, False), (396, False)])
def test_KP_20_the_coordinator_looks_now_and_then_and_only_for_what_is_older(timeout_ms, aborts):
    # Open from 5 ms on; at 400 ms it has been for 395. The commit comes before the next look.
    client = build(
        order="transaction", brokers=2, coordinator=1, abort_interval_ms=100,
        **flushed(on_fenced="replace"), transaction_timeout_ms=timeout_ms,
    )  # fmt: skip
    client.pause_broker(1, 0.0)
    client.advance(0.45)
    client.resume_broker(1, 0.45)
    client.advance(5.0)
    assert (len(client.fenced_s) == 1) == aborts
    assert client.appends().tolist() == [1]


def test_KP_20_a_broker_refuses_what_a_fenced_producer_sends_and_the_next_send_raises():
    # Rows of 150 ms each, sent alone: stored at 155 ms, and from then on open; the coordinator
    # aborts at 500 ms. Row 3, stored at 605, is refused, and known to be at 610; row 4's send
    # raises at 750, and the abort is answered at 754: fenced.
    client = build(
        [0] * 5, order="transaction", abort_interval_ms=100, **flushed(on_fenced="exit"),
        transaction_timeout_ms=300, process_ms=150, **ALONE,
    )  # fmt: skip
    client.advance(5.0)
    np.testing.assert_allclose(client.journal.aborted_s, [0.5] * 3)
    assert rows_in_log(client) == [0, 1, 2]
    np.testing.assert_allclose(client.fenced_s, [0.754])


def test_KP_20_initTransactions_aborts_what_the_process_before_has_left_open():
    client = build(
        [0] * 5, order="transaction", **flushed(), process_ms=150, **ALONE, abort_interval_ms=100,
    )  # fmt: skip
    client.advance(0.2)
    client.sigkill(0.2)
    client.advance(0.25)
    assert client.journal.aborted_s.tolist() == [np.inf]
    client.restart(0.25)
    client.advance(5.0)
    assert client.journal.aborted_s[:2].tolist() == [0.25, np.inf]
    assert client.appends().tolist() == [1] * 5 and not client.fenced_s


def test_KC_19_with_a_new_transactional_id_it_stays_open_until_its_time_is_over():
    # Row 0 is stored at 155 ms; at 500 ms its transaction has been open for 300. The next process
    # stores all five rows, and has committed them by then.
    client = build(
        [0] * 5, order="transaction", **flushed(), process_ms=[150, 1, 1, 1, 1], **ALONE,
        abort_interval_ms=100, transaction_timeout_ms=300, transactional_id="a-${random.uuid}",
    )  # fmt: skip
    client.advance(0.16)
    client.sigkill(0.16)
    client.restart(0.17)
    client.advance(0.45)
    assert client.settled and client.journal.aborted_s[0] == 0.5
    assert client.journal.visible_s[-1] < 0.4
    assert client.state.limits.late_transactions.times == 0
    client.advance(0.5)
    assert client.state.limits.late_transactions.times == 1 and not client.fenced_s
    left = client.state.limits.left_open
    assert (left.times, left.first_s, left.last_s) == (1, 0.17, 0.5)


def test_KP_20_what_a_dead_process_has_left_open_is_aborted_for_its_age():
    client = build(
        [0] * 5, order="transaction", **flushed(), process_ms=150, **ALONE,
        abort_interval_ms=100, transaction_timeout_ms=300,
    )  # fmt: skip
    client.advance(0.2)
    client.sigkill(0.2)
    client.advance(0.49)
    assert client.journal.aborted_s.tolist() == [np.inf]
    client.advance(0.5)
    assert client.journal.aborted_s.tolist() == [0.5] and not client.fenced_s


def test_KP_20_a_commit_is_as_slow_as_its_coordinator():
    client = build([0, 0], order="transaction", brokers=2, coordinator=1, **flushed())
    client.slow_broker(1, 2.0)
    client.advance(5.0)
    np.testing.assert_allclose(client.journal.visible_s, [1.012])


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
