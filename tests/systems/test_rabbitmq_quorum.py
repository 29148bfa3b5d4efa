"""Quorum queues by version, with hand numbers: what comes back waits, and priorities.

As in `test_rabbitmq`, a round trip takes 20 ms: the consumer has its first message at 0.020.
"""

import numpy as np
import pytest

from helpers.operated import Operated
from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.engine.waits import TimePart, Unsplit
from sim.foundation.arrays import NO_LIMIT
from sim.foundation.errors import ScenarioError
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.broker_waits import BrokerWaits
from sim.queue.feed_kernel import Feed
from sim.scenario.load import Scenario
from sim.systems.rabbitmq import Rabbitmq
from sim.traffic.messages import Messages

LATENCY_S = np.array([0.02])
QUORUM = {"x-queue-type": "quorum"}
RETRY = {"x-delayed-retry-type": "all", "x-delayed-retry-min": 1_000, "x-delayed-retry-max": 2_500}


def scenario(arguments, queue=None, **system):
    """One queue; messages are of the plans free, paid and vip."""
    return Scenario.from_mapping(
        {
            "name": "quorum",
            "duration": "60 s",
            "workload": {
                "arrivals": {"profile": [{"for": "60 s", "rate": 1}]},
                "keys": {"plan": {"weights": {"free": 1, "paid": 1, "vip": 1}}},
                "service": {"x": {"per_message": "1 s"}},
            },
            "systems": {
                "rabbit": {
                    "product": "rabbitmq",
                    "ceilings": False,
                    "latency": {"publish": "20 ms", "deliver": "20 ms", "ack": "20 ms"},
                    "queues": {
                        "q": {
                            "consumers": 1,
                            "does": ["x"],
                            "prefetch_count": 1,
                            "arguments": {**QUORUM, **arguments},
                            **(queue or {}),
                        }
                    },
                    **system,
                }
            },
        }
    )


def consumed(its, plans, until_s=200.0, bad=(), came_s=None, work_s=1.0, verbs=()):
    """The queue after a time, of messages that are in it since the start but for ``came_s``."""
    n = len(plans)
    came_s = np.zeros(n) if came_s is None else np.asarray(came_s, float)
    messages = Messages(
        came_s,
        np.asarray(plans, np.int32),
        np.array([300], np.int32),
        {"plan": ["free", "paid", "vip"]},
        1.0,
    )
    system = its.systems["rabbit"]
    built = Rabbitmq(Setup("rabbit", its, messages, np.zeros(0)), system).queues["q"]
    lanes = built.state.lanes
    columns = Columns(lane=np.asarray(lanes.of), lanes=lanes.lanes) if len(lanes.of) else Columns()
    broker = Broker(
        Feed(np.arange(n, dtype=np.int32), came_s, np.array([n])),
        np.full(n, work_s, np.float32),
        built.size,
        built.policy,
        receive_latency_s=LATENCY_S,
        ack_latency_s=LATENCY_S,
        grid_s=np.zeros(0),
        columns=columns,
        poison=poisonous_messages(*bad) if bad else None,
    )
    env = Environment([broker])

    def act(at_s, verb, *args):
        yield env.timeout(at_s)
        getattr(Operated(env, broker), verb)(*args)

    for verb in verbs:
        env.process(act(*verb))
    env.run(until_s)
    return broker


def order(broker):
    """Messages in the order in which they were first processed."""
    return np.argsort(broker.queue.done_s, kind="stable").tolist()


