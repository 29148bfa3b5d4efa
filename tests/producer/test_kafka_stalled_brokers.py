"""A broker that stands still, as a client meets it (KB-13): what was given up is handled later.

Unless a test says otherwise, six records at 0, 100, … 500 ms, each in a request of its own; half a
round trip is 5 ms; the broker stands still from 50 ms on; requests are overdue after a second, and
a retry waits 100 ms.
"""

import numpy as np
import pytest

from helpers.client_lab import (
    ALONE,
    FOR_EVER_S,
    LIBRDKAFKA,
    NOT_IDEMPOTENT,
    appended_ms,
    build,
    fate_names,
    flushed,
    logs,
    rows_in_log,
)
from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_stalled_brokers import left_in_socket, overdue, pause

SIX_MS = (0, 100, 200, 300, 400, 500)


def paused(until_s, created_ms=SIX_MS, from_s=0.05, **keys):
    """A client whose broker stands still for a while, and half a minute later."""
    client = build(created_ms, **{**ALONE, "request_timeout_ms": 1_000, **keys})
    client.advance(from_s)
    client.pause_broker(0, from_s)
    client.advance(until_s)
    client.resume_broker(0, until_s)
    client.advance(30.0)
    return client


def log(client):
    """(ms, row, attempt) of each record in the log."""
    return [(round(at_s * 1e3, 6), row, attempt) for at_s, row, attempt, _ in logs(client)[0]]


@pytest.mark.parametrize("acks", [1, "all"])
def test_KB_13_KP_03_two_requests_that_were_given_up_are_stored_and_so_are_their_repeats(acks):
    # Overdue at 1,100 ms. The answer to 1 meets a closed socket, that to 2 fails, and the rest of
    # the connection is dropped; then all five come again, each put in front (KP-08).
    client = paused(3.05, acks=acks, **NOT_IDEMPOTENT)
    given_up = [(5, 0, 0), (3050, 1, 0), (3050, 2, 0)]
    assert log(client) == [*given_up, *((3055, row, 1) for row in (5, 4, 3, 2, 1))]
    assert client.appends().tolist() == [1, 2, 2, 1, 1, 1]
    np.testing.assert_allclose(client.acked_s, [0.01, *[3.06] * 5])
    assert client.state.batches.retries == 5


def test_KB_13_of_one_request_in_flight_one_is_stored_twice():
    client = paused(3.05, max_in_flight=1, **NOT_IDEMPOTENT)
    expected = [(3055, 1, 1), (3065, 2, 0), (3075, 3, 0), (3085, 4, 0), (3095, 5, 0)]
    assert log(client) == [(5, 0, 0), (3050, 1, 0), *expected]
    assert client.appends().tolist() == [1, 2, 1, 1, 1, 1]


def test_KB_13_KP_10_an_idempotent_producer_s_repeats_are_refused():
    # A retry waits until it is the oldest in flight: one round trip after the other.
    client = paused(3.05)
    expected = [(3050, 1, 0), (3050, 2, 0), (3075, 3, 1), (3085, 4, 1), (3095, 5, 1)]
    assert log(client) == [(5, 0, 0), *expected]
    assert client.appends().tolist() == [1] * 6
    assert client.state.brokers.duplicates_refused == 2


def test_KB_13_a_pause_shorter_than_the_timeout_stores_nothing_twice():
    # All wait in the socket, and are handled in order when the broker goes on.
    client = paused(0.95, acks=1, **NOT_IDEMPOTENT)
    assert log(client) == [(5, 0, 0), *((950, row, 0) for row in (1, 2, 3, 4, 5))]
    np.testing.assert_allclose(client.acked_s, [0.01, *[0.955] * 5])
    # acks=all: each waits for the replicas of the one before, 20 ms.
    client = paused(0.95, replicate_ms=20, **NOT_IDEMPOTENT)
    assert log(client) == [(5, 0, 0), *((950 + 20 * i, 1 + i, 0) for i in range(5))]
    assert client.state.batches.retries == 0


