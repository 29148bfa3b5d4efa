"""When a member will be free, if nothing changes. Hand-computed times."""

import numpy as np
import pytest

from helpers.group_lab import Lab
from sim.log import group_forecast_kernel as forecast


@pytest.mark.parametrize(
    ("reading", "free_s"),
    [
        ({}, 3.0),  # three records of 1 s
        ({"per_batch_s": 0.5}, 3.5),
        ({"auto_commit_s": -1.0, "commit_s": 0.2}, 3.2),
        ({"auto_commit_s": -1.0, "commit_s": 0.2, "wait": 0}, 3.0),
        ({"auto_commit_s": -1.0, "commit_s": 0.2, "per_record": 1}, 3.6),
        ({"auto_commit_s": -1.0, "commit_s": 0.2, "before": 1}, 3.2),
        ({"auto_commit_s": -1.0, "commit_s": 0.2, "before": 1, "per_record": 1}, 3.6),
    ],
)
def test_a_member_is_free_when_its_batch_is_done_and_committed(reading, free_s):
    lab = Lab(np.zeros(3), np.zeros(3), 1.0, **reading)
    lab.run(0.5)
    assert lab.group.free_s(0) == pytest.approx(free_s)
    lab.at(0.0, "pause", 0, 2.0).run(0.6)
    assert lab.group.free_s(0) == pytest.approx(free_s + 2.0)


def test_who_is_cut_off_is_not_free_before_it_knows_that_its_commit_got_through():
    program = {"auto_commit_s": -1.0, "commit_s": 0.2}
    lab = Lab(np.zeros(3), np.zeros(3), 1.0, **program).at(0.3, "cut_off", 0)
    lab.run(0.5)
    assert lab.group.free_s(0) == np.inf
    lab.at(9.5, "reconnect", 0).run(10.1)
    assert lab.group.free_s(0) == pytest.approx(10.2)


def test_who_is_too_long_without_a_poll_is_overdue():
    lab = Lab(np.zeros(3), np.zeros(3), 4.0, max_poll_s=10.0)
    lab.run(5.0)
    assert lab.group.overdue(9.9) == []
    assert lab.group.overdue(10.0) == [0]


def test_who_is_paused_while_it_commits_polls_when_it_goes_on():
    # Done with the first record at 1.0, it would poll at 1.2, and fail on the second then.
    lab = Lab(
        np.zeros(2), np.zeros(2), 1.0, auto_commit_s=-1.0, commit_s=0.2, max_poll_records=1,
        bad=[(1, False)],
    )  # fmt: skip
    lab.run(1.05)
    assert forecast.next_risk_s(lab.group.state) == pytest.approx(1.2)
    lab.at(0.05, "pause", 0, 2.0).run(1.15)
    assert forecast.next_risk_s(lab.group.state) == pytest.approx(3.1)
    assert lab.group.free_s(0) == pytest.approx(3.1)


def test_KC_03_who_is_paused_for_too_long_notices_when_it_goes_on():
    lab = Lab(np.zeros(3), np.zeros(3), 4.0, max_poll_s=10.0).at(5.0, "pause", 0, 20.0)
    lab.run(6.0)
    assert lab.group.overdue(24.9) == []
    assert lab.group.overdue(25.0) == [0]
    lab.run(26.0)
    assert lab.said == [(25.0, "consumer 0 exceeded max.poll.interval.ms")]
