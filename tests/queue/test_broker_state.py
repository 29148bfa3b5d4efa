"""The state of a broker's queue before anything has come, and with more room."""

import numpy as np

from sim.queue import broker_kernel as k
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_state import (
    Columns,
    new_state,
    no_poison,
    poisonous_messages,
    with_more_deliveries,
    with_more_events,
)
from sim.queue.feed import empty_feed


def fresh(columns, places=3, slots=2):
    none_s = np.zeros(1)
    return new_state(
        empty_feed(5), np.ones(5, np.float32), places, broker_policy(),
        receive_latency_s=none_s, ack_latency_s=none_s, grid_s=np.arange(4.0), slots=slots,
        columns=columns, poison=no_poison(), jitter=none_s, keep_repeats=7,
    )  # fmt: skip


def test_a_queue_is_to_get_what_is_routed_to_it():
    assert fresh(Columns()).queue.counts[k.TOTAL] == 5
    wanted = np.array([1, 0, 0, 1, 0], np.uint8)
    assert fresh(Columns(wanted=wanted)).queue.counts[k.TOTAL] == 2


def test_a_place_has_its_slots_free_and_no_process_connection_or_message():
    consumers = fresh(Columns()).consumers
    assert consumers.n[:3, k.ALIVE].tolist() == [0, 0, 0]
    assert consumers.n[:3, k.CONNECTED].tolist() == [-1, -1, -1]
    assert consumers.n[:3, k.IDLE].tolist() == [2, 2, 2]
    assert consumers.idle_slot.tolist() == [[1, 0]] * 3
    assert (consumers.s[:, k.FACTOR] == 1.0).all() and (consumers.s[:, k.WAKE_S] == np.inf).all()
    assert consumers.n[3, k.AHEAD] == consumers.n[3, k.BEHIND] == 3  # nobody waits


def test_ids_that_deduplicate_are_counted_from_the_greatest():
    same = np.array([0, 3, 3, 1, 0], np.int32)
    assert fresh(Columns(same=same)).queue.let_in_s.tolist() == [-np.inf] * 4


def test_more_room_for_deliveries_keeps_them_and_frees_the_rest_first():
    pool = fresh(Columns()).pool
    room = pool.n.shape[0]
    pool.n[0, k.MESSAGE], pool.meta[[k.FREE, k.FIRST, k.LAST, k.USED]] = 4, [1, 0, 0, 1]
    larger = with_more_deliveries(pool)
    assert larger.n.shape[0] == 2 * room and larger.n[0, k.MESSAGE] == 4
    assert larger.meta[[k.FIRST, k.LAST, k.USED]].tolist() == [0, 0, 1]
    free, d = [], int(larger.meta[k.FREE])
    while d >= 0:
        free.append(d)
        d = int(larger.n[d, k.THEN])
    assert free == [*range(room, 2 * room), *range(1, room)]


def test_more_room_for_events_keeps_them():
    events = fresh(Columns()).events
    k.push(events, 2.0, k.ACK, 5, 0)
    k.push(events, 1.0, k.WAKE, 6, 0)
    larger = with_more_events(events)
    assert larger.at_s.size == 2 * events.at_s.size and larger.size.tolist() == [2, 2]
    assert larger.at_s[:2].tolist() == [1.0, 2.0] and larger.n[0].tolist() == [1, k.WAKE, 6, 0]


def test_poisonous_messages_are_in_order():
    poison = poisonous_messages([7, 2], [True, False], [1, 9], [0.5, np.inf])
    assert poison.n.tolist() == [[2, 0, 9], [7, 1, 1]]
    assert poison.restart_s.tolist() == [np.inf, 0.5]
