"""A group's kernel in pieces: an end, or an error that says which member stands still."""

import numpy as np
import pytest

from helpers import group_lab
from sim.engine import pace
from sim.engine.pace import StandstillError
from sim.log import group_pace


def reading(**how):
    """Two members of two partitions, the second of which gets a record that never comes."""
    lab = group_lab.Lab([0.0, 0.0, 1e6], [0, 0, 1], 0.25, **how)
    lab.topic.advance(0.0)
    for m in (0, 1):
        lab.group.reassign(m, [m], 0.0)
    return lab.group


def test_a_member_that_asks_without_end_is_named(monkeypatch):
    monkeypatch.setattr(pace, "MOST_STILL", 1)
    group = reading(min_records=2, max_wait_s=0.0)
    with pytest.raises(StandstillError) as found:
        group.advance(1.0)
    assert str(found.value).startswith(
        "a consumer group stands still at 0.5 s: 262,144 steps, and no time goes on; member 0 polls"
        "; it reads partitions [0], and is at offsets [2]. Do durations of 0"
    )


def test_one_that_commits_often_while_it_waits_gets_on(monkeypatch):
    monkeypatch.setattr(group_pace, "STEPS", 5)
    monkeypatch.setattr(pace, "STEPS", 1 << 20)
    group = reading(auto_commit_s=0.001)
    group.advance(3.0)
    assert np.asarray(group.state.members.next_commit_s).tolist() == pytest.approx([3.001] * 2)
    assert group.done_s[:2].tolist() == [0.25, 0.5]
