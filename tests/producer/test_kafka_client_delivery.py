"""How a producer client gathers, sends and gives up, rule by rule (KP-01 to KP-06).

One row is one record; times are ms, turned into s by `build`.
"""

import numpy as np
import pytest

from helpers.client_lab import (
    ALONE,
    JAVA,
    LIBRDKAFKA,
    NOT_IDEMPOTENT,
    appended_ms,
    build,
    fate_names,
    rows_in_log,
)
from sim.producer import kafka_client_codes as codes


def test_KP_01_a_batch_leaves_when_it_is_full_or_has_lingered():
    # 300 + 300 B fill 600 B; one alone lingers 5 ms; 400 B do not fit to 300 B, which leave.
    client = build(
        [0, 1, 100, 200, 202], size_bytes=[300, 300, 300, 300, 400], batch_size=600, linger_ms=5
    )
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [6, 6, 110, 207, 212])


def test_KP_01_java_sends_every_batch_of_a_broker_with_the_first_that_is_due():
    # Partitions 0 and 2 on broker 0, 1 on broker 1; that of 0 is due at 5 ms.
    for config, expected in ((JAVA, [10, 13, 10]), (LIBRDKAFKA, [10, 13, 14])):
        client = build([0, 3, 4], [0, 1, 2], partitions=3, brokers=2, config=config)
        client.advance(1.0)
        first_ms = [appended_ms(client, p)[0] for p in range(3)]
        np.testing.assert_allclose(first_ms, expected)


def test_KP_01_a_broker_serves_a_connection_one_request_after_the_other():
    # Sent at 0, 1 and 2 ms, at the broker from 5 ms on, each 20 ms until the replicas have it.
    client = build([0, 1, 2], replicate_ms=20, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 25, 45])
    np.testing.assert_allclose(client.acked_s, [0.030, 0.050, 0.070])


def test_max_in_flight_limits_the_requests_of_each_connection():
    # Five at 0 ms, the sixth with the first answer.
    client = build(np.zeros(7), process_ms=0.0, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5, 5, 5, 5, 15, 15])
    client = build(np.zeros(7), config=LIBRDKAFKA, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5] * 7)


def test_KP_02_a_batch_that_fails_while_in_flight_may_still_be_stored():
    # Fails at 30 ms, reaches the broker at 35 ms.
    client = build(
        latency_ms=70, config=LIBRDKAFKA, linger_ms=0, delivery_timeout_ms=30, batch_size=0
    )
    client.advance(0.032)
    assert (client.status[0], client.remaining) == (codes.FAILED, 0)
    client.advance(1.0)
    assert rows_in_log(client) == [0]
    assert client.acked_s[0] == np.inf
    assert fate_names(client) == ["UNFINISHED"]


def test_KP_02_the_delivery_timeout_counts_from_the_creation_of_the_batch():
    # Rows at 0 and 4 ms in one batch: both fail at 40 ms; the broker cannot be reached.
    client = build([0, 4, 50], config=LIBRDKAFKA, linger_ms=5, delivery_timeout_ms=40)
    client.broker_down(0, 0.0)
    for at_s, status in ((0.0399, codes.BUFFERED), (0.0401, codes.FAILED)):
        client.advance(at_s)
        assert client.status[:2].tolist() == [status] * 2
    client.advance(1.0)
    assert fate_names(client) == ["LOST_SEND_EXPIRED"] * 3


def test_KP_03_without_idempotence_a_lost_answer_stores_the_record_twice():
    for keys, expected in ((NOT_IDEMPOTENT, [0, 0]), ({}, [0])):
        client = build(**ALONE, **keys)
        client.lose_acks(0, 1.0)
        client.advance(0.008)
        client.lose_acks(0, 0.0)
        client.advance(1.0)
        assert rows_in_log(client) == expected
        # Answer due at 10 ms, backoff 100 ms, round trip 10 ms.
        assert client.acked_s[0] == pytest.approx(0.120)


def test_a_lost_answer_is_noticed_at_the_request_timeout_when_nothing_breaks():
    client = build(notice_ms=np.inf, request_timeout_ms=500, **ALONE)
    client.lose_acks(0, 1.0)
    client.advance(0.008)
    client.lose_acks(0, 0.0)
    client.advance(10.0)
    assert client.acked_s[0] == pytest.approx(0.610)


@pytest.mark.parametrize("reset", [True, False])
def test_an_unreachable_broker_costs_the_answers_on_their_way(reset):
    # Row 0 is stored at 5 ms, row 1 never; away from 7 ms on, back at 50: found then, or at once.
    client = build([0, 4], **ALONE, **NOT_IDEMPOTENT)
    client.advance(0.007)
    client.broker_down(0, 0.007, reset=reset)
    client.advance(0.050)
    client.broker_up(0, 0.050)
    client.advance(1.0)
    assert sorted(rows_in_log(client)) == [0, 0, 1]
    from_ms = 7 if reset else 50
    np.testing.assert_allclose(client.acked_s, [(from_ms + 110) / 1e3] * 2)


