"""When clients hear of partitions that are added (KB-16), by hand; `test_group` has the model."""

from math import inf

import numpy as np
import pytest

from helpers.group_lab import Lab
from sim.log import group_state as k
from sim.log.kafka_metadata import KnownPartitions, next_refresh_s
from sim.log.partition_counts import PartitionCounts


def test_a_client_asks_again_and_again_from_its_phase_on():
    assert [next_refresh_s(s, 100.0, 300.0) for s in (0.0, 100.0, 100.1, 399.9, 400.0, 401.0)] == [
        100.0, 100.0, 400.0, 400.0, 400.0, 700.0,
    ]  # fmt: skip
    assert next_refresh_s(5.0, 100.0, inf) == 100.0
    assert next_refresh_s(101.0, 100.0, inf) == inf


def test_what_falls_due_in_a_silence_is_asked_at_its_end():
    client = KnownPartitions(PartitionCounts(4, [(50.0, 6)]), 1, 30.0, [10.0])
    client.falls_silent(0, 45.0)
    client.wakes(0, 60.0)
    assert client.next_s(0, 60.0) == 70.0  # none fell due
    client.falls_silent(0, 65.0)
    client.wakes(0, 82.0)
    assert client.next_s(0, 82.0) == 82.0
    assert client.refresh(0, 82.0) and client.known == [6]
    assert client.next_s(0, 83.0) == 112.0 and not client.refresh(0, 112.0)


def test_a_new_client_knows_what_there_is():
    client = KnownPartitions(PartitionCounts(4, [(50.0, 6)]), 2, 30.0, [])
    client.start(1, 60.0)
    assert client.known == [4, 6] and client.next_s(1, 60.1) == 90.0


def grown(protocol, reset=k.LATEST, **terms):
    """From 20.5 s on a message a second to each of two partitions, one of them new; to the one that
    there is, before. Two members, which refresh their metadata first at 30.25 and 36.25 s."""
    created_s = np.concatenate([np.arange(0.0, 20.0), np.repeat(np.arange(21.0, 80.0), 2)])
    partition = np.concatenate([np.zeros(20, int), np.tile([0, 1], 59)])
    lab = Lab(
        created_s, partition, 0.01, partitions=2, protocol=protocol, reset=reset, added=[(20.5, 2)],
        terms={"metadata_s": 300.0, "refreshes_s": (30.25, 36.25), "rebalance_s": 0.0, **terms},
    )  # fmt: skip
    lab.created_s, lab.partition = created_s, partition
    return lab


def lost(lab, until_s=100.0):
    """Creation of the first and the last that is never processed."""
    gone_s = lab.created_s[np.isinf(lab.run(until_s))]
    return (gone_s.min(), gone_s.max()) if gone_s.size else None


@pytest.mark.parametrize(
    "protocol, terms, last_s",
    [
        # The leader asks at 30.25 s. It rebalances at once (cooperative), or when the other has
        # heard of it at its heartbeat, at 31 s.
        ("eager", {}, 31.0),
        ("cooperative", {}, 31.0),
        # The second member is not the leader, and what it sees does not count in Java.
        ("eager", {"refreshes_s": (40.25, 30.25)}, 41.0),
        # librdkafka: it does.
        ("eager", {"refreshes_s": (40.25, 30.25), "asks_anew": True}, 31.0),
    ],
)  # fmt: skip
def test_KB_16_latest_loses_what_came_before_the_leader_asked(protocol, terms, last_s):
    lab = grown(protocol, **terms)
    assert lost(lab) == (21.0, last_s)
    assert set(lab.partition[np.isinf(lab.run(100.5))]) == {1}


def test_KB_16_by_kip_848_the_next_heartbeat_of_any_member_is_enough():
    assert lost(grown("consumer")) in (None, (21.0, 21.0), (21.0, 22.0))


@pytest.mark.parametrize("protocol", ["eager", "cooperative", "consumer"])
def test_KB_16_earliest_loses_nothing(protocol):
    lab = grown(protocol, k.EARLIEST)
    assert lost(lab) is None
    assert max(lab.effects()) == 1


def test_KB_16_a_rebalance_before_the_leader_asks_gives_out_what_it_knows():
    lab = grown("eager")
    lab.at(24.0, "terminate", 1, 30.0).at(26.0, "restart", 1)
    assert lost(lab) == (21.0, 31.0)


def test_KB_16_a_leader_that_is_gone_leaves_it_to_the_next():
    """It ends at 24 s, and the other one leads, whose client asks at 36.25 s."""
    lab = grown("eager")
    lab.at(24.0, "terminate", 0, 30.0)
    assert lost(lab) == (21.0, 36.0)


def test_a_partition_that_is_not_there_yet_has_no_reader_and_needs_none():
    lab = grown("eager")
    lab.run(20.0)
    assert not lab.coordinator.orphans().any()
    assert lab.coordinator.useful == 1
    lab.run(22.0)
    assert lab.coordinator.orphans().tolist() == [False, True]
    assert lab.coordinator.useful == 2
    lab.run(60.0)
    assert not lab.coordinator.orphans().any()
