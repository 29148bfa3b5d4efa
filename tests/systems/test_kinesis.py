"""Kinesis: which shard a key is in, and what becomes of what is sent."""

from hashlib import md5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.fault_lab import scenario, setup
from sim.engine.outcome import Fate
from sim.engine.waits import TimePart
from sim.systems import kinesis
from sim.systems.kinesis import Kinesis, shard_of_key


@given(st.text(max_size=20), st.integers(1, 50))
def test_a_key_is_in_the_shard_whose_range_holds_its_md5(key, shards):
    number = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
    ranges = [(-(-i * 2**128 // shards), -(-(i + 1) * 2**128 // shards)) for i in range(shards)]
    (expected,) = [i for i, (first, stop) in enumerate(ranges) if first <= number < stop]
    assert shard_of_key(key, shards) == expected


def test_where_the_time_of_a_record_went_until_its_application_had_it():
    # Calls of 500 leave at once, for a shard that takes 1,000 at once: the others come again.
    streams = {
        "product": "kinesis", "stream": {"ShardCount": 1},
        "producer": {"RateLimit": 1_000},
        "latency": {"put": "20 ms", "push": "70 ms"},
        "applications": {"g": {"workers": 1, "does": ["work"]}},
    }  # fmt: skip
    of = scenario(duration=1.0, rate=3_000.0, systems={"a": streams})
    built = Kinesis(setup("a", of), of.systems["a"])
    assert built.refused > 100
    created_s = built.setup.messages.created_s
    entered_s = built.groups["g"].topic.to_messages(built.groups["g"].topic.log.visible_s, np.inf)
    parts_s = built.sent.sent_parts_s(0, entered_s.size, entered_s)
    np.testing.assert_allclose(parts_s.sum(axis=0), entered_s - created_s, atol=1e-9)
    buffer_s, send_s, ceiling_s, call_s = parts_s[
        [TimePart.BUFFER, TimePart.SEND, TimePart.CEILING, TimePart.CALL]
    ]
    np.testing.assert_allclose(send_s, 0.020, atol=1e-6)
    assert buffer_s.min() >= 0 and buffer_s.max() < 0.2
    held = ceiling_s > 1e-6
    assert 100 < np.count_nonzero(held) <= built.refused
    assert ceiling_s[:900].max() < 1e-6 and call_s.min() > 0.0699
    # A record that was refused once is back after a trip of 20 ms, and waits half of 100 ms.
    assert ceiling_s[held].min() == pytest.approx(0.070, abs=1e-6)


def limits_of(rate, **producer):
    """Key and what is said besides, of what limited a producer with one shard in four seconds."""
    streams = {
        "product": "kinesis", "stream": {"ShardCount": 1}, "producer": producer,
        "latency": {"put": "20 ms"},
        "applications": {"g": {"workers": 1, "does": ["work"]}},
    }  # fmt: skip
    of = scenario(duration=4.0, rate=rate, systems={"a": streams})
    built = Kinesis(setup("a", of), of.systems["a"])
    return built, {limit.key: limit for limit in built.sending_limits()}


def test_limits_of_a_shard_and_of_its_producer():
    assert limits_of(500.0)[1] == {}
    built, limits = limits_of(1_400.0, RateLimit=1_000)
    assert set(limits) == {"ShardCount"}
    assert limits["ShardCount"].times == built.refused
    assert limits["ShardCount"][1:4] == ("stream.ShardCount", "1", "shard 0")
    # With a limit of its own below the shard's, nothing is refused, and what waits 2 s is gone.
    built, limits = limits_of(2_000.0, RateLimit=50, RecordTtl=1_000)
    assert set(limits) == {"RateLimit", "RecordTtl"} and built.refused == 0
    assert limits["RateLimit"].value == "50" and limits["RecordTtl"].value == "1000"
    assert limits["RecordTtl"].times == np.count_nonzero(built.lost == Fate.LOST_SEND_EXPIRED)


def test_a_record_that_is_neither_appended_nor_given_up_ends_the_run(monkeypatch):
    streams = {
        "product": "kinesis", "stream": {"ShardCount": 2},
        "applications": {"g": {"workers": 1, "does": ["work"]}},
    }  # fmt: skip
    of = scenario(duration=10.0, systems={"a": streams})
    Kinesis(setup("a", of), of.systems["a"])
    whole = kinesis.k.put
    monkeypatch.setattr(kinesis.k, "put", lambda rows, *rest: whole(rows[:-1], *rest))
    with pytest.raises(AssertionError, match="lost a record"):
        Kinesis(setup("a", of), of.systems["a"])