def test_a_broker_that_stays_away_is_noticed_at_the_request_timeout():
    # From 500 ms on there is no connection, and what comes waits without being tried.
    client = build([0, 1_000], request_timeout_ms=500, **ALONE)
    client.broker_down(0, 0.0)
    client.advance(60.0)
    assert client.state.requests.sent == 1
    client.broker_up(0, 60.0)
    client.advance(100.0)
    np.testing.assert_allclose(appended_ms(client), [60_005, 60_005])


def test_the_backoff_doubles_up_to_its_limit():
    # Refused at 5, 115, 325, 735, 1545, 2555 ms: backoffs 100, 200, 400, 800, 1000, 1000.
    client = build(**ALONE)
    client.fail_appends(0, 1.0)
    client.advance(2.6)
    client.fail_appends(0, 0.0)
    client.advance(10.0)
    assert client.state.batches.retries == 6
    np.testing.assert_allclose(appended_ms(client), [3565])


def test_retries_are_limited():
    client = build(retries=2, **ALONE, **NOT_IDEMPOTENT)
    client.fail_appends(0, 1.0)
    client.advance(100.0)
    assert fate_names(client) == ["LOST_SEND_EXPIRED"]
    assert client.state.batches.retries == 2


def test_KP_04_java_blocks_and_then_rejects():
    # Memory for two batches of two; nothing is answered; rows 4 and 5 wait 200 ms each.
    client = build(
        np.zeros(6),
        size_bytes=500,
        batch_size=1_000,
        buffer_memory=2_000,
        max_block_ms=200,
        grid_ms=[100, 300],
    )
    client.broker_down(0, 0.0)
    for at_s, rejected in ((0.199, 0), (0.201, 1), (0.399, 1), (0.401, 2)):
        client.advance(at_s)
        assert (client.status == codes.REJECTED).sum() == rejected
    client.finish(0.4)
    assert client.grid_remaining.tolist() == [4, 4]
    assert fate_names(client)[4:] == ["LOST_REJECTED"] * 2


def test_KP_04_java_takes_memory_a_batch_at_a_time():
    # Two small records on two partitions fill a buffer of two and a half batches.
    client = build(
        np.zeros(3), [0, 1, 2], partitions=3, batch_size=1_000, buffer_memory=2_500,
        linger_ms=1_000, max_block_ms=200, latency_ms=50,
    )  # fmt: skip
    client.advance(0.01)
    assert client.status.tolist() == [codes.BUFFERED, codes.BUFFERED, codes.NOT_SENT]
    # Short of memory, Java sends at once what lingers: answered at 50 ms.
    client.advance(0.2)
    np.testing.assert_allclose(client.acked_s[:2], [0.05, 0.05])
    assert client.status[2] == codes.BUFFERED


def test_KP_04_librdkafka_does_not_hurry_when_it_is_full():
    # Two of three fit; they leave after a linger of 50 ms, and the third when they are answered.
    client = build(
        np.zeros(3), config=LIBRDKAFKA, queue_buffering_max_messages=2, linger_ms=50,
        retry_rejected=True,
    )  # fmt: skip
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [55, 55, 115])


def test_KP_01_librdkafka_also_counts_the_records_of_a_batch():
    client = build(np.zeros(5), config=LIBRDKAFKA, batch_num_messages=2, linger_ms=50)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5, 5, 5, 55])


def test_KP_04_librdkafka_raises_at_once_unless_the_application_tries_again():
    for retry, expected in ((False, [0, 1, 2, 3]), (True, [0, 1, 2, 3, 4, 5])):
        client = build(
            np.zeros(6), config=LIBRDKAFKA, queue_buffering_max_messages=4,
            retry_rejected=retry,
        )  # fmt: skip
        client.advance(0.001)
        assert client.position == (4 if retry else 6)
        client.advance(1.0)
        assert rows_in_log(client) == expected
    assert client.settled is False  # committed by time, at 5 s
    client.advance(6.0)
    assert client.settled


def test_KP_05_with_acks_0_a_drop_is_silent():
    client = build([0, 100], acks=0, linger_ms=0)
    client.broker_down(0, 0.0)
    client.advance(0.05)
    client.broker_up(0, 0.05)
    client.advance(1.0)
    np.testing.assert_allclose(client.acked_s, [0.0, 0.1])
    assert rows_in_log(client) == [1]
    assert client.state.batches.retries == 0
    assert fate_names(client) == ["LOST_BROKER_FAILOVER", "UNFINISHED"]


def test_KP_06_what_an_election_cuts_off_is_lost_though_acknowledged():
    client = build([0, 100, 200], acks=1, linger_ms=0)
    client.advance(1.0)
    assert (client.acked_s < np.inf).all()
    kept = client.journal.append_s < 0.150
    assert fate_names(client, kept=kept) == ["UNFINISHED", "UNFINISHED", "LOST_BROKER_FAILOVER"]


def test_KP_06_after_a_move_of_the_leader_the_batch_goes_to_the_new_one():
    client = build(brokers=2, **ALONE)
    client.advance(0.001)
    client.move_leader(0, 1, 0.001)
    client.advance(1.0)
    # Refused at 5 ms by the old leader, again at 110 ms.
    np.testing.assert_allclose(appended_ms(client), [115])
