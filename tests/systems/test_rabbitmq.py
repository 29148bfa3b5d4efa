"""RabbitMQ rule by rule, with hand numbers.

A round trip takes 20 ms: consumer c subscribes c ms after the start, is known to the broker 10 ms
later, and has what is sent to it at once 10 ms after that.
"""

import numpy as np
import pytest
from pydantic import ValidationError

from helpers.operated import Operated
from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.foundation.arrays import NO_LIMIT
from sim.lab import run
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.feed_kernel import Feed
from sim.scenario.load import Scenario, load
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.systems.rabbitmq import Rabbitmq, rabbitmq_policy
from sim.traffic.messages import Messages

LATENCY_S = np.array([0.02])
QUORUM = {"x-queue-type": "quorum"}
DLX = {"x-dead-letter-exchange": "dlx"}


def system(arguments=None, producer=None, **queue):
    return RabbitmqSystem.model_validate(
        {
            "product": "rabbitmq",
            "ceilings": False,
            "producer": producer or {},
            "queues": {"q": {"consumers": 1, "does": ["x"], "arguments": arguments or {}, **queue}},
        }
    )


def consume(config, came_s, work_s, until_s, verbs=(), bad=(), lane=None, ack_s=LATENCY_S):
    """The queue ``q`` of a system after ``until_s``; verbs: (time, verb, consumer, …).

    ``bad``: the columns of `poisonous_messages`.
    """
    came_s = np.asarray(came_s, float)
    queue = config.queues["q"]
    broker = Broker(
        Feed(np.arange(came_s.size, dtype=np.int32), came_s, np.array([came_s.size])),
        np.broadcast_to(np.float32(work_s), came_s.shape).copy(),
        queue.consumers,
        rabbitmq_policy("q", config),
        receive_latency_s=LATENCY_S,
        ack_latency_s=ack_s,
        grid_s=np.zeros(0),
        slots=queue.threads,
        columns=Columns() if lane is None else Columns(lane=np.int32(lane), lanes=max(lane) + 1),
        poison=poisonous_messages(*bad) if bad else None,
        heartbeat_s=config.heartbeat,
    )
    env = Environment([broker])

    def act(at_s, verb, *args):
        yield env.timeout(at_s)
        getattr(Operated(env, broker), verb)(*args)

    for verb in verbs:
        env.process(act(*verb))
    env.run(until_s)
    return broker


def at_zero(n):
    """``n`` messages in the queue at 0."""
    return np.zeros(n)


def order(broker):
    """Messages in the order in which they were first processed."""
    return np.argsort(broker.queue.done_s, kind="stable").tolist()


def test_RQ_01_auto_ack_loses_what_was_delivered_and_not_processed():
    # All ten are sent at 0.010 and removed, prefetch or not; worked on from 0.020, a second each.
    config = system(no_ack=True, prefetch_count=1)
    broker = consume(config, at_zero(10), 1.0, 5.0, [(2.5, "crash", 0)])
    assert broker.queue.state.tolist() == [codes.ACKED] * 2 + [codes.LOST] * 8
    assert broker.queue.effects.tolist() == [1, 1] + [0] * 8
    # Acknowledged by hand, they wait for the consumer that is started again.
    manual = system(prefetch_count=1)
    verbs = [(2.5, "crash", 0), (3.0, "restart", 0)]
    broker = consume(manual, at_zero(10), 1.0, 20.0, verbs)
    assert broker.queue.state.tolist() == [codes.ACKED] * 10


def test_RQ_02_unacknowledged_deliveries_come_back_when_the_connection_closes():
    # The first consumer dies at 0.5, and the broker hears of it at 0.51. The other one is done
    # at 1.021, which the broker hears of at 1.031.
    config = system(consumers=2, prefetch_count=1)
    broker = consume(config, at_zero(2), 1.0, 5.0, [(0.5, "crash", 0)])
    assert broker.queue.receives.tolist() == [2, 1]
    np.testing.assert_allclose(broker.queue.done_s, [2.041, 1.021], atol=1e-6)
    # With the network cut it takes the heartbeat to find out; until then nothing comes back.
    broker = consume(config, at_zero(2), 100.0, 250.0, [(0.5, "cut_off", 0)])
    assert broker.queue.receives.tolist() == [2, 1]
    np.testing.assert_allclose(broker.queue.done_s, [100.02, 100.021], atol=1e-6)
    assert broker.queue.effects.tolist() == [2, 1]  # the cut consumer worked on, for nothing


