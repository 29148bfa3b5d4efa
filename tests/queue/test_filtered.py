"""Queues that are let in only some of what is sent."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.queue.feed_kernel import Feed
from sim.queue.filtered import Filtered


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_filtered_feed_is_the_feed_of_what_is_let_in(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 200))
    source = Feed(rng.permutation(n).astype(np.int32), np.full(n, np.inf), np.zeros(1, np.int64))
    at_s = np.sort(rng.uniform(0, 10, n))
    rows = np.flatnonzero(rng.random(n) < rng.random()).astype(np.int32)
    filtered = Filtered(source, rows)
    for stop in np.sort(rng.integers(0, n + 1, 5)):
        source.enqueued_s[:stop] = at_s[:stop]
        source.n[0] = stop
        filtered.advance(0.0)
        message = np.asarray(source.message[:stop])
        let_in = np.isin(message, rows)
        m = int(filtered.feed.n[0])
        assert rows[np.asarray(filtered.feed.message[:m])].tolist() == message[let_in].tolist()
        assert list(filtered.feed.enqueued_s[:m]) == at_s[:stop][let_in].tolist()


def test_messages_that_are_let_in_are_numbered_anew():
    source = Feed(np.array([3, 0, 2, 1], np.int32), np.arange(4.0), np.array([4]))
    filtered = Filtered(source, np.array([1, 3], np.int32))
    filtered.advance(10.0)
    # Message 3 is their second, message 1 the first.
    assert list(filtered.feed.message) == [1, 0]
    assert list(filtered.feed.enqueued_s) == [0.0, 3.0]
    assert filtered.feed.n[0] == 2
