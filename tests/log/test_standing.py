"""When partitions stood still, by hand."""

import numpy as np

from helpers.alone import advance, alone
from models.plain_log import Settings
from sim.log.standing import BACKOFF, NO_OWNER, RUNS, PartitionStanding


def stood(group, how):
    """(partition, from, until) of the stretches."""
    found = group.standing.stretches(group.state, how)
    if found is None:
        return []
    partition = np.repeat(np.arange(found.first.size - 1), np.diff(found.first))
    ends_s = np.round([found.from_s, found.until_s], 9).T.tolist()
    return [(int(p), *ends) for p, ends in zip(partition, ends_s, strict=True)]


def lab(members=2, partitions=3):
    s = Settings(members=members, partitions=partitions)
    topic, group = alone(s, np.zeros(0), 1.0)
    return lambda at_s: advance((topic, group), at_s), group


def test_a_partition_stands_while_its_owner_is_gone_paused_cut_off_or_held():
    to, group = lab()
    to(1.0)
    group.crash(1, 1.0)  # which has partition 1
    to(2.0)
    group.pause(0, 2.0, 1.5)
    to(4.0)
    group.cut_off(0)
    to(5.0)
    group.reconnect(0, 5.0)
    group.hold(0, 5.0)
    to(6.0)
    group.reassign(0, [0, 1, 2], 6.0)
    to(7.0)
    group.reassign(0, [0, 1], 7.0)
    to(8.0)
    ends = [(2.0, 3.5), (4.0, 5.0), (5.0, 6.0)]
    assert stood(group, NO_OWNER) == [
        *((0, *end) for end in ends),
        (1, 1.0, 6.0),
        *((2, *end) for end in ends),
        (2, 7.0, np.inf),
    ]
    assert stood(group, BACKOFF) == []


def test_a_back_off_goes_on_after_a_pause_and_ends_with_the_member():
    to, group = lab(1, 1)
    to(1.0)
    group.go_on(0, 3.0)  # as after a failure at 1
    group.state.members.back_s[0] = 3.0
    group.standing.note(group.state, 0, 1.0)
    to(1.5)
    group.pause(0, 1.5, 0.5)
    to(2.5)
    group.crash(0, 2.5)
    to(4.0)
    assert stood(group, BACKOFF) == [(0, 1.0, 1.5), (0, 2.0, 2.5)]
    assert stood(group, NO_OWNER) == [(0, 1.5, 2.0), (0, 2.5, np.inf)]


def test_how_long_it_stood_and_one_was_idle_is_summed_and_kept_when_the_rest_is_forgotten():
    to, group = lab()  # nothing to do: both are idle from 0 on
    for at_s, how in ((1.0, NO_OWNER), (3.0, RUNS), (4.0, NO_OWNER), (9.0, RUNS), (11.0, NO_OWNER)):
        group.standing.becomes(1, how, at_s)
    to(20.0)
    whole = group.standing.stretches(group.state, NO_OWNER)
    assert whole.sum_s.tolist() == whole.idle_sum_s.tolist() == [0.0, 2.0, 7.0]
    assert whole.idle_from_s.tolist() == [1.0, 4.0, 11.0]
    assert whole.idle_until_s.tolist() == [3.0, 9.0, np.inf]
    group.standing.forget(5.0, np.zeros(3, np.int64))
    kept = group.standing.stretches(group.state, NO_OWNER)
    assert [column.tolist() for column in kept[1:]] == [column[1:].tolist() for column in whole[1:]]
    assert kept.first.tolist() == [0, 0, 2, 2]


def test_what_is_told_of_the_past_does_not_overlap():
    standing = PartitionStanding(1, 1)
    standing.becomes(0, NO_OWNER, 2.0, 5.0)
    standing.becomes(0, RUNS, 7.0)
    standing.becomes(0, NO_OWNER, 4.0)  # which is known only now
    group = lab(2, 1)[1]
    group.standing = standing
    assert stood(group, NO_OWNER) == [(0, 2.0, 5.0), (0, 5.0, np.inf)]