def test_RQ_02_an_ack_on_the_way_is_heard_before_the_end_of_its_connection():
    # The ack is sent at 1.02 and takes a second; the process dies at 1.1.
    ack_s = np.array([0.02, 2.0, 0.02])
    verbs = [(1.1, "crash", 0), (3.0, "restart", 0)]
    broker = consume(system(prefetch_count=1), at_zero(1), 1.0, 10.0, verbs, ack_s=ack_s)
    assert broker.queue.receives.tolist() == [1]
    assert broker.queue.state.tolist() == [codes.ACKED]


def test_RQ_02_no_timer_takes_a_delivery_back():
    broker = consume(system(consumers=2, prefetch_count=1), at_zero(1), 7_200.0, 8_000.0)
    assert broker.queue.receives.tolist() == [1]


def test_RQ_02_a_paused_process_sends_no_heartbeats():
    # Closed at 61; the first consumer is back at 91 and works on for nothing until 91.02.
    config = system(consumers=2, prefetch_count=1)
    verbs = [(0.5, "crash", 1), (1.0, "pause", 0, 90.0), (2.0, "restart", 1)]
    broker = consume(config, at_zero(1), 1.0, 200.0, verbs)
    assert broker.queue.receives.tolist() == [2]
    assert broker.queue.effects.tolist() == [2]
    np.testing.assert_allclose(broker.queue.done_s, [62.01], atol=1e-6)


@pytest.mark.parametrize(("prefetch", "last_s"), [(0, 10.02), (1, 5.18), (2, 5.021)])
def test_RQ_03_without_a_prefetch_limit_one_consumer_holds_all_while_another_idles(
    prefetch, last_s
):
    # 0, the default: the first to subscribe has all ten. 1: the next is sent when the ack arrives,
    # so that each of five takes 1.02 s, but for the first. 2: the next is there already.
    broker = consume(system(consumers=2, prefetch_count=prefetch), at_zero(10), 1.0, 60.0)
    last = broker.queue.done_s.max()
    expected = {0: 10.02, 1: 0.021 + 5 * 1.0 + 4 * 0.02, 2: 0.021 + 5 * 1.0}[prefetch]
    assert last == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "prefetch", "held"),
    [
        ({}, 0, [2_500, 0]),
        (QUORUM, 0, [2_000, 500]),
        (QUORUM, 2_400, [2_400, 100]),
    ],
)
def test_RQ_03_without_a_limit_a_quorum_queue_sends_2_000_to_a_consumer(arguments, prefetch, held):
    came_s = at_zero(2_500)
    broker = consume(system(arguments, consumers=2, prefetch_count=prefetch), came_s, 1e3, 5.0)
    assert list(broker.state.consumers.unacked) == held


def test_RQ_03_a_crash_requeues_all_that_was_prefetched():
    config = system(consumers=2, prefetch_count=10)
    verbs = [(0.0105, "crash", 1), (1.5, "crash", 0), (2.0, "restart", 1)]
    broker = consume(config, at_zero(10), 1.0, 60.0, verbs)
    assert broker.queue.receives.tolist() == [1] + [2] * 9


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        (QUORUM, [2, 3, 0, 1, 4, 5]),
        ({**QUORUM, "x-delivery-limit": -1}, [2, 3, 0, 1, 4, 5]),
    ],
)
def test_RQ_04_where_messages_come_back_to(arguments, expected):
    # 0 and 1 are with the first consumer, 2 and 3 with the second, which dies first. A classic
    # queue has them in their old places, a quorum queue in the order in which they came back.
    config = system(arguments, consumers=2, prefetch_count=2)
    verbs = [(1.0, "crash", 1), (2.0, "crash", 0), (3.0, "restart", 0)]
    came_s = np.array([0.0, 0.0, 0.0, 0.0, 0.1, 0.1])
    # What came back of the second goes to the first, but for its prefetch, which is full.
    broker = consume(config, came_s, 10.0, 200.0, verbs)
    assert order(broker) == expected


