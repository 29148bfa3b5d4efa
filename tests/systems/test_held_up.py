"""A stage that waits for the next one, against a plain list of events."""

import numpy as np
import pytest

from models.plain_tandem import Tandem, play
from sim.lab import _advance, _held, _setup, run, run_system
from sim.scenario.load import Scenario
from sim.systems.catalogue import build
from sim.systems.kafka import partition_of_keys
from sim.traffic.generate import generate, service_s

HALF_S = 0.01
NOTHING = {"constant": 0}
LATENCY = {"publish": {"constant": "20 ms"}, "deliver": NOTHING, "ack": NOTHING}


def tandem(for_s, consumers, length, *, rates=(20, 8), arrivals=10, seed=0, **more):
    """Two RabbitMQ queues behind each other; the second refuses what is beyond its length."""
    arguments = {"x-max-length": length, "x-overflow": "reject-publish"}
    systems = {
        name: {
            "product": "rabbitmq", "latency": LATENCY, "ceilings": "off",
            "producer": {"republish": "1s", "channels": 500},
            "queues": {"q": {"consumers": n, "prefetch_count": 1, "does": [name]}},
        }
        for name, n in zip("ab", consumers, strict=True)
    }  # fmt: skip
    systems["b"]["queues"]["q"]["arguments"] = arguments
    return Scenario.from_mapping(
        {
            "name": "tandem",
            "seed": seed,
            "duration": for_s,
            "workload": {
                "arrivals": {"rate": arrivals},
                "keys": {"k": {"count": 7}},
                "service": {
                    name: {"exponential": f"{1 / rate} s"}
                    for name, rate in zip("ab", rates, strict=True)
                },
            },
            "systems": systems,
            "pipeline": [
                {"from": "a.q", "to": "b", "waits_for": more.get("waits_for", "acknowledgement")},
            ],
            "faults": more.get("faults", []),
        }
    )


def plain(scenario, consumers, length, again_s=1.0):
    created_s = generate(scenario).created_s.tolist()
    work_s = [service_s(scenario, len(created_s), [job]).astype(float).tolist() for job in "ab"]
    return play(Tandem(created_s, *work_s, consumers, length, again_s, HALF_S))


def both(scenario):
    """What became of the messages in the first stage, and what the second was given and made."""
    messages, first, second = generate(scenario), [], []
    run_system(scenario, "a", messages, on_outcome=first.append)
    run_system(scenario, "b", messages, on_outcome=second.append)
    return first[0], second[-1]


@pytest.mark.parametrize(
    ("consumers", "length", "seed"),
    [((1, 1), 1, 0), ((2, 1), 5, 1), ((4, 2), 3, 2), ((5, 1), 8, 6), ((3, 2), 3, 13)],
)
def test_who_waits_for_the_next_stage_goes_on_when_that_has_it(consumers, length, seed):
    its = tandem("10s", consumers, length, rates=(20, 8 / consumers[1]), seed=seed)
    expected = plain(its, consumers, length)
    first, second = both(its)
    np.testing.assert_allclose(first.done_s, expected.freed_s, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.sort(second.done_s), np.sort(expected.done_s), atol=1e-6)
    tables = run(its).tables
    held_s = expected.freed_s - expected.sent_s - 2 * HALF_S
    assert (held_s > 1e-6).sum() > 10, "the case is not about waiting"
    assert tables.pipeline.held_up[0] == (held_s > 1e-6).sum()
    assert tables.pipeline.held_up_s[0] == pytest.approx(held_s.sum(), abs=1e-4)
    parts = tables.waits[tables.waits.system == "a"].set_index("part").total_s
    blocked_s = (expected.freed_s - expected.sent_s).sum()
    assert parts["held up by the next stage"] == pytest.approx(blocked_s, abs=1e-4)
    assert "held up by the next stage" not in set(tables.waits[tables.waits.system == "b"].part)


@pytest.mark.parametrize("partitions", [1, 3])
def test_members_of_a_kafka_group_wait_each_for_its_own_record(partitions):
    """A partition is a line of its own, before a consumer of its own."""
    kafka = {
        "product": "kafka", "topic": {"partitions": partitions}, "partition_key": ["k"],
        "ceilings": "off", "producer": {"linger.ms": 0},
        "latency": {"produce": 0, "fetch": 0, "commit": 0, "rebalance": 0},
        "groups": {"q": {"consumers": partitions, "does": ["a"]}},
    }  # fmt: skip
    its = tandem("8s", (1, 1), 3).with_({"systems.a": kafka})
    messages = generate(its)
    key, names = messages.keys_of(["k"])
    partition = partition_of_keys(names, its.systems["a"], partitions)[key]
    expected = play(
        Tandem(
            (messages.created_s - HALF_S).tolist(),
            *[service_s(its, len(messages), [job]).astype(float).tolist() for job in "ab"],
            consumers=(1, 1),
            length=3,
            again_s=1.0,
            half_s=HALF_S,
            lane=partition.tolist(),
        )
    )
    first, second = both(its)
    np.testing.assert_allclose(first.done_s, expected.freed_s, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.sort(second.done_s), np.sort(expected.done_s), atol=1e-6)
    assert (expected.freed_s - expected.sent_s > 3 * HALF_S).sum() >= 5, "nobody waits"


