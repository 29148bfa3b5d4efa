"""Pub/Sub rule by rule, with hand numbers.

A round trip takes 20 ms: subscriber c opens its stream c ms after the start, is known 10 ms later,
and has what is sent to it at once 10 ms after that.
"""

import numpy as np
import pytest

from sim.lab import run
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.feed_kernel import Feed
from sim.scenario.load import Scenario
from sim.scenario.products.pubsub import PubsubSubscription
from sim.systems.pubsub import pubsub_policy

LATENCY_S = np.array([0.02])
ALWAYS = 1 << 40


def consume(came_s, work_s, until_s, verbs=(), bad=(), lane=None, **fields):
    """A subscription after ``until_s``; verbs: (time, verb, subscriber, …)."""
    its = PubsubSubscription.model_validate(
        {"subscribers": 1, "threads": 1, "does": ["x"], "enableMessageOrdering": lane is not None}
        | fields
    )
    came_s = np.asarray(came_s, float)
    broker = Broker(
        Feed(np.arange(came_s.size, dtype=np.int32), came_s, np.array([came_s.size])),
        np.broadcast_to(np.float32(work_s), came_s.shape).copy(),
        its.subscribers,
        pubsub_policy(its, 300),
        receive_latency_s=LATENCY_S,
        ack_latency_s=LATENCY_S,
        grid_s=np.zeros(0),
        slots=its.threads,
        columns=Columns() if lane is None else Columns(lane=np.int32(lane), lanes=max(lane) + 1),
        poison=poisonous_messages(*bad) if bad else None,
    )
    for at_s, verb, *arguments in verbs:
        broker.advance(at_s)
        getattr(broker, verb)(*arguments)
    broker.advance(until_s)
    return broker


def fails(message, times=ALWAYS):
    return [message], [0], [times], [np.inf]


def test_PB_01_without_extension_a_message_comes_again_while_its_handler_is_at_it():
    fields = {"flow_control": {"max_lease_duration": 0}, "subscribers": 2}
    broker = consume([0.0], 15.0, 60.0, **fields)
    # Delivered at 0.01, again at 10.01 to the other one; the first is done at 15.02, and its late
    # acknowledgement counts. The second is done at 25.02.
    assert broker.queue.effects.tolist() == [2]
    assert broker.queue.receives.tolist() == [2]
    assert broker.queue.done_s[0] == pytest.approx(15.02)
    assert broker.state.limits.times[codes.LIMIT_LOCK_HELD] == 1


def test_PB_02_the_library_extends_the_deadline_of_what_a_subscriber_has():
    broker = consume([0.0], 15.0, 60.0, subscribers=2)
    assert broker.queue.effects.tolist() == [1]
    assert broker.queue.receives.tolist() == [1]


def test_PB_02_at_the_end_of_the_lease_a_message_comes_again():
    fields = {"flow_control": {"max_lease_duration": 25}, "subscribers": 2}
    broker = consume([0.0], 50.0, 31.0, **fields)
    # Extended at 10.01 and 20.01; at 30.01 the lease is over.
    assert broker.queue.receives.tolist() == [2]
    assert broker.state.limits.first_s[codes.LIMIT_LOCK_HELD] == pytest.approx(30.01)


def test_PB_02_what_a_dead_subscriber_had_comes_again_at_the_end_of_an_extension():
    broker = consume([0.0], 50.0, 32.0, [(23.0, "crash", 0)], subscribers=2)
    assert broker.queue.receives.tolist() == [2]
    assert broker.state.limits.last_s[codes.LIMIT_LOCK_GONE] == pytest.approx(30.01)


@pytest.mark.parametrize(("once", "receives"), [(False, 1), (True, 2)])
def test_PB_03_a_late_acknowledgement_counts_unless_delivery_is_exactly_once(once, receives):
    # The only thread is at it when the deadline passes: flow control lets nobody have it again.
    fields = {"flow_control": {"max_lease_duration": 0, "max_messages": 1}}
    broker = consume([0.0], 15.0, 60.0, enableExactlyOnceDelivery=once, **fields)
    # The second delivery is under way at 15.03, and its deadline passes too; and so on.
    assert min(2, broker.queue.receives[0]) == receives
    assert (broker.queue.state[0] == codes.ACKED) == (not once)


def test_PB_04_a_message_is_dead_lettered_after_so_many_attempts():
    broker = consume([0.0, 0.0], 1.0, 60.0, bad=fails(0), deadLetterPolicy={})
    assert broker.queue.receives.tolist() == [5, 1]
    assert broker.queue.state.tolist() == [codes.DEAD, codes.ACKED]


