"""How often a limit acted on a group, when, and on whom."""

from helpers.group_lab import Lab
from sim.log import acts


def acted(group):
    """(what, target, times, first, last) of each, s."""
    return [
        (what, target, its.times, round(its.first_s, 6), round(its.last_s, 6))
        for what, of in group.standing.acts.of.items()
        for target, its in of.items()
    ]


def test_each_is_counted_by_whom_it_struck():
    these = acts.GroupActs()
    these.note(acts.SESSION, 1.0, 5.0, target="consumer 1")
    these.note(acts.SESSION, 0.5, 4.0, target="consumer 1")
    these.note(acts.AGAIN, 2.0, 2.0, times=7)
    one, other = these.of[acts.SESSION]["consumer 1"], these.of[acts.AGAIN][""]
    assert (one.times, one.first_s, one.last_s) == (2, 0.5, 5.0)
    assert (other.times, other.first_s, other.last_s) == (7, 2.0, 2.0)


def test_KC_04_a_session_that_ends_and_what_was_not_committed():
    # Two records are done when it is killed at 2.5; heard at 1, its session ends at 46.
    lab = Lab([0.0] * 4, [0] * 4, 1.0, auto_commit_s=-1.0)
    lab.at(2.5, "crash", 0)
    lab.run(60.0)
    assert acted(lab.group) == [
        (acts.AGAIN, "", 2, 2.5, 2.5),
        (acts.SESSION, "consumer 0", 1, 2.5, 46.0),
    ]


def test_KC_03_a_batch_that_outlasts_the_longest_time_between_two_polls():
    lab = Lab([1.0], [0], 30.0, terms={"max_poll_s": 10.0}, max_poll_s=10.0)
    lab.run(12.0)
    assert acted(lab.group) == [(acts.MAX_POLL, "consumer 0", 1, 11.0, 11.0)]


def test_KC_18_back_offs_and_the_last_attempt():
    failing = {"attempts": 3, "backoff": 2.0, "then": "skip"}
    lab = Lab([0.0], [0], 1.0, bad=[(0, False)], on_failure=failing)
    lab.run(20.0)
    assert acted(lab.group) == [
        (acts.BACKOFF, "consumer 0", 2, 1.0, 6.0),
        (acts.ATTEMPTS, "consumer 0", 1, 7.0, 7.0),
    ]