def test_the_lag_is_before_the_stage_that_waits_and_nothing_without_waiting():
    waits, goes_on = (
        run(tandem("10s", (2, 1), 5, **more)).tables for more in ({}, {"waits_for": "nothing"})
    )
    assert waits.summary.max_lag[0] > 20 > 10 > goes_on.summary.max_lag[0]
    assert not goes_on.pipeline.held_up.any()


def test_where_there_is_always_room_only_the_way_is_waited_for():
    its = tandem("10s", (1, 1), 10_000)
    assert run(its).tables.pipeline.held_up[0] == 0
    first, _ = both(its)
    np.testing.assert_allclose(first.done_s, plain(its, (1, 1), 10_000).freed_s, atol=1e-6)


@pytest.mark.parametrize("fault", ["pause", "crash"])
def test_who_is_paused_or_killed_while_it_waits(fault):
    """One that is paused goes on once it is back; what a killed one had sent is there twice."""
    more = {"for": "4s"} if fault == "pause" else {"restart_after": "4s"}
    faults = [{"at": 4, "fault": fault, "target": "a.q.0", **more}]
    struck = tandem("10s", (1, 1), 2, faults=faults)
    first, second = both(struck)
    done_s = np.sort(first.done_s)
    assert not ((done_s > 4.0) & (done_s < 8.0)).any()
    assert second.effects.sum() == first.effects.sum() + (1 if fault == "crash" else 0)


BUFFER_BYTES, RECORD_BYTES = 40_000, 500


def topics(waits_for, *, outage_s=8.0, producer=None, faults=(), consumers=4):
    """A group that sends to another Kafka, whose brokers cannot be reached for a while."""
    job = {"consumers": consumers, "does": ["enrich"]}
    if outage_s:
        away = {"at": 4, "for": outage_s, "fault": "unreachable", "target": "out.broker.*"}
        faults = [away, *faults]
    out = {
        "product": "kafka", "topic": {"partitions": 4}, "partition_key": ["k"],
        "producer": {"buffer.memory": BUFFER_BYTES, "batch.size": 2_000, **(producer or {})},
        "publisher": {"order": "produce", "per_message": 0},
        "groups": {"load": {"consumers": 2, "does": ["load"]}},
    }  # fmt: skip
    return Scenario.from_mapping(
        {
            "name": "topics",
            "duration": "20s",
            "workload": {
                "arrivals": {"rate": 50},
                "size": RECORD_BYTES,
                "keys": {"k": {"count": 50}},
                "service": {"enrich": {"exponential": "10 ms"}, "load": "1 ms"},
            },
            "systems": {
                "raw": {
                    "product": "kafka", "topic": {"partitions": 8}, "partition_key": ["k"],
                    "groups": {"enrich": job},
                },
                "out": out,
            },
            "pipeline": [{"from": "raw.enrich", "to": "out", "waits_for": waits_for}],
            "faults": list(faults),
        }
    )  # fmt: skip


def test_KP_04_a_full_buffer_stops_the_group_that_fills_it():
    waits, goes_on = (run(topics(how)).tables for how in ("buffer", "nothing"))
    # While the brokers are away, 20 batches of 2,000 B find room; then four consumers wait, and
    # all that arrives stays in the first log.
    full = waits.limits[waits.limits.key == "buffer.memory"].iloc[0]
    assert 4.0 < full.first_s < 5.5 and 12.0 < full.last_s < 12.5
    more = waits.summary.max_lag[0] - goes_on.summary.max_lag[0]
    assert more == pytest.approx(50 * (full.last_s - full.first_s), rel=0.1)
    assert 7 < waits.summary.latency_max_s[0] < 8.5 and goes_on.summary.latency_max_s[0] < 0.2
    assert waits.pipeline.held_up_s[0] > 4 * (full.last_s - full.first_s) - 1
    assert not goes_on.pipeline.held_up.any()
    assert (waits.pipeline.processed == waits.pipeline.produced).all()


def test_a_send_that_gives_up_lets_its_consumer_go_on_without_it():
    tables = run(topics("buffer", producer={"max.block.ms": 1000})).tables
    lost = int(tables.summary.lost[1])
    assert lost > 0 and tables.pipeline.processed[1] == tables.pipeline.produced[1] - lost
    assert tables.summary.max_lag[0] < run(topics("buffer")).tables.summary.max_lag[0]


@pytest.mark.parametrize(
    ("fault", "more", "matters"),
    [
        ("crash", {"restart_after": "1s"}, True),
        ("pause", {"for": "2s"}, False),  # it waited all the while
        ("pause", {"for": "8s"}, True),
        ("slow", {"for": "2s", "factor": 3}, False),
    ],
)
def test_a_member_that_waits_may_be_struck(fault, more, matters):
    strikes = {"at": 9, "fault": fault, "target": "raw.enrich.0", **more}
    struck, calm = (run(topics("buffer", faults=faults)).pipeline for faults in ([strikes], []))
    assert (struck.processed == struck.produced).all()
    assert (struck.mean_s[0] != calm.mean_s[0]) == matters


def test_members_make_their_calls_in_order_of_time():
    """However they are carried: what one sends must not be known before what another sent."""
    its = topics("buffer", outage_s=0.0)
    setup = _setup(its, "raw", generate(its))
    system = build(setup)
    held = _held(system, setup, None)["enrich"]
    _advance(setup, system, {}, None)
    called_s = np.asarray(held.held_up.called_s)[: held.held_up.n]
    assert called_s.size == len(setup.messages) and (np.diff(called_s) >= 0).all()