@pytest.mark.parametrize(
    ("limit", "answer", "version", "expected"),
    [
        (-1, "nack-requeue", "4.3", [1, 2, 0]),
        (-1, "reject-requeue", "4.3", [0, 1, 2]),
        (-1, "reject-requeue", "4.2", [1, 2, 0]),
        (9, "nack-requeue", "4.3", [0, 1, 2]),
    ],
)
def test_RQ_04_without_a_delivery_limit_what_is_nacked_is_published_again(
    limit, answer, version, expected
):
    arguments = {**QUORUM, "x-delivery-limit": limit}
    config = system(arguments, prefetch_count=1, on_failure=answer)
    config = config.model_copy(update={"version": version})
    broker = consume(config, at_zero(3), 1.0, 60.0, bad=([0], [False], [1], [np.inf]))
    assert order(broker) == expected


def test_RQ_04_a_later_message_comes_back_behind_earlier_ones_that_did():
    # The first consumer's 0 and 1 are back at 1.01, the second's 2 and 3 at 2.01, behind them.
    config = system(consumers=2, prefetch_count=2)
    verbs = [(1.0, "crash", 0), (2.0, "crash", 1), (3.0, "restart", 0)]
    broker = consume(config, at_zero(6), 10.0, 200.0, verbs)
    assert order(broker) == [0, 1, 2, 3, 4, 5]


def test_RQ_04_redelivery_is_seen_out_of_order():
    # 0 comes back when the first consumer dies; the second has 1 and 2 by then.
    config = system(consumers=2, prefetch_count=1)
    broker = consume(config, at_zero(3), [5.0, 1.0, 1.0], 60.0, [(2.5, "crash", 0)])
    assert order(broker) == [1, 2, 0]


@pytest.mark.parametrize("dead", [False, True])
def test_RQ_05_a_quorum_queue_gives_up_what_comes_back_too_often(dead):
    # Delivered three times with a limit of two; without a dead-letter exchange that is a loss.
    config = system({**QUORUM, "x-delivery-limit": 2, **(DLX if dead else {})}, prefetch_count=1)
    bad = ([0], [True], [NO_LIMIT], [1.0])
    broker = consume(config, at_zero(2), 1.0, 60.0, bad=bad)
    assert broker.queue.state.tolist() == [codes.DEAD if dead else codes.DROPPED, codes.ACKED]
    assert broker.queue.receives.tolist() == [3, 1]


def test_RQ_05_the_limit_is_20_unless_told_otherwise_and_classic_queues_have_none():
    bad = ([0], [True], [NO_LIMIT], [0.01])
    broker = consume(system(QUORUM, prefetch_count=1), at_zero(1), 0.1, 60.0, bad=bad)
    assert broker.queue.receives.tolist() == [21]
    assert broker.queue.state.tolist() == [codes.DROPPED]
    for arguments in ({}, {**QUORUM, "x-delivery-limit": -1}):
        broker = consume(system(arguments, prefetch_count=1), at_zero(1), 0.1, 60.0, bad=bad)
        assert broker.queue.receives[0] > 100


@pytest.mark.parametrize(
    ("answer", "state", "receives"),
    [
        ("nack-requeue", codes.ACKED, 6),
        ("reject-requeue", codes.DROPPED, 3),
        ("reject", codes.DROPPED, 1),
    ],
)
def test_RQ_05_a_reject_counts_towards_the_limit_and_a_nack_does_not(answer, state, receives):
    config = system({**QUORUM, "x-delivery-limit": 2}, prefetch_count=1, on_failure=answer)
    broker = consume(config, at_zero(1), 0.1, 60.0, bad=([0], [False], [5], [np.inf]))
    assert broker.queue.state.tolist() == [state]
    assert broker.queue.receives.tolist() == [receives]


def test_RQ_05_all_that_was_prefetched_reaches_the_limit_with_the_poisonous_one():
    config = system({**QUORUM, "x-delivery-limit": 1}, prefetch_count=5)
    bad = ([0], [True], [NO_LIMIT], [1.0])
    broker = consume(config, at_zero(6), 1.0, 60.0, bad=bad)
    assert broker.queue.state.tolist() == [codes.DROPPED] * 5 + [codes.ACKED]


