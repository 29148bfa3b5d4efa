"""SQS FIFO and fair queues rule by rule, with hand numbers.

Calls take 20 ms, and reach the service half-way; workers start a millisecond apart. Messages are
sent a call each by as many senders as there are, and reach the queue at once.
"""

import numpy as np
import pytest
from pydantic import ValidationError

from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.foundation.errors import ScenarioError
from sim.lab import run
from sim.queue import broker_codes as codes
from sim.queue.delayed import ready_s
from sim.scenario.load import Scenario
from sim.scenario.products.sqs import SqsQueue
from sim.systems.sqs import Sqs
from sim.traffic.generate import generate
from sim.traffic.messages import Messages, Numbered

GROUPS = 400


def system(work_s, producer=None, **queue):
    """A scenario with one queue ``q``; every message takes ``work_s``."""
    return Scenario.from_mapping(
        {
            "name": "grouped",
            "duration": "10 s",
            "workload": {
                "arrivals": {"profile": [{"for": "10 s", "rate": 1}]},
                "keys": {"account": {"count": GROUPS}},
                "service": {"x": {"per_message": f"{work_s} s"}},
            },
            "systems": {
                "sqs": {
                    "product": "sqs",
                    "producer": producer or {"threads": 100, "batch": 1},
                    "latency": {"send": "0 s", "receive": "20 ms", "delete": "20 ms"},
                    "queues": {
                        "q": {"workers": 1, "does": ["x"], "MessageGroupId": ["account"], **queue}
                    },
                }
            },
        }
    )


def consume(scenario, came_s, group, until_s, verbs=(), work_s=None):
    """Messages of these groups through the queue; verbs: (time, verb, worker, …)."""
    messages = Messages(
        np.asarray(came_s, float),
        np.asarray(group, np.int32),
        np.array([300], np.int32),
        {"account": Numbered("account", GROUPS)},
        10.0,
    )
    built = Sqs(Setup("sqs", scenario, messages, np.zeros(0)), scenario.systems["sqs"])
    broker = built.queues["q"]
    if work_s is not None:
        np.asarray(broker.state.messages.service_s)[:] = work_s
    for at_s, verb, *args in verbs:
        built.senders.advance(at_s)
        broker.advance(at_s)
        getattr(broker, verb)(*args)
    built.senders.advance(until_s)
    broker.advance(until_s)
    return broker


def fifo(**queue):
    return {"FifoQueue": True, **queue}


def order(broker):
    return np.argsort(broker.queue.done_s, kind="stable").tolist()


def test_SF_01_a_group_in_flight_is_not_handed_to_another_worker():
    # Groups 0 0 1, one at a time: the second worker passes 0's second message and has 1's.
    scenario = system(1.0, **fifo(workers=2))
    broker = consume(scenario, np.zeros(3), [0, 0, 1], 30.0)
    np.testing.assert_allclose(broker.queue.done_s[[0, 2]], [1.02, 1.021], atol=1e-6)
    # Deleted at 1.03; asked for again at 1.05.
    assert broker.queue.done_s[1] == pytest.approx(2.06, abs=0.01)


def test_SF_01_order_holds_within_a_group_and_parallelism_is_the_number_of_groups():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 60)
    scenario = system(0.1, **fifo(workers=10, MaxNumberOfMessages=10))
    broker = consume(scenario, np.zeros(60), group, 60.0, work_s=rng.exponential(0.1, 60))
    done_s = broker.queue.done_s
    for g in range(3):
        assert (np.diff(done_s[group == g]) > 0).all()
    scenario = system(1.0, **fifo(workers=10, ReceiveMessageWaitTimeSeconds=20))
    broker = consume(scenario, np.zeros(30), [0, 1, 2] * 10, 1_000.0)
    assert broker.queue.done_s.max() > 10.0  # three at a time, not ten


