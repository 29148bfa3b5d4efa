"""The time that is left, from the work that is done."""

from sim.studies.time_left import TimeLeft


def test_it_is_not_said_too_soon():
    left = TimeLeft([1.0] * 10)
    assert left.seconds(0.0) is None
    for there, now_s in ((0, 0.0), (1, 30.0), (2, 31.0)):
        left.told(there, now_s)
        assert left.seconds(now_s) is None


def test_the_start_and_what_was_kept_do_not_count():
    left = TimeLeft([1.0] * 14)
    left.told(4, 0.0)  # kept from earlier
    left.told(6, 60.0)  # most of it was the start of processes
    left.told(9, 66.0)
    assert left.seconds(66.0) == 5 * 2.0
    assert left.seconds(70.0) == 6.0
    assert left.seconds(1e9) == 0.0


def test_runs_count_by_their_work():
    left = TimeLeft([1.0, 1.0, 1.0, 1.0, 10.0, 10.0])
    for there, now_s in ((0, 0.0), (2, 2.0), (3, 3.0), (4, 4.0)):
        left.told(there, now_s)
    assert left.seconds(4.0) == 20.0
    left.told(6, 24.0)
    assert left.seconds(24.0) == 0.0


def test_what_is_done_with_all_of_them_counts():
    left = TimeLeft([1.0] * 6, after_s=5.0)
    for there, now_s in ((0, 0.0), (2, 2.0), (4, 4.0)):
        left.told(there, now_s)
    assert left.seconds(4.0) == 2.0 + 5.0
