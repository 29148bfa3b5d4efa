"""Which shard has a hash key, and when; which shards a child comes of."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.log.kinesis_lineage import KEYS, Lineage


def test_KN_13_twice_as_many_shards_split_each_and_half_as_many_merge_two():
    lineage = Lineage(2, [(10.0, 4), (20.0, 2)])
    assert [shard.parents for shard in lineage.shards] == [
        (), (), (0,), (0,), (1,), (1,), (2, 3), (4, 5),
    ]  # fmt: skip
    assert [shard.closed_s for shard in lineage.shards] == [10.0] * 2 + [20.0] * 4 + [np.inf] * 2
    assert [shard.opened_s for shard in lineage.shards] == [-np.inf] * 2 + [10.0] * 4 + [20.0] * 2
    assert lineage.children(0) == [2, 3] and lineage.children(4) == [7]
    assert lineage.closing == [0, 1, 2, 3, 4, 5] and lineage.most == 4


def test_what_stays_as_it_is_is_no_change():
    assert not Lineage(3, [(5.0, 3)]).changes
    lineage = Lineage(1, [(5.0, 2), (6.0, 2)])
    assert lineage.changes and lineage.from_s.tolist() == [-np.inf, 5.0] and lineage.most == 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 6),
    st.lists(st.integers(1, 9), max_size=4),
    st.integers(0, KEYS - 1),
    st.floats(-1, 50),
)
def test_KN_13_at_any_time_one_shard_has_a_key_and_its_parents_had_it(first, counts, key, at_s):
    changes = [(10.0 * (i + 1), n) for i, n in enumerate(counts)]
    lineage = Lineage(first, changes)
    has = [
        p
        for p, shard in enumerate(lineage.shards)
        if shard.first <= key < shard.stop and shard.opened_s <= at_s < shard.closed_s
    ]
    epoch = np.searchsorted(lineage.from_s, at_s, side="right") - 1
    assert has == [lineage.route[epoch, lineage.cell(key)]]
    (shard,) = has
    # How many there are then, and which of them it is, from the numbers alone.
    n = [first, *counts][sum(at_s >= change_s for change_s, _ in changes)]
    its = lineage.shards[shard]
    assert its.first == -(-(key * n // KEYS) * KEYS // n)
    if its.parents:
        before = [p for p in its.parents if lineage.shards[p].first <= key < lineage.shards[p].stop]
        assert len(before) == 1 and lineage.shards[before[0]].closed_s == its.opened_s
    parts = [lineage.part(shard, k, 4) for k in (its.first, key, its.stop - 1)]
    assert parts[0] == 0 and parts[2] == 3 and parts == sorted(parts)
