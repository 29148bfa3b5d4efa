"""When at least one member was idle, found from when each was."""

import numpy as np
import pytest

from sim.engine.waits import Stretches
from sim.log import idle_kernel as k


def left(idle, of_members):
    """What members leave: of each, when it was idle, ascending."""
    starts, times_s = np.asarray(idle.starts), [t for its in of_members for t in its]
    while len(times_s) >= idle.most:
        idle.n = idle.most
        idle.make_room()
    starts[1:] = np.cumsum([len(its) for its in of_members])
    idle.n = len(times_s)
    for i, (from_s, until_s) in enumerate(times_s):
        idle.from_s[i], idle.until_s[i] = from_s, until_s


@pytest.mark.parametrize("members", [1, 2, 7, 60])
def test_it_is_the_union_of_the_times_of_all_members_in_however_many_stretches(members):
    rng = np.random.default_rng(members)
    idle, every, at_s = k.IdleTimes(members), [], 0.0
    for _ in range(30):
        until_s = at_s + rng.uniform(1.0, 30.0)
        of_members = []
        for _ in range(members):
            ends_s = np.sort(rng.uniform(at_s, until_s, 2 * rng.integers(0, 40)))
            if rng.integers(3) == 0:  # one goes on from the stretch before, one into the next
                ends_s = np.concatenate([[at_s - 0.5], ends_s, [until_s]])
            of_members.append([(a, b) for a, b in ends_s.reshape(-1, 2).tolist()])
        left(idle, of_members)
        k.cover(idle, until_s)
        every += [(max(a, at_s), b) for its in of_members for a, b in its]
        at_s = until_s
    expected = Stretches.of(every)
    n = idle.known
    np.testing.assert_array_equal(np.asarray(idle.known_from_s)[:n], expected.from_s)
    times_s = rng.uniform(0.0, at_s, 2_000)
    for order in (times_s, np.sort(times_s), np.sort(times_s)[::-1].copy()):
        np.testing.assert_allclose(idle.before(order), expected.before(order), atol=1e-9, rtol=0)
    # What is forgotten changes nothing after it, to the bit.
    before, later_s = idle.before(times_s), times_s > 0.6 * at_s
    idle.forget(0.6 * at_s)
    assert idle.known < n or n == 1
    np.testing.assert_array_equal(idle.before(times_s)[later_s], before[later_s])


def test_without_members_nothing_is_kept():
    idle = k.IdleTimes(0)
    assert not idle.tracks and idle.before(np.array([1.0])).tolist() == [0.0]
    idle.forget(5.0)
    idle.make_room()
    assert idle.n < idle.most
