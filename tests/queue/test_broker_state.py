"""The state of a broker's queue before anything has come, and with more room."""

import numpy as np
import pytest

from sim.queue import broker_codes as codes
from sim.queue.broker_deliveries_kernel import Deliveries
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_state import Columns, columns_of, new_state, no_poison, poisonous_messages
from sim.queue.feed import empty_feed


def fresh(columns, places=3, slots=2, **knobs):
    none_s = np.zeros(1)
    return new_state(
        empty_feed(5), np.ones(5, np.float32), places, broker_policy(**knobs),
        receive_latency_s=none_s, ack_latency_s=none_s, grid_s=np.arange(4.0), slots=slots,
        columns=columns, poison=no_poison(), jitter=none_s, keep_repeats=7,
    )  # fmt: skip


def test_a_queue_is_to_get_what_is_routed_to_it():
    assert fresh(Columns()).messages.total == 5
    wanted = np.array([1, 0, 0, 1, 0], np.uint8)
    assert fresh(Columns(wanted=wanted)).messages.total == 2


def test_a_place_has_its_slots_free_and_no_process_connection_or_message():
    consumers = fresh(Columns()).consumers
    assert list(consumers.alive) == [0, 0, 0]
    assert list(consumers.connected) == list(consumers.joined) == [-1, -1, -1]
    assert list(consumers.buffer) == list(consumers.ripe) == list(consumers.done) == [-1, -1, -1]
    assert list(consumers.idle) == [2, 2, 2]
    assert np.asarray(consumers.idle_slot).tolist() == [[1, 0]] * 3
    assert list(consumers.factor) == [1.0] * 3 and list(consumers.wake_s) == [np.inf] * 3
    assert list(consumers.ahead) == list(consumers.behind) == [-1, -1, -1, 3]  # nobody waits


def test_ids_that_deduplicate_are_counted_from_the_greatest():
    same = np.array([0, 3, 3, 1, 0], np.int32)
    assert list(fresh(Columns(same=same)).messages.let_in_s) == [-np.inf] * 4
    assert list(fresh(Columns()).messages.let_in_s) == []


@pytest.mark.parametrize("pick", [codes.GROUPS, codes.FAIR])
def test_a_queue_that_does_not_know_its_head_cannot_drop_it(pick):
    """What a window has not let in is in no lane, and the heap of lanes is by their heads."""
    lane = np.array([0, 1, 0, 1, 0], np.int32)
    columns = Columns(lane=lane, lanes=2)
    with pytest.raises(ValueError, match="cannot drop its head"):
        fresh(columns, pick=pick, max_length=3)
    fresh(columns, pick=pick, max_length=3, overflow=codes.REJECT)
    fresh(columns, pick=codes.SPANS, max_length=3)


def test_columns_are_those_of_the_state():
    state = fresh(Columns())
    columns_of(state.messages).state[2] = codes.DEAD
    assert list(state.messages.state) == [0, 0, codes.DEAD, 0, 0]


def test_more_room_for_messages_keeps_what_is_known_of_them():
    state = fresh(Columns(), pick=codes.SPANS)
    state.messages.done_s[4] = 7.0
    state.messages.receives[4] = 2
    state.lanes.place[4] = state.lanes.offset[4] = 3
    state.messages.enlarge(8)
    state.lanes.enlarge(8, np.zeros(8, np.int32))
    assert list(state.messages.done_s) == [np.inf] * 4 + [7.0] + [np.inf] * 3
    assert list(state.messages.receives) == [0, 0, 0, 0, 2, 0, 0, 0]
    assert list(state.lanes.place) == [-1, -1, -1, -1, 3, -1, -1, -1]
    assert list(state.lanes.offset) == [0, 0, 0, 0, 3, 0, 0, 0]
    assert list(state.messages.service_s) == [1.0] * 5 + [0.0] * 3


def test_more_room_for_deliveries_keeps_them_and_frees_the_rest_first():
    deliveries = Deliveries(4)
    deliveries.message[0] = 9
    deliveries.free, deliveries.first, deliveries.last, deliveries.used = 1, 0, 0, 1
    deliveries.enlarge()
    assert list(deliveries.message) == [9] + [0] * 7
    assert (deliveries.first, deliveries.last, deliveries.used) == (0, 0, 1)
    free, d = [], deliveries.free
    while d >= 0:
        free.append(d)
        d = deliveries.then[d]
    assert free == [4, 5, 6, 7, 1, 2, 3]


def test_poisonous_messages_are_in_order():
    poison = poisonous_messages([7, 2], [True, False], [1, 9], [0.5, np.inf])
    assert [column.tolist() for column in poison] == [[2, 7], [0, 1], [9, 1], [np.inf, 0.5]]
    assert [column.dtype.kind for column in poison] == ["i", "i", "i", "f"]


def test_a_queue_uses_up_poison_of_its_own():
    poison = poisonous_messages([2], [False], [9], [np.inf])
    state = new_state(
        empty_feed(5), np.ones(5, np.float32), 1, broker_policy(), receive_latency_s=np.zeros(1),
        ack_latency_s=np.zeros(1), grid_s=np.zeros(0), slots=1, columns=Columns(), poison=poison,
        jitter=np.zeros(1), keep_repeats=0,
    )  # fmt: skip
    state.poison.left[0] -= 1
    assert poison.times.tolist() == [9]
