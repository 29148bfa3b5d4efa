"""Kafka's assignors: examples of its own tests, and what holds for any group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.log.kafka_assignors import (
    ASSIGNORS,
    assign_range,
    assign_roundrobin,
    assign_sticky,
    assign_uniform,
)


@pytest.mark.parametrize(
    ("partitions", "members", "expected"),
    [
        (3, 2, [[0, 1], [2]]),
        (12, 5, [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9], [10, 11]]),
        (2, 3, [[0], [1], []]),
        (3, 0, []),
    ],
)
def test_KC_08_range(partitions, members, expected):
    assert assign_range(partitions, [[]] * members) == expected


def test_KC_08_roundrobin_deals_partitions_in_turn():
    assert assign_roundrobin(5, [[]] * 2) == [[0, 2, 4], [1, 3]]
    assert assign_roundrobin(2, [[0, 1], [], []]) == [[0], [1], []]


@pytest.mark.parametrize(
    ("partitions", "had", "expected"),
    [
        # AbstractStickyAssignorTest, the partitions of its topics numbered on: from the start…
        (6, [[], []], [[0, 2, 4], [1, 3, 5]]),
        (7, [[], []], [[0, 2, 4, 6], [1, 3, 5]]),
        # …testAddRemoveConsumerOneTopic…
        (3, [[0, 1, 2], []], [[0, 1], [2]]),
        (3, [[2]], [[2, 0, 1]]),
        # …testConsumerOwningMinQuotaExpectedMaxQuota, testMaxQuotaConsumerMoreThan… (where the
        # hash map comes upon the second consumer first), testAllConsumersAreUnderMinQuota.
        (5, [[0, 3], [1, 4]], [[0, 3, 2], [1, 4]]),
        (4, [[1, 3], [0, 2], []], [[1, 3], [0], [2]]),
        (5, [[0], [1], []], [[0, 3], [1, 4], [2]]),
    ],
)
def test_KC_08_sticky(partitions, had, expected):
    assert assign_sticky(partitions, had) == expected


@pytest.mark.parametrize(
    ("partitions", "had", "expected"),
    [
        # UniformHomogeneousAssignmentBuilderTest: unbalanced before, one added, one removed.
        (6, [[0, 1, 3, 4], [2, 5]], [{0, 1, 3}, {2, 4, 5}]),
        (6, [[0, 2, 3], [1, 4, 5], []], [{0, 2}, {1, 4}, {3, 5}]),
        (6, [[0, 3], [1, 4]], [{0, 3, 2}, {1, 4, 5}]),
        # Of 4.0: the first members may have one more, and are filled one after the other.
        (5, [[], []], [{0, 1, 2}, {3, 4}]),
        (2, [[], [], []], [{0}, {1}, set()]),
    ],
)
def test_KC_08_uniform(partitions, had, expected):
    assert [set(x) for x in assign_uniform(partitions, had)] == expected


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_KC_08_all_is_given_evenly_and_the_sticky_ones_move_no_more_than_needed(seed):
    rng = np.random.default_rng(seed)
    partitions, members = int(rng.integers(1, 20)), int(rng.integers(1, 9))
    owner = rng.integers(-1, members, partitions)  # -1: nobody's
    had = [np.flatnonzero(owner == m).tolist() for m in range(members)]
    least, over = divmod(partitions, members)
    for name, assign in ASSIGNORS.items():
        result = assign(partitions, had)
        assert sorted(p for own in result for p in own) == list(range(partitions)), name
        sizes = sorted(map(len, result))
        assert sizes == [least] * (members - over) + [least + 1] * over, name
    for name in ("sticky", "cooperative-sticky"):
        result = ASSIGNORS[name](partitions, had)
        kept = sum(len(set(a) & set(b)) for a, b in zip(had, result, strict=True))
        # The best: everyone keeps the least count of what it had, `over` of them one more.
        most = sum(min(len(a), least) for a in had)
        assert kept == most + min(over, sum(len(a) > least for a in had)), name
        assert ASSIGNORS[name](partitions, result) == [sorted(own) for own in result]
