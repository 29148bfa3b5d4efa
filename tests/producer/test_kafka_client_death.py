"""How a process ends, and what its client leaves in the log (LP-01, LP-04 to LP-06)."""

import numpy as np
import pytest

from helpers.client_lab import LIBRDKAFKA, build, fate_names
from helpers.death_table import BROKERS, DEATH_TABLE, PARTITIONS, RECORDS, How
from sim.engine.outcome import Fate


def test_LP_01_remaining_counts_what_is_neither_acknowledged_nor_failed():
    # Sent at 5 ms, acknowledged at 15 ms; then six more behind a broker that cannot be reached.
    created_ms = [0, 0, 0, 100, 110, 120, 130, 140, 150]
    client = build(created_ms, grid_ms=[0, 14.9, 15, 105, 145, 155, 1_000])
    client.advance(0.05)
    client.broker_down(0, 0.05)
    client.advance(1.0)
    client.finish(1.0)
    assert client.grid_remaining.tolist() == [3, 3, 0, 1, 5, 6, 6]
    assert client.remaining == 6


def end_as(row):
    """The model's process that ended as a row of the table says; records in the log after it."""
    client = build(
        np.zeros(RECORDS),
        np.arange(RECORDS) % PARTITIONS,
        partitions=PARTITIONS,
        brokers=BROKERS,
        config=LIBRDKAFKA,
        process_ms=0.0005,  # as fast as Python calls produce()
        latency_ms=0.2,
        linger_ms=row.linger_ms,
        teardown_s=row.teardown_ms / 1e3,
    )
    at_s = RECORDS * 0.5e-6 + 1e-9 + row.kill_after_ms / 1e3
    client.advance(at_s)
    assert client.position == RECORDS
    match row.how:
        case How.EXIT:
            client.exit_normally(at_s)
        case How.EXIT_ATEXIT_FLUSH:
            client.exit_normally(at_s, atexit_flush=True)
        case How.FLUSH_EXIT:
            client.exit_normally(at_s, flush=True)
        case How.SIGTERM | How.SIGTERM_ATEXIT_FLUSH:
            client.sigterm(at_s, 30.0, handlers=False)
        case How.SIGTERM_HANDLER_FLUSH:
            client.sigterm(at_s, 30.0, handlers=True)
        case How.SIGKILL:
            client.sigkill(at_s)
    client.advance(60.0)
    assert not client.alive
    return int(client.appends().sum())


@pytest.mark.parametrize("row", DEATH_TABLE, ids=str)
def test_LP_04_what_a_process_leaves_in_the_log_when_it_ends(row):
    in_log = end_as(row)
    assert row.min_in_log <= in_log <= row.max_in_log
    assert in_log in (0, RECORDS)


def test_LP_04_a_normal_exit_of_java_sends_nothing_more():
    client = build(np.zeros(10), linger_ms=5)
    client.advance(0.001)
    client.exit_normally(0.001)
    client.advance(1.0)
    assert client.appends().sum() == 0


def test_LP_04b_the_time_of_a_kill_decides_what_is_in_the_log():
    # The first batch begins with its first record and leaves 5 ms later; half of 2 ms on its way.
    # By then 2,500 of 6,000 records are made, one every 2 us; the next leaves 5 ms later.
    def in_log(at_ms):
        client = build(
            np.zeros(6_000), config=LIBRDKAFKA, process_ms=0.002, latency_ms=2, linger_ms=5
        )
        client.advance(at_ms / 1e3)
        client.sigkill(at_ms / 1e3)
        client.advance(1.0)
        return int(client.appends().sum())

    found = [in_log(at_ms) for at_ms in (4, 5.9, 6.1, 10.9, 11.1, 12)]
    np.testing.assert_allclose(found, [0, 0, 2_500, 2_500, 5_000, 5_000], atol=1)


def loss_of_a_kill(unreachable_ms):
    """Of 10,000 records a second, committed every 100 ms; killed at 5 s, back at 6 s."""
    client = build(
        np.arange(100_000) * 0.1, latency_ms=4, publisher={"auto.commit.interval.ms": 100}
    )
    down_s = 5.0 - unreachable_ms / 1e3
    client.advance(down_s)
    if unreachable_ms:
        client.broker_down(0, down_s)
    client.advance(5.0)
    client.sigkill(5.0)
    client.broker_up(0, 5.0)
    client.advance(6.0)
    client.restart(6.0)
    client.advance(20.0)
    assert client.settled
    lost = client.fates() == Fate.LOST_PRODUCER_BUFFER
    assert (lost | (client.appends() > 0)).all()
    return int(lost.sum())


def test_LP_04b_a_crash_costs_linger_and_round_trip_and_a_backlog_costs_all_of_it():
    # At most 10,000/s x (5 + 4 ms); with a broker unreachable for 2 s, all but what was sent since
    # the last commit, which the next process reads again.
    assert 0 <= loss_of_a_kill(0) <= 90
    assert 20_000 - 1_000 <= loss_of_a_kill(2_000) <= 20_000 + 90


def test_LP_06_sigterm_with_a_handler_saves_what_fits_into_the_grace_period():
    # The broker answers after 2 s: within a grace period of 3 s, not of 1.5 s.
    for grace_s, in_log, committed in ((3.0, 100, 100), (0.5, 0, 0)):
        client = build(np.zeros(100), latency_ms=2_000)
        client.advance(0.001)
        client.sigterm(0.001, grace_s, handlers=True)
        client.advance(10.0)
        assert not client.alive
        assert client.appends().sum() == in_log
        assert client.committed == committed


def test_sigterm_finishes_what_was_polled_and_polls_no_more():
    # Polls of 4 rows, 1 ms each, at 0 and 4 ms; the signal at 5.5 ms; flushed from 8 ms on.
    client = build(np.zeros(20), process_ms=1, publisher={"poll_records": 4}, commit_s=0.002)
    client.advance(0.0055)
    client.sigterm(0.0055, 30.0, handlers=True)
    client.advance(0.0185)
    assert client.committed == 0
    client.advance(0.0195)
    assert (client.position, client.committed, client.alive) == (8, 8, True)
    client.advance(1.0)
    assert (client.position, client.committed, client.alive) == (8, 8, False)
    assert fate_names(client) == ["UNFINISHED"] * 20


@pytest.mark.parametrize("handlers", [True, False])
def test_sigint_runs_the_hooks_of_atexit(handlers):
    client = build(np.zeros(10), config=LIBRDKAFKA, linger_ms=1_000)
    client.advance(0.001)
    client.sigint(0.001, handlers, atexit_flush=True)
    client.advance(5.0)
    assert not client.alive
    assert client.appends().sum() == 10
    assert client.committed == (10 if handlers else 0)  # the hook knows nothing of offsets
