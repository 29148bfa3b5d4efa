"""What always holds of a queue: each check stops a run that somebody has tampered with."""

import numpy as np
import pytest

from sim.queue import broker_codes as codes
from sim.queue import sqs_standard_codes as s
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.checks import check_effects, check_states
from sim.queue.feed_kernel import Feed
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy

CALL_S = np.array([0.02])
NONE_S = np.zeros(0)


def feed(n):
    return Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.array([n]))


def pushed(**knobs):
    """A queue in the middle of its work: of 20 messages of a second each, some are done."""
    policy = broker_policy(push=1, prefetch=3, **knobs)
    queue = Broker(
        feed(20), np.ones(20, np.float32), 2, policy,
        receive_latency_s=CALL_S, ack_latency_s=CALL_S, grid_s=NONE_S,
    )  # fmt: skip
    queue.advance(3.5)
    messages = queue.state.messages
    assert (messages.ready_now, messages.in_flight_now, messages.removed) == (8, 6, 6)
    return queue


def received(n=20, **changes):
    """The same with workers that receive two at a time from a standard queue."""
    terms = dict(
        batch=2, per_delete=2, per_batch_s=0.0, visibility_s=30.0, wait_s=0.0,
        max_receives=1_000, max_in_flight=120_000, retention_s=1e6, asked=1, delay_s=0.0,
    )  # fmt: skip
    policy = StandardPolicy(**(terms | changes))
    queue = Workers(
        feed(n), np.ones(n, np.float32), 2, policy,
        servers=1, receive_latency_s=CALL_S, delete_latency_s=CALL_S, grid_s=NONE_S,
    )  # fmt: skip
    queue.advance(3.5)
    assert (queue.queue.in_flight, queue.queue.removed) == (4, 4)
    return queue


def test_a_message_that_is_nowhere_stops_the_run():
    queue = pushed()
    queue.state.messages.ready_now -= 1
    with pytest.raises(AssertionError, match="20 messages came, but 7 are ready, 6 in flight"):
        queue.advance(3.5)
    workers = received()
    workers.queue.removed += 13
    with pytest.raises(AssertionError, match="20 messages were sent, but 4 are in flight and 17"):
        workers.advance(3.5)


def test_no_place_holds_fewer_than_no_messages():
    queue = pushed()
    queue.state.messages.waiting_now -= 1
    queue.state.messages.ready_now += 1
    with pytest.raises(AssertionError, match="fewer than no"):
        queue.advance(3.5)
    workers = received()
    workers.queue.in_flight = -1
    with pytest.raises(AssertionError, match="fewer than no"):
        workers.advance(3.5)


def test_no_more_is_in_flight_than_may_be():
    queue = pushed(max_in_flight=6)
    queue.state.messages.in_flight_now += 1
    queue.state.messages.ready_now -= 1
    with pytest.raises(AssertionError, match="more in flight"):
        queue.advance(3.5)
    workers = received(max_in_flight=4)
    workers.queue.in_flight = 5
    with pytest.raises(AssertionError, match="more in flight"):
        workers.advance(3.5)


def test_a_message_that_was_handed_out_is_not_fresh_again():
    workers = received()
    workers.queue.next_fresh[0] -= 1
    with pytest.raises(AssertionError, match="fresh again"):
        workers.advance(3.5)


def test_a_message_in_flight_is_in_flight_to_somebody():
    queue = pushed()
    queue.state.deliveries.used = 5
    with pytest.raises(AssertionError, match="in flight to nobody"):
        queue.advance(3.5)


def test_there_are_no_more_effects_than_deliveries():
    queue = pushed()
    queue.state.messages.repeats = 100
    with pytest.raises(AssertionError, match="more effects than deliveries"):
        queue.advance(3.5)
    workers = received()
    workers.queue.effects_in_all = 100
    with pytest.raises(AssertionError, match="more effects than deliveries"):
        workers.advance(3.5)


@pytest.mark.parametrize("counter", ["row", "arrived", "deliveries", "repeats"])
def test_what_has_happened_is_not_undone_in_a_queue(counter):
    queue = pushed()
    one_more = getattr(queue._counts, counter) + 1
    queue._counts = queue._counts._replace(**{counter: one_more})
    with pytest.raises(AssertionError, match=f"{counter} went back"):
        queue.advance(3.5)


@pytest.mark.parametrize("counter", ["removed", "deliveries", "effects", "again", "receive_calls"])
def test_what_has_happened_is_not_undone_in_a_standard_queue(counter):
    workers = received()
    more = getattr(workers._seen, counter) + 1
    workers._seen = workers._seen._replace(**{counter: more})
    with pytest.raises(AssertionError, match=f"{counter} went back"):
        workers.advance(3.5)


def test_a_message_that_is_gone_stays_so_unless_it_was_acknowledged_before_its_work():
    for ack, stops in ((codes.LATE, True), (codes.ON_START, False)):
        queue = pushed()
        queue.policy.ack = ack
        queue.state.messages.removed -= 1
        queue.state.messages.ready_now += 1
        if stops:
            with pytest.raises(AssertionError, match="that was gone is back"):
                queue.advance(3.5)
        else:
            queue.advance(3.5)


def test_time_does_not_go_back():
    queue, workers = pushed(), received()
    queue.state.clock_s = workers.queue.clock_s = 99.0
    for stage in (queue, workers):
        with pytest.raises(AssertionError, match="time went back"):
            stage.advance(8.0)


def test_at_the_end_the_counters_say_what_the_states_say():
    for queue, state in ((pushed(), codes.ACKED), (received(), s.DELETED)):
        queue.audit()
        queue.queue.state[19] = state
        with pytest.raises(AssertionError, match="counters disagree"):
            queue.audit()


def test_at_the_end_no_message_has_had_more_effects_than_receives():
    for queue in (pushed(), received()):
        queue.queue.effects[0] += 1
        with pytest.raises(AssertionError, match="more effects than receives"):
            queue.audit()


def test_at_the_end_no_two_consumers_hold_a_message_under_one_lock():
    queue = pushed()
    deliveries = queue.state.deliveries
    after = deliveries.after[deliveries.first]
    deliveries.message[deliveries.first] = deliveries.message[after]
    with pytest.raises(AssertionError, match="under one lock"):
        queue.audit()
    workers = received()
    workers.workers.held[0, :] = workers.workers.held[1, :]
    with pytest.raises(AssertionError, match="under one lock"):
        workers.audit()


def test_long_columns_are_looked_at_in_pieces(monkeypatch):
    monkeypatch.setattr("sim.queue.checks._AT_ONCE", 2)
    state = np.array([0, 1, 1, 2, 1], np.uint8)
    check_states(state, 4, lambda found: found.tolist() == [1, 3, 1, 0])
    received = np.array([2, 2, 2, 2, 2], np.uint16)
    check_effects(received, received)
    with pytest.raises(AssertionError):
        check_effects(np.array([2, 2, 2, 2, 3], np.uint16), received)
