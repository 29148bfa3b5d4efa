"""What faults and autoscalers are told of a group, whoever shares out its partitions."""

import numpy as np

from helpers.group_lab import Lab


def test_backlog_is_what_is_not_committed_and_age_the_wait_of_its_oldest():
    # Records at 1 to 4 s of 2 s each, committed one by one: at 4.5 s one is.
    lab = Lab(
        [1.0, 2.0, 3.0, 4.0], np.zeros(4), 2.0, max_poll_records=1, auto_commit_s=-1.0, commit_s=0.0
    )  # fmt: skip
    lab.run(4.5)
    fleet = lab.coordinator
    assert (fleet.backlog(), fleet.age_s(), fleet.busy()) == (3, 2.5, 1)
    lab.run(20.0)
    assert (fleet.backlog(), fleet.age_s(), fleet.busy()) == (0, 0.0, 0)


def test_a_partition_is_an_orphan_while_nobody_who_runs_and_is_connected_reads_it():
    lab = Lab([100.0], [0], 0.1)
    lab.at(10.0, "cut_off", 1).at(20.0, "reconnect", 1).at(30.0, "pause", 1, 5.0)
    orphans = []
    for at_s in (5.0, 15.0, 25.0, 33.0, 40.0):
        lab.run(at_s)
        orphans.append(lab.coordinator.orphans().tolist())
    assert orphans == [[False, False], [False, True], [False, False], [False, True], [False, False]]


def test_each_process_is_another_life():
    lab = Lab([100.0], [0], 0.1)
    assert lab.coordinator.size == 2
    lives = [lab.coordinator.life(1)]
    lab.at(10.0, "crash", 1).at(20.0, "restart", 1)
    for at_s in (15.0, 25.0):
        lab.run(at_s)
        lives.append(lab.coordinator.life(1))
    assert lives[0] != lives[1]
    assert lab.coordinator.life(0) == lives[0]


def test_a_seek_tells_how_much_was_asked_for_and_how_much_of_it_is_gone():
    lab = Lab(np.arange(20.0), np.zeros(20), 0.1)
    lab.run(10.5)
    lab.topic.log.first[0] = 4
    lab.group.deleted(10.5)
    assert lab.coordinator.seek(2.0) == (9, 2, 0)
    lab.run(12.0)
    assert lab.effects()[:6] == [1, 1, 1, 1, 2, 2]
