"""What is done to consumers and workers: each fault by itself."""

from math import inf

from helpers.fault_lab import felt


def test_each_kind_does_what_it_says_for_as_long_as_it_says():
    log, events = felt(
        {"at": 10, "fault": "crash", "target": "a.g.1", "restart_after": 5},
        {"at": 20, "fault": "pause", "target": "a.g.0", "for": 3},
        {"at": 30, "fault": "partition", "target": "a.g.2", "for": 4},
        {"at": 40, "fault": "terminate", "target": "a.g.0", "restart_after": 6},
    )
    assert log == [
        (10, "crash", 1), (15, "restart", 1), (20, "pause", 0, 3), (30, "cut", 2),
        (34, "reconnect", 2), (40, "terminate", 0), (42, "gone", 0), (48, "restart", 0),
    ]  # fmt: skip
    assert events == [
        (10, 15, "crash g 1"), (20, 23, "pause g 0"), (30, 34, "partition g 2"),
        (40, 46, "terminate g 0"),
    ]  # fmt: skip


def test_a_slow_down_can_come_on_by_and_by():
    ramp = {"at": 10, "fault": "slow", "target": "a.g.0", "factor": 3, "ramp": 20, "for": 50}
    log, _ = felt(ramp)
    assert log[0] == (11, "slow", 0, 1.1)
    assert log[19] == (30, "slow", 0, 3.0)
    assert log[20] == (60, "slow", 0, 1.0)
    assert len(log) == 21


def test_a_place_is_filled_by_a_restart_if_it_is_empty():
    log, events = felt(
        {"at": 10, "fault": "crash", "target": "a.g.1"},
        {"at": 20, "fault": "restart", "target": "a.g.*"},
    )
    assert log == [(10, "crash", 1), (20, "restart", 1)]
    assert events == [(10, inf, "crash g 1"), (20, 20, "restart g (all 3)")]


def test_the_timeline_says_how_many_of_a_group_are_struck():
    def said(target, size):
        _, events = felt({"at": 1, "fault": "pause", "target": target, "for": 2}, size=size)
        return [text for *_, text in events]

    assert said("a.g.*", 1) == ["pause g"]
    assert said("a.g.2", 3) == ["pause g 2"]
    assert said("a.g.[01]", 3) == ["pause g (2 of 3)"]
    assert said("a.g.*", 3) == ["pause g (all 3)"]


def test_a_slow_down_is_told_with_its_factor():
    _, events = felt({"at": 1, "fault": "slow", "target": "a.g.0", "factor": 2.5, "for": 9})
    assert events == [(1, 10, "slow x2.5 g 0")]


def test_faults_of_one_kind_that_overlap_end_with_the_last_of_them():
    log, _ = felt(
        {"at": 10, "fault": "slow", "target": "a.g.0", "factor": 2, "for": 10},
        {"at": 15, "fault": "slow", "target": "a.g.0", "factor": 3, "for": 20},
        {"at": 100, "fault": "partition", "target": "a.g.1", "for": 5},
        {"at": 101, "fault": "partition", "target": "a.g.1", "for": 25},
    )
    assert log == [
        (10, "slow", 0, 2.0), (15, "slow", 0, 6.0), (20, "slow", 0, 3.0), (35, "slow", 0, 1.0),
        (100, "cut", 1), (101, "cut", 1), (126, "reconnect", 1),
    ]  # fmt: skip