def test_PB_05_what_is_nacked_comes_again_at_once_and_first():
    broker = consume([0.0, 0.0], 1.0, 60.0, bad=fails(0, 3), flow_control={"max_messages": 1})
    # Begun at 0.02 s; each of three failures costs its second, and two ways of 10 ms.
    np.testing.assert_allclose(broker.queue.done_s, [4.08, 5.1])


def test_PB_05_with_a_retry_policy_it_waits_twice_as_long_each_time():
    policy = {"minimumBackoff": 10, "maximumBackoff": 15}
    broker = consume([0.0, 0.0], 1.0, 90.0, bad=fails(0, 3), retryPolicy=policy)
    # Nacked at 1.03 and ready at 11.03; then 15 s each.
    np.testing.assert_allclose(broker.queue.done_s, [11.03 + 16.02 + 16.02 + 1.01, 2.02])
    before = np.asarray(broker.state.times.before)
    assert before[0, codes.MET_BACKOFF] == pytest.approx(40.0)


def test_PB_06_what_comes_again_holds_up_its_ordering_key_and_no_other():
    policy = {"minimumBackoff": 10}
    broker = consume([0.0] * 4, 1.0, 90.0, bad=fails(0, 1), lane=[0, 0, 1, 1], retryPolicy=policy)
    done_s = broker.queue.done_s
    assert np.all(np.diff(done_s[:2]) > 0) and np.all(np.diff(done_s[2:]) > 0)
    assert done_s[2:].max() < 5.0
    assert done_s[0] > 12.0


def scenario(work, **fields):
    return Scenario.model_validate(
        {
            "name": "s",
            "seed": 1,
            "duration": "2 min",
            "drain_limit": "30 min",
            "workload": {
                "arrivals": {"profile": [{"for": "2 min", "rate": "20/s"}]},
                "keys": {"order": {"count": 500}},
                "service": {"w": {"per_message": work}},
            },
            "systems": {
                "p": {
                    "product": "pubsub",
                    "publisher": {"ordering_key": ["order"]},
                    "subscriptions": {"s": {"subscribers": 2, "does": ["w"], **fields}},
                }
            },
            "faults": [
                {"at": "30 s", "fault": "poison", "target": "p.s", "effect": "fail", "count": 1}
            ],
        }
    )


BUG = {"at": "30 s", "fault": "bug", "target": "p.s", "for": "10 s"}
KEPT = {"retainAckedMessages": True}


def run_of(faults, work="50 ms", **fields):
    made = scenario(work, **fields)
    return run(Scenario.model_validate(made.model_dump(by_alias=True) | {"faults": faults}))


def said(tables):
    return [text for text in tables.faults["text"] if text.startswith("seek")]


@pytest.mark.parametrize(("fields", "wrong"), [(KEPT, False), ({}, True)])
def test_PB_08_a_seek_back_puts_right_what_a_bug_spoilt_if_it_is_kept(fields, wrong):
    seek = {"at": "60 s", "fault": "seek", "target": "p.s", "to": "25 s"}
    tables = run_of([BUG, seek], **fields)
    row = tables.summary.iloc[0]
    assert (row["wrong_effects"] > 150) == (row["unrecoverable"] > 500) == wrong
    assert (row["righted_effects"] > 150) == (row["extra_deliveries"] > 500) == (not wrong)
    assert row["lost"] == 0
    (told,) = said(tables)
    assert told.endswith(" gone" if wrong else " again")


def test_PB_08_a_seek_to_the_end_loses_the_backlog():
    # Two subscribers with a thread each do ten messages a second, of twenty that come.
    seek = {"at": "60 s", "fault": "seek", "target": "p.s", "to": "end"}
    tables = run_of([seek], work="200 ms", threads=1, flow_control={"max_messages": 1})
    row, (told,) = tables.summary.iloc[0], said(tables)
    assert 500 < row["lost"] < 700
    assert row["processed"] + row["lost"] == row["produced"]
    assert told == f"seek s to end: 0 again, {row['lost']} acknowledged unread"


def test_PB_09_a_seek_to_a_snapshot_has_again_what_came_since_it_was_taken():
    seek = {"at": "60 s", "fault": "seek", "target": "p.s", "snapshot": "25 s"}
    row = run_of([BUG, seek]).summary.iloc[0]
    assert (row["wrong_effects"], row["unrecoverable"]) == (0, 0)
    assert row["righted_effects"] > 150


def test_a_run_ends_in_order_with_a_dead_letter():
    fields = {"enableMessageOrdering": True, "deadLetterPolicy": {}, "retryPolicy": {}}
    row = run(scenario("300 ms", **fields)).tables.summary.iloc[0]
    assert (row["dead_lettered"], row["lost"], row["violations"]) == (1, 0, 0)