def test_SF_02_a_receive_takes_from_one_group_as_much_as_it_can():
    # Of 0 1 0 1 0 the first receive of three takes all of group 0, and the second group 1.
    scenario = system(1.0, **fifo(workers=2, MaxNumberOfMessages=3))
    broker = consume(scenario, np.zeros(5), [0, 1, 0, 1, 0], 0.5)
    deliveries = broker.state.deliveries
    held_by = np.stack([deliveries.message, deliveries.consumer], axis=1)[: deliveries.used]
    assert sorted(map(tuple, held_by.tolist())) == [(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]
    # What is left over is filled from other groups.
    scenario = system(1.0, **fifo(MaxNumberOfMessages=4))
    broker = consume(scenario, np.zeros(5), [0, 1, 0, 1, 0], 0.5)
    assert broker.queue.receives.tolist() == [1, 1, 1, 0, 1]


@pytest.mark.parametrize(("again_s", "receives"), [(299.0, 0), (301.0, 1)])
def test_SF_03_of_messages_with_the_same_id_one_in_five_minutes_is_let_in(again_s, receives):
    scenario = system(0.1, **fifo(MessageDeduplicationId=["account"]))
    broker = consume(scenario, [0.0, again_s], [7, 7], 400.0)
    assert broker.queue.receives.tolist() == [1, receives]
    assert broker.queue.state[1] == (codes.ACKED if receives else codes.REFUSED)


def test_SF_03_the_interval_counts_from_what_was_let_in():
    scenario = system(0.1, **fifo(MessageDeduplicationId=["account"]))
    broker = consume(scenario, [0.0, 200.0, 301.0, 500.0], [7] * 4, 600.0)
    assert broker.queue.receives.tolist() == [1, 0, 1, 0]


def test_SF_04_a_missed_visibility_timeout_processes_twice():
    # Received at 0.010 and visible again at 2.010, in the middle of 3 s of work.
    scenario = system(3.0, **fifo(workers=2, VisibilityTimeout=2, ReceiveMessageWaitTimeSeconds=20))
    broker = consume(scenario, [0.0], [0], 6.0)
    assert broker.queue.receives[0] == 3  # at 0.010, 2.010 and 4.010
    assert broker.queue.effects[0] == 2  # at 3.02 and 5.02: the deletes came too late


def test_SF_05_calls_beyond_300_a_second_wait():
    # 2,000 sends of one message at once: 301 get through at once, the others 1/300 s apart.
    scenario = system(0.0, {"threads": 2_000, "batch": 1}, **fifo())
    broker = consume(scenario, np.zeros(2_000), np.arange(2_000) % GROUPS, 60.0)
    enqueued_s = np.sort(broker.state.feed.enqueued_s)
    assert (enqueued_s == 0).sum() == 301
    assert enqueued_s[-1] == pytest.approx((2_000 - 301) / 300, abs=1e-6)
    for keys, last_s in (
        (fifo(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup"), 0.0),
        ({}, 0.0),
    ):
        scenario = system(0.0, {"threads": 2_000, "batch": 1}, **keys)
        broker = consume(scenario, np.zeros(2_000), np.arange(2_000) % GROUPS, 60.0)
        assert np.max(broker.state.feed.enqueued_s) == last_s


def test_SF_05_batches_of_ten_carry_3_000_messages_a_second():
    n = 12_000
    scenario = system(
        0.0, {"threads": 400, "batch": 10}, **fifo(workers=400, MaxNumberOfMessages=10)
    )
    broker = consume(scenario, np.zeros(n), np.arange(n) // 10 % GROUPS, 3.0)
    assert np.max(broker.state.feed.enqueued_s) == pytest.approx((n / 10 - 301) / 300, abs=1e-6)
    consumers = broker.state.consumers
    assert consumers.found + consumers.empty_receives <= 301 + 3.0 * 300


def test_SF_06_a_backlog_of_one_group_hides_later_groups():
    # Ten of group 0, then one of group 1: the second worker gets it only when it is one of the
    # first ten that are left.
    for look_ahead, second in ((120_000, 1.02), (10, 2.0)):
        scenario = system(1.0, **fifo(workers=2, look_ahead=look_ahead))
        broker = consume(scenario, np.zeros(11), [0] * 10 + [1], 60.0)
        assert broker.queue.done_s[10] == pytest.approx(second, abs=0.1)


def test_SF_07_a_failed_message_blocks_its_group_until_it_is_dead_lettered():
    # Whoever has message 0 dies, at 0.5 and at 30.5; found again at 60.01, it is dead-lettered, and
    # the group goes on without it.
    scenario = system(
        1.0,
        **fifo(workers=2, RedrivePolicy={"maxReceiveCount": 2}, ReceiveMessageWaitTimeSeconds=20),
    )
    verbs = [(0.5, "crash", 0), (0.6, "restart", 0)]
    verbs += [(30.5, "crash", 0), (30.5, "crash", 1), (30.6, "restart", 0), (30.6, "restart", 1)]
    broker = consume(scenario, np.zeros(3), [0, 0, 1], 100.0, verbs)
    assert broker.queue.state.tolist() == [codes.DEAD, codes.ACKED, codes.ACKED]
    assert broker.queue.done_s[2] < 3.0 and broker.queue.done_s[1] > 60.0


def test_SF_07_a_worker_leaves_the_rest_of_the_batch_alone_after_a_failure():
    scenario = system(0.1, **fifo(MaxNumberOfMessages=10)).with_(
        {"faults": [{"at": 0, "fault": "poison", "target": "sqs.q", "effect": "fail", "times": 1}]}
    )
    broker = consume(scenario, np.zeros(3), [0, 0, 0], 100.0)
    # Message 0 fails at 0.12; all three are visible again at 30.01 and processed in order.
    assert broker.queue.effects.tolist() == [1, 1, 1]
    np.testing.assert_allclose(broker.queue.done_s, [30.1, 30.2, 30.3], atol=0.06)


def test_SF_08_the_order_of_several_senders_is_that_of_arrival():
    scenario = system(0.1, **fifo()).with_(
        {"systems.sqs.latency.send": {"lognormal": {"median": "50 ms", "p99": "900 ms"}}}
    )
    came_s = np.arange(40) * 0.01
    broker = consume(scenario, came_s, np.zeros(40), 60.0)
    arrived = list(broker.state.feed.message)
    assert arrived != sorted(arrived)
    assert order(broker) == arrived


def test_SF_a_fifo_queue_needs_groups_and_other_queues_no_keys_of_it():
    with pytest.raises(ValidationError, match="MessageGroupId"):
        SqsQueue.model_validate({"workers": 1, "does": ["x"], "FifoQueue": True})
    with pytest.raises(ValidationError, match="FifoThroughputLimit"):
        SqsQueue.model_validate(
            {"workers": 1, "does": ["x"], "FifoThroughputLimit": "perMessageGroupId"}
        )


def test_SS_03_on_a_fair_queue_too_an_old_receipt_deletes_nothing():
    # Received at 0.010 and at 1.011; whoever had it second is dead, and it is ready from 2.011 on.
    # The first one's delete arrives at 2.48, with the old receipt: it is received once more.
    scenario = system(2.45, workers=2, VisibilityTimeout=1)
    broker = consume(scenario, [0.0], [0], 5.2, [(1.5, "crash", 1)])
    assert broker.queue.receives[0] >= 3
    assert broker.queue.effects[0] == 2
    # With the newest receipt it is deleted although the timeout is over.
    broker = consume(system(1.45, VisibilityTimeout=1), [0.0], [0], 5.0)
    assert broker.queue.receives.tolist() == [1]
    assert broker.queue.state.tolist() == [codes.ACKED]


def test_SS_03_on_a_fair_queue_an_old_receipt_may_be_made_to_delete():
    # As above: the first one's delete at 2.480 finds the message ready, and at 1.530 in flight.
    scenario = system(2.45, workers=2, VisibilityTimeout=1, stale_receipt="deletes")
    broker = consume(scenario, [0.0], [0], 60.0, [(1.5, "crash", 1)])
    assert (broker.queue.receives[0], broker.queue.effects[0]) == (2, 1)
    scenario = system(1.5, workers=2, VisibilityTimeout=1, stale_receipt="deletes")
    broker = consume(scenario, [0.0], [0], 1.55)
    assert broker.queue.state.tolist() == [codes.ACKED]
    broker = consume(scenario, [0.0], [0], 60.0)
    assert (broker.queue.receives[0], broker.queue.effects[0]) == (2, 2)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("returned-first", [1, 2, 3, 0, 4, 5]), ("as-visible", [1, 2, 3, 4, 5, 0])],
)
def test_SS_16_on_a_fair_queue_too_what_came_back_has_a_place(how, expected):
    # Of one tenant; whoever has message 0 dies, and it is visible again at 1.0. The other worker
    # receives every 0.44 s; its fourth receive is the first after that.
    scenario = system(0.4, workers=2, VisibilityTimeout=1, order=how)
    broker = consume(scenario, np.zeros(6), [0] * 6, 60.0, [(0.1, "crash", 0)])
    assert order(broker) == expected


def noisy(**queue):
    """300 messages of tenant 0 at once, and from 1 s on a message of another every 0.1 s.

    There are 50 workers, so that tenant 0 can have 30 and more in flight.
    """
    scenario = system(1.0, workers=50, **queue)
    came_s = np.concatenate([np.zeros(300), 1.0 + 0.1 * np.arange(60)])
    group = np.concatenate([np.zeros(300, int), 1 + np.arange(60)])
    broker = consume(scenario, came_s, group, 300.0)
    return (broker.queue.done_s - came_s)[300:], broker


def test_SS_14_quiet_tenants_do_not_wait_for_a_noisy_one():
    waits_s, broker = noisy()
    # At most what its worker has begun, a second of it, and the second of its own.
    assert waits_s.max() < 2.1
    assert (broker.queue.state == codes.ACKED).all()  # the noisy one is not throttled either
    first_come = system(1.0, workers=50)
    came_s = np.concatenate([np.zeros(300), 1.0 + 0.1 * np.arange(60)])
    broker = consume(first_come, came_s, np.zeros(360), 300.0)  # all of one tenant
    assert (broker.queue.done_s - came_s)[300:].max() > 4.0


def test_SS_14_long_work_makes_a_tenant_noisy_with_few_in_flight():
    # Two workers: nobody has 30 in flight, but tenant 0 has had all of the consumers' time.
    came_s = np.concatenate([np.zeros(40), [20.0, 20.5]])
    group = np.concatenate([np.zeros(40, int), [1, 2]])
    broker = consume(system(2.0, workers=2), came_s, group, 300.0)
    waits_s = broker.queue.done_s - came_s
    assert waits_s[40:].max() < 5.0
    assert waits_s[30:40].min() > 30.0


def test_SS_14_of_noisy_tenants_the_one_with_the_fewest_in_flight_is_next():
    # Two tenants with all of the time between them; the second comes later, and they share alike.
    came_s = np.concatenate([np.zeros(100), np.full(100, 5.0)])
    group = np.repeat([0, 1], 100)
    broker = consume(system(1.0, workers=10), came_s, group, 15.0)
    of_each = np.bincount(group, broker.queue.effects)
    assert of_each[1] > 35  # of about 95 since 5 s; first come, first served gave it few


def beating(work_s, came_s, until_s, verbs=(), workers=1, **queue):
    """A standard queue whose workers change visibility timeouts."""
    keys = {"MessageGroupId": None, "ReceiveMessageWaitTimeSeconds": 20, **queue}
    scenario = system(work_s, workers=workers, **keys)
    return consume(scenario, came_s, np.zeros(len(came_s), int), until_s, verbs)


def test_SS_06_a_heartbeat_keeps_a_message_for_as_long_as_its_worker_works():
    # Received at 0.010; each 2 s from 0.020 on it is hidden for 3 s more.
    broker = beating(9.0, [0.0], 60.0, workers=2, VisibilityTimeout=3, heartbeat=2)
    assert (broker.queue.receives[0], broker.queue.effects[0]) == (1, 1)
    assert broker.state.beats == 4  # at 2.02, 4.02, 6.02 and 8.02
    broker = beating(9.0, [0.0], 60.0, workers=2, VisibilityTimeout=3)
    assert broker.queue.effects[0] > 1


def test_SS_06_all_of_a_batch_is_extended_until_its_delete_is_sent():
    # Two of 4 s, one after the other: the first waits for the delete of both at 8.02.
    keys = {"VisibilityTimeout": 3, "heartbeat": 2, "MaxNumberOfMessages": 2}
    broker = beating(4.0, [0.0, 0.0], 60.0, workers=2, **keys)
    assert broker.queue.receives.tolist() == [1, 1]
    assert broker.state.beats == 3


def test_SS_06_a_dead_worker_sends_none_and_its_messages_wait_for_what_was_left():
    # The last call before the end at 5 s is that at 4.02: 30 s later the other worker has it.
    keys = {"VisibilityTimeout": 10, "heartbeat": {"interval": 2, "VisibilityTimeout": 30}}
    broker = beating(9.0, [0.0], 60.0, [(5.0, "crash", 0)], workers=2, **keys)
    assert broker.queue.receives[0] == 2
    assert broker.queue.done_s[0] == pytest.approx(4.02 + 30.0 + 0.01 + 9.0, abs=1e-9)


def test_SS_06_a_call_may_shorten_what_is_left():
    # Hidden until 60.010, and from 2.02 on only until 5.02; then nobody says more.
    keys = {"VisibilityTimeout": 60, "heartbeat": {"interval": 2, "VisibilityTimeout": 3}}
    broker = beating(9.0, [0.0], 60.0, [(3.0, "crash", 0)], workers=2, **keys)
    assert broker.queue.done_s[0] == pytest.approx(5.02 + 0.01 + 9.0, abs=1e-9)


def test_SS_06_a_heartbeat_that_comes_after_the_timeout_does_nothing():
    broker = beating(9.0, [0.0], 5.0, workers=2, VisibilityTimeout=3, heartbeat=4)
    assert broker.queue.receives[0] == 2  # at 0.010 and 3.010; the call of the first, at 4.02, …
    assert broker.state.deliveries.first >= 0
    d = broker.state.deliveries.first  # … is one of an old receipt
    assert broker.state.deliveries.locked_s[d] == pytest.approx(3.010)


def test_SS_06_a_paused_worker_sends_its_heartbeat_as_it_goes_on():
    keys = {"VisibilityTimeout": 10, "heartbeat": 2}
    broker = beating(20.0, [0.0], 60.0, [(1.0, "pause", 0, 5.0)], workers=2, **keys)
    assert broker.queue.receives[0] == 1  # at 6.0, and then each 2 s until 25.02
    assert broker.state.beats == 10
    broker = beating(20.0, [0.0], 60.0, [(1.0, "pause", 0, 12.0)], workers=2, **keys)
    assert broker.queue.receives[0] == 2  # hidden until 10.01


def test_SS_06_a_worker_that_starts_anew_does_not_wait_for_the_pause_in_which_it_was_killed():
    # Stands still from 1.0 on, killed at 2.7, anew from 3 on: received again at 3.020, and hidden
    # for 3 s more at 5.03, 7.03, 9.03 and 11.03.
    keys = {"VisibilityTimeout": 3, "heartbeat": 2}
    verbs = [(1.0, "pause", 0, 20.0), (2.7, "crash", 0), (3.0, "restart", 0)]
    broker = beating(9.0, [0.0], 60.0, verbs, workers=1, **keys)
    assert (broker.queue.receives[0], broker.queue.effects[0]) == (2, 1)


def test_SS_06_nothing_is_hidden_for_more_than_twelve_hours_from_its_receive_on():
    # Received at 0.010: the call at 43,180.02 may hide it for 18 s, that at 43,182.02 may not.
    keys = {"VisibilityTimeout": 18, "heartbeat": 2}
    broker = beating(50_000.0, [0.0], 43_250.0, workers=2, **keys)
    assert broker.queue.receives[0] == 2
    limits = broker.state.limits
    assert limits.times[codes.LIMIT_LOCK_MOST] == 1
    assert limits.times[codes.LIMIT_LOCK_HELD] == 0
    assert limits.first_s[codes.LIMIT_LOCK_MOST] == pytest.approx(43_198.02, abs=1e-6)


FAILS_ONCE = {"at": 0, "fault": "poison", "target": "sqs.q", "effect": "fail", "times": 1}


@pytest.mark.parametrize(("after_s", "again_s"), [(0, 1.02), (5, 6.02)])
def test_SS_06_what_failed_is_seen_again_when_its_worker_says(after_s, again_s):
    keys = {"MessageGroupId": None, "terminateVisibilityTimeout": after_s}
    scenario = system(1.0, ReceiveMessageWaitTimeSeconds=20, **keys)
    scenario = scenario.with_({"faults": [FAILS_ONCE]})
    broker = consume(scenario, [0.0], [0], 60.0)
    # Asked for again at once, it is there when the call arrives; or it ends a long poll.
    arrives_s = max(again_s, 1.03)
    assert broker.queue.done_s[0] == pytest.approx(arrives_s + 0.01 + 1.0, abs=1e-9)
    assert broker.state.limits.times[codes.LIMIT_LOCK_GONE] == 0
    assert broker.state.limits.times[codes.LIMIT_FAILED] == (after_s > 0)


def test_SS_06_of_a_fifo_queue_the_rest_of_the_batch_comes_back_with_what_failed():
    keys = {"MaxNumberOfMessages": 3, "terminateVisibilityTimeout": 0}
    scenario = system(1.0, **fifo(**keys)).with_({"faults": [FAILS_ONCE]})
    broker = consume(scenario, np.zeros(3), [0, 0, 0], 20.0)
    # The first fails at 1.02; all three are received at 1.03, and done one after the other.
    np.testing.assert_allclose(broker.queue.done_s, [2.04, 3.04, 4.04])


def test_SS_06_keys_that_do_not_go_together_are_refused():
    queue = {"workers": 1, "does": ["x"]}
    assert SqsQueue.model_validate({**queue, "heartbeat": "20s"}).heartbeat.interval == 20
    for wrong in ({"heartbeat": 0}, {"heartbeat": 9, "order": "fresh-first"}):
        with pytest.raises(ValidationError):
            SqsQueue.model_validate({**queue, **wrong})
    function = {"lambda": {"Timeout": 10}, "does": ["x"], "heartbeat": 20}
    scenario = system(1.0, MessageGroupId=None)
    of_lambda = scenario.with_({"systems.sqs.queues": {"q": function}})
    said = [text for _, text in of_lambda.systems["sqs"].without_effect()]
    assert "has no effect: it is of workers" in said[0]


def set_at(at_s, **keys):
    return {"at": at_s, "fault": "attributes", "target": "sqs.q", **keys}


def on_its_own(scenario, came_s, until_s):
    """As `consume`, driven as a run drives it: what its control does by itself happens."""
    messages = Messages(
        np.asarray(came_s, float),
        np.zeros(len(came_s), np.int32),
        np.array([300], np.int32),
        {"account": Numbered("account", GROUPS)},
        10.0,
    )
    built = Sqs(Setup("sqs", scenario, messages, np.zeros(0)), scenario.systems["sqs"])
    env, said = Environment(built.stages), []
    built.control(env, said.append)
    env.run(until_s)
    return built.queues["q"], said


def test_SS_17_a_visibility_timeout_that_is_set_is_of_receives_a_minute_later():
    keys = {"MessageGroupId": None, "workers": 3, "ReceiveMessageWaitTimeSeconds": 20}
    scenario = system(50.0, VisibilityTimeout=100, **keys)
    changed = scenario.with_({"faults": [set_at(5.0, VisibilityTimeout=10)]})
    # Received at 0 and 64 under 100 s, and at 66, after the change at 65, under 10 s.
    queue, said = on_its_own(changed, [0.0, 64.0, 66.0], 77.0)
    assert queue.queue.receives.tolist() == [1, 1, 2]
    assert said == ["q: the attributes that were set take effect"]
    queue, _ = on_its_own(scenario, [0.0, 64.0, 66.0], 77.0)
    assert list(queue.queue.receives) == [1, 1, 1]


def test_SS_17_a_retention_that_is_set_is_of_what_is_there_too():
    keys = {"MessageGroupId": None, "workers": 1, "MessageRetentionPeriod": 5_000}
    scenario = system(2_000.0, VisibilityTimeout=4_000, **keys)
    # The first takes until 2,000 s; from 1,000 s on the others are too old, or soon will be.
    fault = set_at(100.0, MessageRetentionPeriod=60)
    queue, _ = on_its_own(scenario.with_({"faults": [fault]}), [0.0, 1.0, 990.0], 2_100.0)
    assert queue.queue.state.tolist() == [codes.ACKED, codes.EXPIRED, codes.EXPIRED]
    same = scenario.with_({"systems.sqs.queues.q.heartbeat": 1_000})
    queue, _ = on_its_own(same, [0.0, 1.0, 990.0], 2_100.0)
    assert queue.queue.state.tolist() == [codes.ACKED, codes.IN_FLIGHT, codes.READY]


def test_SS_17_a_lower_maxReceiveCount_is_of_what_was_received_before_too():
    keys = {"MessageGroupId": None, "workers": 1, "ReceiveMessageWaitTimeSeconds": 20}
    scenario = system(1.0, VisibilityTimeout=10, **keys).with_(
        {
            "faults": [
                {"at": 0, "fault": "poison", "target": "sqs.q", "effect": "fail", "times": 9},
                set_at(5.0, RedrivePolicy={"maxReceiveCount": 2}, takes=30),
            ]
        }
    )
    queue, _ = on_its_own(scenario, [0.0], 60.0)  # received at 0, 10, 20, 30; at 40 it is too late
    assert (queue.queue.receives[0], queue.queue.state[0]) == (4, codes.DEAD)


def test_SS_17_a_delay_that_is_set_is_of_what_is_sent_then_and_on_a_fifo_queue_of_what_waits():
    """Each message's first receive, and that what was asked for counts as that."""
    for fifo, first_s in ((False, [30.0, 50.0, 40.5]), (True, [30.0, 35.0, 40.5])):
        keys = {"MessageGroupId": ["account"]} if fifo else {"MessageGroupId": None}
        scenario = system(1e-3, DelaySeconds=30, workers=9, FifoQueue=fifo, **keys)
        faults = [set_at(5.0, DelaySeconds=0, takes="30s")]
        changed = scenario.with_({"faults": faults})
        queue, said = on_its_own(changed, [0.0, 20.0, 40.5], 100.0)
        np.testing.assert_allclose(queue.queue.done_s, np.array(first_s), atol=0.9)
        assert said == ["q: the attributes that were set take effect"]


@pytest.mark.parametrize("fifo", [False, True])
def test_SS_17_the_parts_of_what_is_delayed_anew_sum_to_its_latency(fifo):
    """As a run asserts of every message; the delay is what was asked for and no more."""
    keys = {"FifoQueue": True} if fifo else {"MessageGroupId": None}
    scenario = system(1e-3, DelaySeconds=8, workers=30, **keys)
    faults = [set_at(2.0, DelaySeconds=1, takes="2s"), set_at(5.0, DelaySeconds=6, takes="1s")]
    tables = run(scenario.with_({"faults": faults})).tables
    parts = tables.waits.set_index("part").total_s
    created_s = generate(scenario).created_s
    changes = [(-np.inf, 8.0), (4.0, 1.0), (6.0, 6.0)]
    expected_s = sum(ready_s(at_s, changes, fifo) - at_s for at_s in created_s.tolist())
    assert parts["delay asked for"] == pytest.approx(expected_s, abs=1e-3)
    assert tables.summary.processed[0] == created_s.size


def test_a_delay_is_not_set_anew_where_something_waits_at_the_start_or_dead_letters_come():
    scenario = system(1e-3, MessageGroupId=None)
    faults = [set_at(2.0, DelaySeconds=1)]
    with pytest.raises(ScenarioError, match="how long what waits at the 'start' was delayed"):
        scenario.with_({"faults": faults, "start": {"backlog": 5, "age": "10 s"}})
    queues = {
        "q": {
            "workers": 1,
            "does": ["x"],
            "RedrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": "dead"},
        },
        "dead": {"workers": 0},
    }
    with pytest.raises(ScenarioError, match="does not change the delay of a queue with dead"):
        scenario.with_({"faults": faults, "systems.sqs.queues": queues})