def test_KB_13_what_the_broker_was_at_work_on_is_answered_when_it_goes_on():
    # At the broker at 5 ms, on the replicas at 25 ms; the broker stands still from 10 ms on.
    client = paused(0.95, [0, 100], from_s=0.01, replicate_ms=20, **NOT_IDEMPOTENT)
    np.testing.assert_allclose(client.acked_s, [0.955, 0.975])
    # Overdue, it is one of the two: its own answer meets the closed socket.
    client = paused(3.0, [0, 100, 200], from_s=0.01, replicate_ms=20, **NOT_IDEMPOTENT)
    again = [(3005, 2, 1), (3025, 1, 1), (3045, 0, 1)]
    assert log(client) == [(5, 0, 0), (3000, 1, 0), *again]


@pytest.mark.parametrize(
    ("keys", "killed", "measured"),
    [
        ({"acks": 1, "request_timeout_ms": 1_000}, False, [0, 1, 2, 1, 2, 3, 4, 5]),
        ({"acks": "all", "request_timeout_ms": 1_000}, False, [0, 1, 2, 1, 2, 3, 4, 5]),
        (
            {"acks": 1, "request_timeout_ms": 1_000, "max_in_flight": 1}, False,
            [0, 1, 1, 2, 3, 4, 5],
        ),
        ({"enable_idempotence": True, "request_timeout_ms": 1_000}, False, [0, 1, 2, 3, 4, 5]),
        ({"acks": 0}, False, [0, 1, 2, 3, 4, 5]),
        ({"acks": 1}, True, [0, 1, 2]),
        ({"acks": 0}, True, [0, 1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_KB_13_the_log_is_that_of_a_real_broker(keys, killed, measured):
    """Kafka 4.4 under librdkafka, SIGSTOP at 50 ms and SIGCONT at 3,050 ms: the same in three runs.

    Six records as above; ``killed``: the producer meets SIGKILL at 700 ms.
    """
    client = build(SIX_MS, config=LIBRDKAFKA, latency_ms=1, **{**ALONE, **keys})
    client.advance(0.05)
    client.pause_broker(0, 0.05)
    client.advance(0.7)
    if killed:
        client.sigkill(0.7)
    client.advance(3.05)
    client.resume_broker(0, 3.05)
    client.advance(30.0)
    assert rows_in_log(client) == measured


def test_KB_13_an_answer_under_way_arrives():
    # At the broker at 45 ms, answered at 50 ms; it stands still from 47 ms on.
    client = paused(0.95, [40], from_s=0.047, acks=1)
    np.testing.assert_allclose(client.acked_s, [0.05])


def test_KB_13_all_batches_of_a_request_that_was_given_up_are_handled():
    # Java: both partitions' batches of two records leave together at 105 ms; one request is given
    # up. librdkafka sends each partition's by itself: two requests.
    times_ms, partition_of = [100, 100, 101, 101], [0, 1, 0, 1]
    for client_of in ({}, {"config": LIBRDKAFKA}):
        client = build(
            times_ms, partition_of, partitions=2, linger_ms=5, acks=1, request_timeout_ms=1_000,
            **NOT_IDEMPOTENT, **client_of,
        )  # fmt: skip
        client.pause_broker(0, 0.0)
        client.advance(3.0)
        client.resume_broker(0, 3.0)
        client.advance(30.0)
        assert client.appends().tolist() == [2] * 4
        for p in (0, 1):
            assert rows_in_log(client, p) == [p, p + 2] * 2
            assert appended_ms(client, p) == [3000.0] * 2 + [3005.0] * 2


def test_KB_13_KP_05_without_answers_everything_is_handled_though_the_process_died():
    client = paused(3.05, acks=0)
    assert log(client) == [(5, 0, 0), *((3050, row, 0) for row in (1, 2, 3, 4, 5))]
    for acks, in_log in ((0, [0, 1, 2, 3, 4]), (1, [0, 1, 2])):
        client = build(SIX_MS, acks=acks, **ALONE)
        client.advance(0.05)
        client.pause_broker(0, 0.05)
        client.advance(0.45)
        client.sigkill(0.45)
        client.advance(3.05)
        client.resume_broker(0, 3.05)
        client.advance(30.0)
        assert rows_in_log(client) == in_log


def test_KB_13_KP_15_what_has_not_reached_the_socket_dies_with_its_process():
    # Sent at 100 ms, at the socket at 105 ms.
    for killed_s, rows in ((0.104, [0]), (0.106, [0, 1])):
        client = build([0, 100], acks=1, **ALONE)
        client.advance(0.05)
        client.pause_broker(0, 0.05)
        client.advance(killed_s)
        client.sigkill(killed_s)
        client.advance(3.0)
        client.resume_broker(0, 3.0)
        assert rows_in_log(client) == rows


def test_KB_13_LP_04_a_handler_that_gives_up_flushing_leaves_requests_in_the_socket():
    client = build(
        [0, 100], acks=1, publisher={"flush_timeout": 0.5, "check_flush": False}, **ALONE
    )
    client.advance(0.05)
    client.pause_broker(0, 0.05)
    client.advance(0.2)
    client.sigterm(0.2, FOR_EVER_S, handlers=True)
    client.advance(1.0)
    assert not client.alive and rows_in_log(client) == [0]
    client.resume_broker(0, 1.0)
    assert log(client) == [(5, 0, 0), (1000, 1, 0)]


def test_KB_13_KP_11_a_new_process_sends_nothing_before_the_broker_goes_on():
    client = build(SIX_MS, request_timeout_ms=1_000, **ALONE)
    client.advance(0.05)
    client.pause_broker(0, 0.05)
    client.advance(0.25)
    client.sigkill(0.25)
    client.restart(0.25)
    client.advance(3.0)
    assert client.state.batches.retries == 0 and client.remaining == 6
    client.resume_broker(0, 3.0)
    client.advance(30.0)
    # Nothing was committed: the new process reads from the start, and is a new producer.
    assert rows_in_log(client) == [0, 1, 2, 0, 1, 2, 3, 4, 5]
    expected_ms = [5, 3000, 3000, *[3005] * 5, 3015]
    np.testing.assert_allclose(appended_ms(client), expected_ms)


def test_KB_13_what_lies_in_the_socket_of_a_broker_that_dies_is_lost():
    client = build(SIX_MS, acks=1, request_timeout_ms=1_000, delivery_timeout_ms=1_500, **ALONE)
    client.advance(0.05)
    client.pause_broker(0, 0.05)
    client.advance(2.5)
    client.broker_down(0, 2.5, reset=True)
    client.broker_up(0, 3.0)
    client.resume_broker(0, 3.05)
    client.pause_broker(0, 3.1)  # as another one, with nothing in its socket
    client.resume_broker(0, 3.2)
    client.advance(30.0)
    assert rows_in_log(client) == [0]
    assert fate_names(client)[1:] == ["LOST_SEND_EXPIRED"] * 5


def test_KB_13_KP_02_what_has_failed_is_stored_all_the_same():
    client = paused(3.05, [0, 100], acks=1, delivery_timeout_ms=1_500)
    assert log(client) == [(5, 0, 0), (3050, 1, 0)]
    assert client.status.tolist() == [codes.ACKED, codes.FAILED]
    assert fate_names(client) == ["UNFINISHED"] * 2


def test_KB_13_KP_16_what_is_left_of_an_aborted_transaction_is_refused():
    # Given up at 1,500 ms, the record is produced anew by two more transactions; the broker goes on
    # with the request of the first.
    client = build(
        order="transaction",
        brokers=2,
        coordinator=1,
        **flushed(),
        **ALONE,
        request_timeout_ms=1_000,
        delivery_timeout_ms=1_500,
    )
    client.pause_broker(0, 0.0)
    client.advance(3.05)
    assert client.state.app.aborted == 2
    client.resume_broker(0, 3.05)
    client.advance(30.0)
    assert log(client) == [(3055, 0, 0)]
    assert client.appends().tolist() == [1]


def test_the_places_of_a_ring_that_has_gone_round_are_those_in_flight():
    client = build(np.arange(30) * 100.0, acks=1, request_timeout_ms=1_000, **ALONE)
    client.advance(2.05)
    pause(2.05, 0, client.state)
    assert overdue(3.09, client.state) == [] and left_in_socket(2.05, 0, client.state) == []
    client.advance(3.09)
    left = left_in_socket(3.09, 0, client.state)
    assert [batch.row.tolist() for batch in left] == [[21], [22]]
    assert [batch.what for batch in left] == [(0, 1, 0, -1, 1, 0, closed) for closed in (2.1, 2.2)]
    assert overdue(3.1, client.state) == [0]
