"""Each thing that must hold of a client, broken once."""

import numpy as np
import pytest

from helpers.client_lab import build
from sim.producer import kafka_client_codes as codes
from sim.producer import kafka_client_kernel as k


def running():
    """A client that has stored three of ten records, a second apart."""
    client = build(created_ms=np.arange(10) * 1e3, linger_ms=0)
    client.advance(2.5)
    assert client.position == 3 and client.journal.append_s.size == 3
    return client


@pytest.mark.parametrize(
    ("part", "field", "value", "complaint"),
    [
        ("app", "committed_to", 11, "beyond its input is committed"),
        ("app", "position", 11, "beyond its input"),
        ("records", "remaining", -5, "fewer than no records"),
        ("journal", "entries", 40, "a batch without records was stored"),
    ],
)
def test_what_cannot_be_ends_the_run(part, field, value, complaint, monkeypatch):
    client = running()

    def broken(until_s, state, most):
        setattr(getattr(state, part), field, value)
        return codes.DONE

    monkeypatch.setattr(k, "publish", broken)
    with pytest.raises(AssertionError, match=complaint):
        client.advance(3.5)


@pytest.mark.parametrize(
    ("part", "field", "what"),
    [
        ("app", "committed_to", "committed"),
        ("journal", "entries", "entries"),
        ("journal", "rows", "rows"),
    ],
)
def test_what_is_committed_or_stored_stays_so(part, field, what, monkeypatch):
    client = running()
    client.state.app.committed_to = 3

    def broken(until_s, state, most):
        setattr(getattr(state, part), field, getattr(getattr(state, part), field) - 1)
        return codes.DONE

    monkeypatch.setattr(k, "publish", broken)
    with pytest.raises(AssertionError, match=f"{what} went back"):
        client.advance(3.5)


def test_what_was_acknowledged_was_stored_but_with_acks_0():
    client = running()
    client.finish(2.5)
    client.state.journal.row[1] = 0
    with pytest.raises(AssertionError, match="acknowledged and never stored"):
        client.finish(2.5)
    silent = build(created_ms=np.arange(10) * 1e3, linger_ms=0, acks=0)
    silent.advance(2.5)
    silent.state.journal.row[1] = 0
    silent.finish(2.5)


@pytest.mark.parametrize("ends", ["finish", "sigkill"])
def test_no_batch_is_answered_or_queued_twice(ends):
    client = running()
    client.state.partitions.in_flight[0] = -1
    with pytest.raises(AssertionError, match="fewer than no batches in flight"):
        getattr(client, ends)(2.5)
    client = running()
    client.state.partitions.queues += 1
    with pytest.raises(AssertionError, match="queues that there are not"):
        getattr(client, ends)(2.5)


def test_brokers_store_in_order_of_time():
    client = running()
    client.state.journal.append_s[1] = 9.0
    with pytest.raises(AssertionError, match="brokers' time went back"):
        client.finish(2.5)
