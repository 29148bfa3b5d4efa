"""What repeats and what comes out of order, with and without idempotence (KP-08 to KP-11)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("config", "until_ms", "expected"),
    [
        (JAVA, 5.5, [1, 2, 0]),  # those in flight overtake the batch that failed
        (JAVA, 6.5, [2, 1, 0]),  # two that failed come back swapped
        (LIBRDKAFKA, 5.5, [1, 2, 0]),
        (LIBRDKAFKA, 6.5, [2, 0, 1]),  # it puts them back by number
    ],
)
def test_KP_08_a_retry_reorders(config, until_ms, expected):
    client = build([0, 1, 2, 50], config=config, **ALONE, **NOT_IDEMPOTENT)
    client.fail_appends(0, 1.0)
    client.advance(until_ms / 1e3)
    client.fail_appends(0, 0.0)
    client.advance(1.0)
    # The record of 50 ms waits behind the batch in backoff.
    assert rows_in_log(client) == [*expected, 3]


def test_KP_08_a_broken_connection_brings_back_what_is_in_flight():
    # Rows 0 to 2 are stored, then the first answer breaks the connection; 3 is lost on its way.
    client = build([0, 1, 2, 9.5], **ALONE, **NOT_IDEMPOTENT)
    client.lose_acks(0, 1.0)
    client.advance(0.0055)
    client.lose_acks(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3, 2, 1, 0]


def random_loss(seed, config, errors=False, **keys):
    """Records one by one into three partitions, while answers are lost now and then."""
    rng = np.random.default_rng(seed)
    n = 120
    created_ms = np.concatenate([np.zeros(3), 100 + np.sort(rng.uniform(0, 3_000, n))])
    partition_of = np.concatenate([np.arange(3), rng.integers(0, 3, n)])
    client = build(
        created_ms, partition_of, partitions=3, brokers=2, config=config, uniform=rng.random(997),
        notice_ms=float(rng.choice([0.0, 50.0, np.inf])), request_timeout_ms=700,
        latency_s=rng.lognormal(np.log(0.01), 1.0, 499), batch_size=int(rng.choice([0, 300])),
        linger_ms=float(rng.choice([0.0, 10.0])), **keys,
    )  # fmt: skip
    for at_s in np.sort(rng.uniform(0.0, 3.0, 8)):
        client.advance(at_s)
        client.lose_acks(int(rng.integers(2)), float(rng.choice([0.0, 0.3, 0.9])))
        if errors and at_s > 0.09:
            client.fail_appends(int(rng.integers(3)), float(rng.choice([0.0, 0.5])))
    for b in range(2):
        client.lose_acks(b, 0.0)
    for p in range(3):
        client.fail_appends(p, 0.0)
    client.advance(100.0)
    assert client.settled
    return [rows_in_log(client, p) for p in range(3)]


@pytest.mark.parametrize("config", [JAVA, LIBRDKAFKA], ids=lambda config: config.client)
def test_KP_10_an_idempotent_producer_neither_repeats_nor_reorders(config):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
    def check(seed, in_flight, errors):
        logs = random_loss(seed, config, errors, enable_idempotence=True, max_in_flight=in_flight)
        assert all(log == sorted(set(log)) for log in logs)
        assert sum(map(len, logs)) == 123

    check()


@pytest.mark.parametrize("config", [JAVA, LIBRDKAFKA], ids=lambda config: config.client)
def test_KP_08_without_idempotence_both_repeats_and_reorders_occur(config):
    repeats = reorders = 0
    for seed in range(20):
        for log in random_loss(seed, config, errors=True, enable_idempotence=False):
            repeats += len(log) > len(set(log))
            first = list(dict.fromkeys(log))
            reorders += first != sorted(first)
    assert repeats > 10
    assert reorders > 3


def test_KP_09_with_one_request_in_flight_order_holds_and_repeats_remain():
    repeats = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        client = build(
            np.sort(rng.uniform(0, 1_000, 40)), max_in_flight=1, uniform=rng.random(499),
            **ALONE, **NOT_IDEMPOTENT,
        )  # fmt: skip
        client.lose_acks(0, 0.3)
        client.advance(100.0)
        rows = rows_in_log(client)
        assert rows == sorted(rows)
        assert set(rows) == set(range(40))
        repeats += len(rows) > 40
    assert repeats > 10


def test_KP_09_a_partition_is_muted_until_the_answer_wherever_its_leader_is():
    # The first is on its way to the old leader when the second is sent; it comes back at 110 ms.
    client = build([0, 2], brokers=2, max_in_flight=1, **ALONE, **NOT_IDEMPOTENT)
    client.advance(0.001)
    client.move_leader(0, 1, 0.001)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1]
    np.testing.assert_allclose(appended_ms(client), [115, 125])


def test_KP_10_a_gap_is_refused_until_the_batch_before_is_there():
    client = build([0, 100, 101, 102], **ALONE)
    client.advance(0.1)
    client.fail_appends(0, 1.0)
    client.advance(0.1055)
    client.fail_appends(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3]
    assert client.state.brokers.out_of_sequence == 2
    # A batch to be tried again waits until it is the oldest: one after the other, from 210 ms.
    np.testing.assert_allclose(appended_ms(client), [5, 215, 225, 235])


def test_KP_10_the_broker_remembers_five_batches():
    # Seven unanswered batches of a partition: only a client without the limit would send them.
    client = build(np.arange(5), notice_ms=100, **ALONE)
    client.lose_acks(0, 1.0)
    client.advance(0.0095)
    client.lose_acks(0, 0.0)
    client.advance(10.0)
    assert rows_in_log(client) == [0, 1, 2, 3, 4]
    assert client.state.brokers.duplicates_refused == 5


@pytest.mark.parametrize("order", ["produce", "transaction"])
def test_KP_10_a_producer_that_is_not_known_may_begin_anywhere(order):
    # Row 0 is refused for want of replicas and row 1 opens the sequence: row 0 does not fit any
    # more and fails after 120 s. Not so in a transaction.
    client = build(
        [0, 0, 200_000], uniform=[0.4] + [0.9] * 99, order=order,
        publisher={"poll_records": 2}, **ALONE,
    )  # fmt: skip
    client.fail_appends(0, 0.5)
    client.advance(300.0)
    if order == "produce":
        assert rows_in_log(client) == [1, 2]
        assert fate_names(client)[0] == "LOST_SEND_EXPIRED"
    else:
        assert rows_in_log(client) == [0, 1, 2]


def test_KP_10_a_sequence_with_a_batch_given_up_begins_anew():
    # Row 1 is stored, but its answer is lost and it fails before its retry: rows 2 and 3 go on.
    client = build(
        [0, 100, 400, 401], config=LIBRDKAFKA, enable_idempotence=True, delivery_timeout_ms=80,
        **ALONE,
    )  # fmt: skip
    client.advance(0.1)
    client.lose_acks(0, 1.0)
    client.advance(0.108)
    client.lose_acks(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3]
    assert client.status[1] == codes.FAILED
    assert client.state.partitions.epoch[0] == 1


def test_KP_11_idempotence_ends_with_the_session():
    # Stored and not committed; the next process is another producer to the broker.
    client = build(**ALONE)
    client.advance(0.006)
    client.sigkill(0.006)
    client.restart(0.050)
    client.advance(10.0)
    assert rows_in_log(client) == [0, 0]
    assert client.journal.session.tolist() == [1, 2]
    assert client.sent[0] == 2
