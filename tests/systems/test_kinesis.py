"""Kinesis: what a shard accepts and hands out, which shard a key is in, and who reads it."""

from hashlib import md5

from hypothesis import given
from hypothesis import strategies as st

from sim.systems.kinesis import shard_of_key


@given(st.text(max_size=20), st.integers(1, 50))
def test_a_key_is_in_the_shard_whose_range_holds_its_md5(key, shards):
    number = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
    ranges = [(-(-i * 2**128 // shards), -(-(i + 1) * 2**128 // shards)) for i in range(shards)]
    (expected,) = [i for i, (first, stop) in enumerate(ranges) if first <= number < stop]
    assert shard_of_key(key, shards) == expected
