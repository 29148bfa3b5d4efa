"""Until when calls to the next stage take, as one run has it and the next goes by it."""

import numpy as np

from sim.engine.held_up import Sends, Taken
from sim.engine.held_up_kernel import call, goes_on_s, nobody, took
from sim.engine.outcome import Effects

SENT = Effects(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 1], np.int32))
IN_ORDER = np.arange(3)
TAKEN = Taken(np.array([1.5, 6.0, 3.5]), np.full(3, 0.5))


def test_a_call_that_took_no_longer_than_its_way_is_not_held_up():
    sends = Sends.of(SENT, IN_ORDER, TAKEN)
    np.testing.assert_array_equal(sends.until_s, [-np.inf, 6.0, -np.inf])
    np.testing.assert_array_equal(sends.trip_s, [0.5, 0.5, 0.5])
    swapped = Sends.of(SENT, np.array([1, 0, 2]), TAKEN)
    np.testing.assert_array_equal(swapped.until_s, [6.0, -np.inf, -np.inf])


def test_whoever_calls_goes_on_once_it_is_taken_and_no_earlier_than_the_way_takes():
    held_up = Sends.of(SENT, IN_ORDER, TAKEN).held_up(messages=3)
    assert [call(held_up, m, at_s) for m, at_s in ((0, 1.2), (2, 2.2), (1, 7.0), (1, 9.0))] == [
        0, 1, 2, 3,
    ]  # fmt: skip
    assert [goes_on_s(held_up, i, 0.0) for i in range(3)] == [1.7, 6.0, 7.5]
    assert goes_on_s(held_up, 1, 8.0) == 8.0  # asked late
    assert goes_on_s(held_up, 3, 9.0) == 9.0  # of which nothing is known
    took(held_up, 1, 2, 6.0)
    np.testing.assert_allclose(held_up.blocked_s, [0.0, 0.0, 3.8])
    assert list(held_up.message[:4]) == [0, 2, 1, 1]


def test_calls_for_which_there_is_no_room_are_counted():
    held_up = nobody()
    assert call(held_up, 0, 1.0) == 0 and held_up.n == 1
    assert goes_on_s(held_up, 0, 1.0) == 1.0
    took(held_up, 0, 0, 2.0)


def test_how_far_two_runs_are_from_each_other():
    sends = Sends.of(SENT, IN_ORDER, TAKEN)
    assert sends.off_s(sends, SENT, IN_ORDER) == 0.0
    later = Sends.of(SENT, IN_ORDER, Taken(np.array([1.5, 6.25, 3.5]), TAKEN.trip_s))
    assert later.off_s(sends, SENT, IN_ORDER) == 0.25
    assert later.off_s(Sends.none(), SENT, IN_ORDER) == np.inf
