"""When a message can be received whose queue's delay is set anew while it runs."""

import numpy as np
import pytest

from sim.queue.delayed import Delayed, ready_s
from sim.queue.feed_kernel import Feed

CHANGES = [(-np.inf, 10.0), (100.0, 60.0), (130.0, 0.0)]


@pytest.mark.parametrize(
    ("sent_s", "standard", "fifo"),
    [
        (80.0, 90.0, 90.0),  # ready before anything is set
        (90.0, 100.0, 100.0),  # at that very moment
        (95.0, 105.0, 130.0),  # its 60 s would end at 155, but at 130 there is no delay any more
        (99.0, 109.0, 130.0),
        (100.0, 160.0, 130.0),
        (129.0, 189.0, 130.0),
        (130.0, 130.0, 130.0),
    ],
)
def test_SS_17_a_delay_is_of_what_comes_and_on_a_fifo_queue_of_what_waits(sent_s, standard, fifo):
    assert ready_s(sent_s, CHANGES, False) == standard
    assert ready_s(sent_s, CHANGES, True) == fifo


def test_what_is_delayed_for_longer_is_overtaken():
    source = Feed(
        np.array([2, 0, 1], np.int32), np.array([99.0, 125.0, 130.0]), np.array([3], np.int64)
    )
    delayed = Delayed(source, CHANGES, retroactive=False)
    for until_s, messages in ((108.9, []), (109.0, [2]), (130.0, [2, 1]), (185.0, [2, 1, 0])):
        delayed.advance(until_s)
        assert list(delayed.feed.message[: delayed.feed.n[0]]) == messages
    assert list(delayed.feed.enqueued_s) == [109.0, 130.0, 185.0]
    assert delayed.delay_s.tolist() == [60.0, 0.0, 10.0]
