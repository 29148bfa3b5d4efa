"""What gets into queues."""

import numpy as np

from sim.queue.feed import empty_feed


def test_a_feed_begins_empty_with_no_time_at_which_anything_arrives():
    feed = empty_feed(3)
    assert list(feed.n) == [0]
    assert np.asarray(feed.message).dtype == np.int32 and feed.message.size == 3
    assert np.searchsorted(feed.enqueued_s, 1e300, side="right") == 0
