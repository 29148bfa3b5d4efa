"""What queues in Redis share."""

import numpy as np

from sim.engine.waits import TimePart
from sim.systems.redis import DelayedJobs


def test_what_was_asked_for_is_delay_and_the_rest_of_the_way_is_sending():
    parts_s = DelayedJobs(np.array([1.0, 2.0]), 5.0).sent_parts_s(0, 2, np.array([6.25, 7.5]))
    assert parts_s[TimePart.DELAY].tolist() == [5.0, 5.0]
    assert parts_s[TimePart.SEND].tolist() == [0.25, 0.5]
    assert np.count_nonzero(parts_s) == 4