@pytest.mark.parametrize(("version", "noticed_s"), [("4.2", 120.0), ("4.3", 90.01)])
def test_RQ_06_an_ack_that_does_not_come_ends_the_channel(version, noticed_s):
    # Sent at 0.010, timed out at 90.010; a channel looks once a minute, and a queue of 4.3 has a
    # timer. The second consumer has it 10 ms later.
    config = system({**QUORUM, "x-consumer-timeout": 90_000}, consumers=2, prefetch_count=1)
    config = config.model_copy(update={"version": version})
    slow = [(50.0, "slow", 0, 5.0)]
    broker = consume(config, at_zero(1), 80.0, noticed_s - 0.001, slow)
    assert broker.queue.receives.tolist() == [1]
    broker = consume(config, at_zero(1), 80.0, 300.0, slow)
    assert broker.queue.receives.tolist() == [2]
    np.testing.assert_allclose(broker.queue.done_s, [noticed_s + 80.01], atol=1e-6)


def test_RQ_06_from_4_3_only_what_is_overdue_does_not_count_towards_the_limit():
    # The consumer works on 0 for 10 s at a time and holds 1, which comes at 30 s: sent anew with
    # its channel, which ends at 60.01 and after that each 61.02 s, for it takes a second to reopen.
    arguments = {**QUORUM, "x-consumer-timeout": 60_000, "x-delivery-limit": 1}
    config = system(arguments, prefetch_count=2)
    slow = [(0.1, "slow", 0, 1e6)]
    broker = consume(config, [0.0, 30.0], [10.0, 1.0], 100.0, slow)
    assert broker.queue.returns.tolist() == [0, 1]
    broker = consume(config, [0.0, 30.0], [10.0, 1.0], 1_000.0, slow)
    assert broker.queue.receives.tolist()[0] > 10  # both are sent together from now on
    assert broker.queue.state.tolist() == [codes.IN_FLIGHT] * 2
    config = config.model_copy(update={"version": "4.2"})
    broker = consume(config, [0.0, 30.0], [10.0, 1.0], 1_000.0, slow)
    assert broker.queue.state.tolist() == [codes.DROPPED] * 2


def test_RQ_06_an_undefined_timeout_is_a_day_from_4_3():
    slow = [(1.0, "slow", 0, 1e9)]
    for version, receives in (("4.2", 1), ("4.3", 2)):
        of = {"consumer_timeout": None, "version": version}
        config = system(QUORUM, consumers=2).model_copy(update=of)
        assert consume(config, at_zero(1), 100.0, 86_399.0, slow).queue.receives.tolist() == [1]
        broker = consume(config, at_zero(1), 100.0, 86_461.0, slow)
        assert broker.queue.receives.tolist() == [receives]


def test_RQ_06_the_timeout_is_half_an_hour_and_of_quorum_queues():
    slow = [(1.0, "slow", 0, 1e6)]
    broker = consume(system(QUORUM, consumers=2), at_zero(1), 100.0, 1_799.0, slow)
    assert broker.queue.receives.tolist() == [1]
    broker = consume(system(QUORUM, consumers=2), at_zero(1), 100.0, 1_861.0, slow)
    assert broker.queue.receives.tolist() == [2]
    broker = consume(system(consumers=2), at_zero(1), 100.0, 10_000.0, slow)
    assert broker.queue.receives.tolist() == [1]
    with pytest.raises(ValidationError, match="x-consumer-timeout"):
        system({"x-consumer-timeout": 1_000})


def test_RQ_06_until_4_2_classic_queues_have_the_timeout_too():
    slow = [(1.0, "slow", 0, 1e6)]
    of = {"version": "4.2"}
    config = system(consumers=2).model_copy(update=of)
    for until_s, receives in ((1_859.0, 1), (1_861.0, 2)):
        broker = consume(config, at_zero(1), 100.0, until_s, slow)
        assert broker.queue.receives.tolist() == [receives]
    for queue_type in ("classic", "quorum"):
        queues = {
            "q": {
                "consumers": 2,
                "does": ["x"],
                "arguments": {"x-queue-type": queue_type, "x-consumer-timeout": 90_000},
            }
        }
        config = RabbitmqSystem.model_validate({"product": "rabbitmq", "queues": queues} | of)
        broker = consume(config, at_zero(1), 100.0, 121.0, slow)
        assert broker.queue.receives.tolist() == [2]
    config = system(consumers=2).model_copy(update=of | {"consumer_timeout": None})
    assert consume(config, at_zero(1), 100.0, 10_000.0, slow).queue.receives.tolist() == [1]