@pytest.mark.parametrize(
    ("arguments", "answer", "done_s"),
    [
        # It fails at 1.02, 2.04, 3.06, 4.08, and the broker hears it 10 ms later; a nack does not
        # count, and each wait is the shortest.
        (RETRY, "nack-requeue", 5.10 + 4 * 1.0),
        (RETRY, "reject-requeue", 5.10 + 1.0 + 2.0 + 2.5 + 2.5),
        ({**RETRY, "x-delayed-retry-max": None}, "reject-requeue", 5.10 + 4 * 1.0),
        ({**RETRY, "x-delayed-retry-type": "failed"}, "nack-requeue", 5.10),
        ({**RETRY, "x-delayed-retry-type": "failed"}, "reject-requeue", 5.10 + 8.0),
        ({**RETRY, "x-delayed-retry-type": "returned"}, "nack-requeue", 5.10 + 4.0),
        ({**RETRY, "x-delayed-retry-type": "returned"}, "reject-requeue", 5.10),
        ({**RETRY, "x-delivery-limit": -1}, "nack-requeue", 5.10),
        ({**RETRY, "x-delivery-limit": -1}, "reject-requeue", 5.10 + 8.0),
        ({}, "reject-requeue", 5.10),
    ],
)
def test_RQ_11_what_comes_back_waits_longer_each_time(arguments, answer, done_s):
    its = scenario(arguments, {"on_failure": answer})
    broker = consumed(its, [0], bad=([0], [False], [4], [np.inf]))
    np.testing.assert_allclose(broker.queue.done_s, [done_s], atol=1e-6)
    waited_s = done_s - 5.10
    parts = BrokerWaits(broker, Unsplit(np.zeros(1))).parts_s(0, 1)[:, 0]
    assert parts[TimePart.BACKOFF] == pytest.approx(waited_s, abs=1e-9)
    assert broker.state.limits.times[codes.LIMIT_BACKOFF] == (4 if waited_s else 0)


def test_RQ_11_a_channel_that_ends_counts_and_what_it_held_waits():
    its = scenario({**RETRY, "x-delayed-retry-type": "failed"}, {"prefetch_count": 2})
    verbs = [(0.5, "crash", 0), (0.6, "restart", 0)]
    broker = consumed(its, [0, 0, 0], verbs=verbs)
    # Back at 0.51, when 2 is all that is ready; at 1.51 they are, and 2 is done at 1.62.
    np.testing.assert_allclose(broker.queue.done_s, [2.62, 3.62, 1.62], atol=1e-6)
    assert broker.queue.returns.tolist() == [1, 1, 0]


def test_RQ_11_what_waits_counts_towards_the_length_of_the_queue():
    arguments = {**RETRY, "x-delayed-retry-min": 2_500, "x-max-length": 1}
    its = scenario({**arguments, "x-overflow": "reject-publish"}, producer={"confirms": False})
    broker = consumed(its, [0, 0], came_s=[0.0, 2.0], bad=([0], [False], [1], [np.inf]))
    assert broker.queue.state.tolist() == [codes.ACKED, codes.REFUSED]
    # Of a queue that drops its head, what waits does not go, and what comes does.
    bad = ([0], [False], [1], [np.inf])
    broker = consumed(scenario(arguments), [0, 0, 0], came_s=[0.0, 1.5, 1.7], bad=bad)
    assert broker.queue.state.tolist() == [codes.ACKED, codes.ACKED, codes.DROPPED]


def test_RQ_11_the_delivery_limit_comes_first():
    its = scenario({**RETRY, "x-delivery-limit": 2}, {"on_failure": "reject-requeue"})
    broker = consumed(its, [0], bad=([0], [False], [NO_LIMIT], [np.inf]))
    assert broker.queue.state.tolist() == [codes.DROPPED]
    assert broker.state.limits.times[codes.LIMIT_BACKOFF] == 2


