"""The knobs of a queue."""

import numpy as np
import pytest

from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker_policy import broker_policy


def test_a_plain_queue_is_one_lane_whose_messages_are_acknowledged_when_done():
    plain = broker_policy()
    assert (plain.push, plain.ack, plain.pick, plain.batch) == (0, codes.LATE, codes.ONE, 1)
    assert plain.prefetch == plain.max_length == plain.max_receives == NO_LIMIT
    assert plain.lock_s == plain.retention_s == np.inf


def test_what_is_requeued_comes_back_to_the_same_place_unless_told_otherwise():
    assert broker_policy(place=codes.ORIGINAL).requeue_place == codes.ORIGINAL
    assert broker_policy(place=codes.ORIGINAL, requeue_place=codes.BACK).requeue_place == codes.BACK


def test_a_knob_keeps_its_type_whether_the_kernel_is_compiled_or_not():
    policy = broker_policy(lock_s=30, closes=True)
    assert type(policy.lock_s) is float and type(policy.closes) is int


def test_an_unknown_knob_is_an_error():
    with pytest.raises(AttributeError, match="prefetched"):
        broker_policy(prefetched=1)