@pytest.mark.parametrize(
    ("version", "state", "receives"),
    [("3.13", codes.IN_FLIGHT, 99), ("4.2", codes.DROPPED, 21), ("4.3", codes.IN_FLIGHT, 99)],
)
def test_RQ_05_a_nack_counts_until_4_2_and_before_4_0_there_is_no_limit(version, state, receives):
    config = system(QUORUM, prefetch_count=1).model_copy(update={"version": version})
    bad = ([0], [False], [NO_LIMIT], [1.0])
    broker = consume(config, at_zero(1), 1.0, 100.0, bad=bad)
    assert (broker.queue.state[0], broker.queue.receives[0]) == (state, receives)


@pytest.mark.parametrize(("confirms", "lost"), [(True, 0), (False, 7)])
def test_RQ_07_without_confirms_a_refused_message_is_lost(confirms, lost):
    # One is with the consumer, two are ready, seven are refused, and with confirms sent again.
    config = system(
        {"x-max-length": 2, "x-overflow": "reject-publish"},
        {"confirms": confirms, "republish": "1 s"},
        prefetch_count=1,
    )
    broker = consume(config, 0.1 + at_zero(10), 1.0, 60.0)
    assert (broker.queue.state == codes.REFUSED).sum() == lost
    assert (broker.queue.state == codes.ACKED).sum() == 10 - lost


def test_RQ_08_dead_lettered_or_dropped_when_the_queue_is_too_long():
    for exchange, state in ((DLX, codes.DEAD), ({}, codes.DROPPED)):
        config = system({"x-max-length": 2, **exchange}, prefetch_count=1)
        broker = consume(config, 0.1 + at_zero(5), 1.0, 60.0)
        # 0 is with the consumer; the oldest of the others give way.
        assert broker.queue.state.tolist() == [codes.ACKED, state, state, codes.ACKED, codes.ACKED]


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-overflow": "reject-publish", **DLX},
        {**QUORUM, **DLX},
        {**QUORUM, "x-overflow": "reject-publish"},
    ],
)
def test_RQ_08_at_least_once_needs_a_quorum_queue_that_refuses(arguments):
    strategy = {"x-dead-letter-strategy": "at-least-once"}
    system({**QUORUM, **DLX, "x-overflow": "reject-publish", **strategy})
    with pytest.raises(ValidationError, match="at-least-once"):
        system({**arguments, **strategy})


def test_RQ_09_one_consumer_is_active_and_the_next_takes_over_in_order():
    config = system({"x-single-active-consumer": True}, consumers=3, prefetch_count=2)
    broker = consume(config, at_zero(6), 1.0, 60.0, [(2.5, "crash", 0)])
    # Without a fault the third consumer has nothing to do; all are processed in order.
    assert order(broker) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(broker.queue.done_s, [1.02, 2.02, 3.52, 4.52, 5.52, 6.52], atol=1e-5)
    assert broker.queue.receives.tolist() == [1, 1, 2, 2, 1, 1]


def test_RQ_10_every_queue_gets_what_its_bindings_match():
    scenario = Scenario.from_mapping(
        {
            "name": "routed",
            "duration": "20 s",
            "workload": {
                "arrivals": {"profile": [{"for": "20 s", "rate": 20}]},
                "keys": {"kind": {"weights": {"a": 1, "b": 2, "c": 1}}},
                "service": {"x": {"per_message": "1 ms"}, "y": {"per_message": "1 ms"}},
            },
            "systems": {
                "rabbit": {
                    "product": "rabbitmq",
                    "exchange": {"type": "direct", "routing_key": ["kind"]},
                    "queues": {
                        "one": {"consumers": 1, "does": ["x"], "bindings": ["a"]},
                        "two": {"consumers": 1, "does": ["y"], "bindings": ["a", "b"]},
                    },
                }
            },
        }
    )
    result = run(scenario)
    by_group = result.tables.summary.set_index("group")
    assert by_group.loc["one", "processed"] == by_group.loc["one", "produced"]
    assert 0 < by_group.loc["one", "produced"] < by_group.loc["two", "produced"]
    assert result.tables.faults["text"].str.contains("match no binding").any()


