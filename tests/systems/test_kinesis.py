"""Kinesis: which shard a key is in, and what becomes of what is sent."""

from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.fault_lab import scenario, setup
from sim.systems import kinesis
from sim.systems.kinesis import Kinesis, shard_of_key


@given(st.text(max_size=20), st.integers(1, 50))
def test_a_key_is_in_the_shard_whose_range_holds_its_md5(key, shards):
    number = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
    ranges = [(-(-i * 2**128 // shards), -(-(i + 1) * 2**128 // shards)) for i in range(shards)]
    (expected,) = [i for i, (first, stop) in enumerate(ranges) if first <= number < stop]
    assert shard_of_key(key, shards) == expected


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
