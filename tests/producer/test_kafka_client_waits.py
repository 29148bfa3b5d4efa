"""Where the time of a record went until it could be read, and which limits acted, by hand."""

import numpy as np
import pytest

from helpers.client_lab import ALONE, LIBRDKAFKA, build
from sim.engine.waits import TimePart


def parts(client, row=0):
    """Name and ms of each part of a row's time until it could be read."""
    journal = client.journal
    entered_s = journal.visible_s[np.repeat(np.arange(journal.n.size), journal.n)]
    first_s = np.full(client.rows, np.inf)
    np.minimum.at(first_s, journal.row, entered_s)
    parts_s = client.ways().sent_parts_s(row, row + 1, first_s[row : row + 1])[:, 0]
    return {part.name: pytest.approx(parts_s[part] * 1e3) for part in TimePart if parts_s[part]}


def test_a_record_lingers_and_is_on_its_way():
    client = build([0.0, 2.0], linger_ms=5, latency_ms=10.0)
    client.advance(1.0)
    assert parts(client) == {"BUFFER": 5.0, "SEND": 5.0}
    assert parts(client, 1) == {"BUFFER": 3.0, "SEND": 5.0}


def test_a_retry_is_on_its_way_and_not_in_the_buffer_again():
    # Refused at 5 ms, known at 10 ms, again after 100 ms of back-off: there at 115 ms.
    client = build(latency_ms=10.0, **ALONE)
    client.fail_appends(0, 1.0)
    client.advance(0.006)
    client.fail_appends(0, 0.0)
    client.advance(1.0)
    assert parts(client) == {"SEND": 115.0}
    assert client.state.limits.refused.times == 1


def test_a_broker_that_is_cut_off_is_not_reached_and_then_there_is_the_back_off():
    # What leaves at 10 ms is lost; that is seen at 400 ms, and sent again 100 ms later.
    client = build([10.0], latency_ms=10.0, **ALONE)
    client.broker_down(0, 0.0)
    client.advance(0.4)
    client.broker_up(0, 0.4)
    client.advance(2.0)
    assert parts(client) == {"UNREACHABLE": 390.0, "SEND": 105.0}


def test_a_broker_that_stands_still_is_not_reached_though_its_leader_stays():
    client = build([10.0], latency_ms=10.0, **ALONE)
    client.advance(0.012)
    client.pause_broker(0, 0.012)
    client.advance(0.3)
    client.resume_broker(0, 0.3)
    client.advance(1.0)
    assert parts(client) == {"UNREACHABLE": 288.0, "SEND": 2.0}


def test_another_leader_can_be_reached():
    client = build([10.0], latency_ms=10.0, brokers=2, **ALONE)
    client.broker_down(0, 0.0, reset=True)
    client.advance(0.1)
    client.move_leader(0, 1, 0.1)
    client.advance(1.0)
    assert parts(client) == {"UNREACHABLE": 90.0, "SEND": 5.0}


def test_a_process_that_is_off_keeps_its_input_waiting():
    client = build([10.0], latency_ms=10.0, **ALONE)
    client.sigkill(0.0)
    client.advance(0.5)
    client.restart(0.5)
    client.advance(1.0)
    assert parts(client) == {"NO_OWNER": 490.0, "SEND": 5.0}


def test_a_full_queue_of_librdkafka_gives_records_back():
    client = build(np.zeros(5), config=LIBRDKAFKA, queue_buffering_max_messages=3, linger_ms=50.0)
    client.advance(1.0)
    full, rejected = client.state.limits.full_records, client.state.limits.rejected
    assert (full.times, full.first_s, full.last_s) == (2, 0.0, 0.0)
    assert (rejected.times, client.state.limits.full_bytes.times) == (2, 0)


def test_a_full_buffer_of_java_makes_a_record_wait_and_is_met_once_for_each():
    # Batches of 1,000 B, one in flight, 2,000 B: row 2 has room at 10 ms, row 3 at 20 ms.
    client = build(
        np.zeros(4), size_bytes=900, batch_size=1_000, buffer_memory=2_000, linger_ms=0,
        latency_ms=10.0, max_in_flight=1,
    )  # fmt: skip
    client.advance(1.0)
    full = client.state.limits.full_bytes
    assert (full.times, full.first_s, full.last_s) == (2, 0.0, pytest.approx(0.01))
    assert client.state.limits.rejected.times == 0
    assert parts(client, 3) == {"BUFFER": 30.0, "SEND": 5.0}


def test_max_block_ms_gives_a_record_back():
    client = build(
        np.zeros(3), size_bytes=900, batch_size=1_000, buffer_memory=2_000, linger_ms=0,
        latency_ms=400.0, max_block_ms=100,
    )  # fmt: skip
    client.advance(2.0)
    rejected = client.state.limits.rejected
    assert (rejected.times, rejected.first_s) == (1, pytest.approx(0.1))


def test_a_delivery_that_is_overdue_and_an_answer_that_does_not_come():
    client = build([0.0], delivery_timeout_ms=300, request_timeout_ms=200, latency_ms=10.0, **ALONE)
    client.advance(0.001)
    client.broker_down(0, 0.001)
    client.advance(2.0)
    limits = client.state.limits
    assert (limits.overdue.times, limits.overdue.first_s) == (1, pytest.approx(0.2))
    assert (limits.expired.times, limits.expired.first_s) == (1, pytest.approx(0.3))


def test_batches_wait_for_one_request_in_flight():
    # Three records at once, an answer each 200 ms: the others leave at 200 and 400 ms.
    client = build(np.zeros(3), max_in_flight=1, batch_size=0, linger_ms=0, latency_ms=200.0)
    client.advance(2.0)
    crowded = client.state.limits.crowded
    assert (crowded.times, crowded.first_s, crowded.last_s) == (2, 0.0, pytest.approx(0.4))
    assert parts(client, 2) == {"BUFFER": 400.0, "SEND": 100.0}


@pytest.mark.parametrize(("linger_ms", "times"), [(50.0, 0), (150.0, 2)])
def test_only_a_long_linger_is_a_limit(linger_ms, times):
    client = build([0.0, 1_000.0], linger_ms=linger_ms)
    client.advance(2.0)
    assert client.state.limits.lingered.times == times
