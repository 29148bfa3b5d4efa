"""Seeks of a subscription, and its snapshots, by hand; beside the plain model in `test_broker`."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.queue_lab import build
from models.plain_broker import Settings
from sim.engine.system import Sought
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes


def subscription(came_s, work_s=0.1, keeps_s=0.0, lane=None, **settings):
    """One subscriber with one thread: a message takes 10 ms to it, and its acknowledgement back."""
    its = {"consumers": 1, "prefetch": 1, "receive_s": 0.02, "ack_s": 0.02, "late_ack": True}
    pick = {} if lane is None else {"pick": "groups", "place": "original", "max_length": NO_LIMIT}
    s = Settings(push=True, **its | pick | settings)
    work = np.broadcast_to(np.float32(work_s), len(came_s))
    return build(replace(s, keeps_s=keeps_s), came_s, work, lane=lane)


def at(broker, *steps):
    """Advance to each time and do what stands there; returns what that gave."""
    found = []
    for at_s, verb, *arguments in steps:
        broker.advance(at_s)
        found.append(getattr(broker, verb)(*arguments))
    return found


def test_PB_08_a_seek_back_delivers_again_what_was_acknowledged_if_it_is_kept():
    broker = subscription([0.0, 1.0, 2.0], keeps_s=600.0)
    (sought,) = at(broker, (10.0, "seek", 1.0))
    assert sought == Sought(asked=2, gone=0, unread=0)
    broker.advance(20.0)
    assert broker.queue.effects.tolist() == [1, 2, 2]
    assert broker.queue.receives.tolist() == [1, 2, 2]
    assert broker.settled() == 3
    broker.audit()


def test_PB_08_without_retention_it_only_acknowledges_what_is_older():
    broker = subscription([0.0, 1.0, 2.0], work_s=3.0)
    # At 5 s the first is done, the second in work, and the third has not been begun.
    (sought,) = at(broker, (5.0, "seek", 1.5))
    assert sought == Sought(asked=1, gone=0, unread=0)
    broker.advance(20.0)
    assert broker.queue.effects.tolist() == [1, 1, 1]  # the handler of the second went on
    (sought,) = at(broker, (20.0, "seek", 0.0))
    assert sought == Sought(asked=3, gone=3, unread=0)
    broker.advance(30.0)
    assert broker.queue.effects.tolist() == [1, 1, 1]


def test_PB_08_a_seek_to_the_end_purges_a_subscription_but_not_what_comes_later():
    broker = subscription([0.0, 1.0, 2.0, 9.0], work_s=3.0)
    (sought,) = at(broker, (2.5, "seek", np.inf))
    assert sought == Sought(asked=0, gone=0, unread=2)
    broker.advance(30.0)
    assert broker.queue.effects.tolist() == [1, 0, 0, 1]
    assert broker.queue.state.tolist() == [codes.LOST, codes.LOST, codes.LOST, codes.ACKED]
    broker.audit()


def test_PB_08_only_so_old_messages_are_kept():
    broker = subscription([0.0, 5.0], keeps_s=10.0)
    (sought,) = at(broker, (12.0, "seek", -np.inf))
    assert sought == Sought(asked=2, gone=1, unread=0)
    broker.advance(30.0)
    assert broker.queue.effects.tolist() == [1, 2]


def test_PB_08_what_comes_again_comes_in_the_order_of_its_key():
    broker = subscription([0.0, 1.0, 2.0, 3.0], keeps_s=600.0, lane=[0, 1, 0, 1], prefetch=4)
    at(broker, (10.0, "seek", 0.0))
    broker.advance(20.0)
    messages = broker.state.messages
    assert messages.repeats == 4
    assert broker.queue.effects.tolist() == [2, 2, 2, 2]


def test_PB_08_a_message_that_waited_to_be_tried_again_is_acknowledged_too():
    bad = {0: (False, NO_LIMIT, np.inf)}
    s = Settings(
        push=True, consumers=1, prefetch=1, receive_s=0.02, ack_s=0.02, on_failure="requeue",
        counted=("failure",), back_off_s=10.0, back_off_max_s=60.0, keeps_s=0.0,
    )  # fmt: skip
    broker = build(s, [0.0, 1.0], np.float32([0.1, 0.1]), bad=bad)
    (sought,) = at(broker, (5.0, "seek", np.inf))
    assert sought.unread == 1
    broker.advance(60.0)
    assert broker.queue.receives.tolist() == [1, 1]
    assert broker.settled() == 2
    broker.audit()


def test_PB_09_a_seek_to_a_snapshot_makes_it_as_it_was_then():
    broker = subscription([0.0, 1.0, 2.0, 6.0], work_s=1.5)
    # At 3 s the first is acknowledged; the others are read afterwards, and come again.
    at(broker, (3.0, "take_snapshot"))
    (sought,) = at(broker, (20.0, "seek_snapshot", 3.0))
    assert sought == Sought(asked=3, gone=0, unread=0)
    broker.advance(40.0)
    assert broker.queue.effects.tolist() == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("taken_s", "sought_s", "found"),
    [(100.0, 7 * 86_400.0, True), (100.0, 7 * 86_400.0 + 1.0, False)],
)
def test_PB_09_a_snapshot_lasts_seven_days_less_the_age_of_what_it_holds(taken_s, sought_s, found):
    broker = subscription([0.0, 1.0], work_s=200.0)
    at(broker, (taken_s, "take_snapshot"))
    (sought,) = at(broker, (sought_s, "seek_snapshot", taken_s))
    assert (sought is not None) == found


def test_PB_09_no_snapshot_is_made_that_would_expire_within_the_hour():
    broker = subscription([0.0], work_s=8 * 86_400.0)
    taken_s = 7 * 86_400.0 - 3_599.0
    at(broker, (taken_s, "take_snapshot"))
    assert at(broker, (taken_s + 1.0, "seek_snapshot", taken_s)) == [None]