@pytest.mark.parametrize(
    ("version", "priority", "expected"),
    [
        # Six messages in turn; from 4.3 the highest first.
        ("4.3", ["plan"], [2, 5, 1, 4, 0, 3]),
        # A message that names none has 4.
        ("4.3", {"plan": {"free": 3, "vip": 5}}, [2, 5, 1, 4, 0, 3]),
        ("4.3", {"plan": {"free": 5, "vip": 3}}, [0, 3, 1, 4, 2, 5]),
        # More than 31 is 31.
        ("4.3", {"plan": {"free": 31, "paid": 255, "vip": 40}}, [0, 1, 2, 3, 4, 5]),
        # Of two priorities, two high ones and then a normal one that is older than the next.
        ("4.2", {"plan": {"vip": 9, "paid": 5}}, [1, 2, 0, 4, 5, 3]),
        ("4.0", ["plan"], [0, 1, 2, 3, 4, 5]),
        ("3.13", {"plan": {"vip": 9}}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_RQ_19_priorities_of_a_quorum_queue(version, priority, expected):
    its = scenario({}, producer={"priority": priority}, version=version)
    assert order(consumed(its, [0, 1, 2, 0, 1, 2])) == expected


def test_RQ_19_of_two_priorities_a_normal_message_has_its_turn_only_if_it_is_older():
    its = scenario({}, producer={"priority": {"plan": {"vip": 9, "paid": 5}}}, version="4.2")
    assert order(consumed(its, [1, 2, 1, 0])) == [0, 1, 2, 3]
    assert order(consumed(its, [1, 2, 0, 1])) == [0, 1, 2, 3]
    assert order(consumed(its, [0, 1, 2, 1, 1])) == [1, 2, 0, 3, 4]


def test_RQ_19_what_came_back_goes_before_every_priority():
    its = scenario({}, producer={"priority": ["plan"]})
    # 0 is all that there is at first; it fails at 1.02, when 1 of a higher priority is there.
    bad = ([0], [False], [1], [np.inf])
    broker = consumed(its, [0, 2, 1], came_s=[0.0, 0.5, 0.5], bad=bad)
    assert order(broker) == [0, 1, 2]
    assert broker.state.limits.times[codes.LIMIT_OVERTAKEN] == 0
    # Without a delivery limit it is published again, with the priority of one that names none.
    priority = {"plan": {"free": 9, "paid": 5, "vip": 2}}
    its = scenario({"x-delivery-limit": -1}, producer={"priority": priority})
    broker = consumed(its, [0, 2, 1], came_s=[0.0, 0.5, 0.5], bad=bad)
    assert order(broker) == [2, 0, 1]


def test_RQ_17_RQ_19_the_first_of_each_priority_expires_from_4_3():
    its = scenario({"x-message-ttl": 1_500}, producer={"priority": ["plan"]})
    # A worker has 0 for 10 s; 1 of the lowest priority and 2 of the highest are too old alike.
    broker = consumed(its, [1, 0, 2], came_s=[0.0, 0.2, 0.4], work_s=10.0, until_s=1.8)
    assert broker.queue.state.tolist() == [codes.IN_FLIGHT, codes.EXPIRED, codes.READY]


def test_keys_that_a_queue_does_not_know_are_refused_or_told_of():
    for arguments, system, why in (
        (RETRY, {"version": "4.2"}, "of quorum queues, from RabbitMQ 4.3; this is a quorum queue"),
        ({**RETRY, "x-queue-type": "classic"}, {}, "this is a classic queue of 4.3"),
        ({"x-delayed-retry-type": "all"}, {}, "needs 'x-delayed-retry-min'"),
        ({**RETRY, "x-delayed-retry-max": 10}, {}, "must not be smaller"),
        ({}, {"producer": {"priority": {"plan": {"gold": 1}}}}, "gold"),
        ({}, {"producer": {"priority": {"a": {}, "b": {}}}}, "of one of them"),
    ):
        with pytest.raises(ScenarioError, match=why):
            scenario(arguments, **system)
    for arguments, system, path in (
        ({"x-delayed-retry-min": 1_000}, {}, "x-delayed-retry-min"),
        ({**RETRY, "x-delivery-limit": -1}, {}, "x-delayed-retry-type"),
        ({"x-queue-type": "classic"}, {"producer": {"priority": ["plan"]}}, "priority"),
    ):
        its = scenario(arguments, **system).systems["rabbit"]
        assert [path for path, _ in its.without_effect()][-1][-1] == path