def test_a_higher_priority_goes_first_and_a_queue_has_only_so_many():
    config = system({"x-max-priority": 2}, prefetch_count=1)
    broker = consume(config, at_zero(6), 1.0, 60.0, lane=[0, 1, 2, 0, 2, 1])
    assert order(broker) == [2, 4, 1, 5, 0, 3]


def test_priorities_are_the_values_of_a_dimension():
    scenario = Scenario.from_mapping(
        {
            "name": "prio",
            "duration": "10 s",
            "workload": {
                "arrivals": {"profile": [{"for": "10 s", "rate": 1}]},
                "keys": {"urgency": {"weights": {"low": 1, "high": 1, "top": 1}}},
                "service": {"x": {"per_message": "1 s"}},
            },
            "systems": {
                "rabbit": {
                    "product": "rabbitmq",
                    "producer": {"priority": ["urgency"]},
                    "queues": {
                        "q": {
                            "consumers": 1,
                            "does": ["x"],
                            "arguments": {"x-max-priority": 1},
                        }
                    },
                }
            },
        }
    )
    messages = Messages(
        np.zeros(3),
        np.array([0, 1, 2], np.int32),
        np.array([300], np.int32),
        {"urgency": ["low", "high", "top"]},
        1.0,
    )
    built = Rabbitmq(Setup("rabbit", scenario, messages, np.zeros(0)), scenario.systems["rabbit"])
    assert list(built.queues["q"].state.lanes.of) == [0, 1, 1]  # top counts as high


def test_a_terminated_consumer_finishes_what_it_works_on_and_gives_back_the_rest():
    config = system(consumers=2, prefetch_count=3)
    verbs = [(0.5, "terminate", 0, 30.0)]
    broker = consume(config, at_zero(6), 1.0, 60.0, verbs)
    assert broker.queue.effects.tolist() == [1] * 6
    assert broker.queue.receives.sum() == 6 + 2
    assert not broker.alive(0)


def test_prefetch_1_and_no_latency_is_m_m_c_by_another_road():
    # Three consumers at 80 %: Erlang C says that an arrival waits with probability 0.6472.
    rng = np.random.default_rng(5)
    n = 30_000
    came_s = np.cumsum(rng.exponential(1 / 2.4, n))
    work_s = rng.exponential(1.0, n).astype(np.float32)
    config = system(consumers=3, prefetch_count=1)
    broker = Broker(
        Feed(np.arange(n, dtype=np.int32), came_s, np.array([n])),
        work_s,
        3,
        rabbitmq_policy("q", config),
        receive_latency_s=np.zeros(1),
        ack_latency_s=np.zeros(1),
        grid_s=np.zeros(0),
    )
    broker.advance(came_s[-1] * 2)
    waits_s = (broker.queue.done_s - came_s - work_s)[n // 10 :]
    assert (waits_s > 1e-6).mean() == pytest.approx(0.6472, abs=0.03)
    assert waits_s.mean() == pytest.approx(0.6472 / (3 - 2.4), rel=0.1)


def test_RQ_05_a_message_that_always_fails_is_dead_lettered_by_a_whole_run():
    scenario = load("poison_message").with_(
        {"scale": 0.2, "duration": "10m"}
        | {
            "workload.arrivals.profile": [{"for": "10m", "rate": "120/s"}],
            **{f"systems.{name}": None for name in ("kafka", "kafka_parks", "sqs", "sqs_killed")},
            "faults": [{"at": "5m", "fault": "poison", "target": "*.shipping", "effect": "fail"}],
        }
    )
    (row,) = run(scenario).tables.summary.to_dict("records")
    assert row["dead_lettered"] == 1 and row["processed"] == row["produced"] - 1
    assert row["extra_deliveries"] == 20  # x-delivery-limit
