"""Which partitions the producers of messages know of, in whole systems (KB-16)."""

import numpy as np
import pytest

from helpers.traffic import scenario
from sim.engine.system import Setup
from sim.lab import run
from sim.systems.kafka_growth import altered_of, counts_of, known_of
from sim.traffic.generate import generate

ADDED = {"at": "100 s", "fault": "partitions", "target": "s.topic", "to": 8}


def kafka(producer=(), publisher=None, **group):
    return {
        "product": "kafka",
        "topic": {"partitions": 6},
        "partition_key": ["k"],
        "producer": dict(producer),
        "publisher": publisher,
        "groups": {"g": {"consumers": 3, "does": ["job"]} | group},
    }


def grown(system, *faults, **more):
    return scenario(
        **{
            "systems": {"s": system},
            "faults": list(faults) or [ADDED],
            "workload.arrivals.profile": [{"for": "600 s", "rate": "20/s"}],
            "workload.keys": {"k": {"count": 200}},
            "workload.service": {"job": {"per_message": "1 ms"}},
            "duration": "600 s",
            **more,
        }
    )


def setup_of(its):
    return Setup("s", its, generate(its), np.zeros(1))


def test_the_number_follows_the_faults_of_the_system_in_order_of_time():
    later = {**ADDED, "at": "50 s", "to": 7}
    other = {**ADDED, "target": "*.topic", "at": "200 s", "to": 12}
    its = grown(kafka(), ADDED, later, other)
    counts = counts_of(setup_of(its), its.systems["s"])
    assert (counts.first, counts.added) == (6, ((50.0, 7), (100.0, 8), (200.0, 12)))
    half = its.with_({"scale": 0.5})
    assert counts_of(setup_of(half), half.systems["s"]).added == ((50.0, 4), (100.0, 4), (200.0, 6))


def test_a_single_producer_knows_from_its_next_refresh_on():
    producer = {"first_metadata_refreshes": [10], "metadata.max.age.ms": 60_000}
    its = grown(kafka(producer))
    setup = setup_of(its)
    config = its.systems["s"]
    known, unaware = known_of(setup, config.producer, counts_of(setup, config))
    created_s = setup.messages.created_s
    np.testing.assert_array_equal(known, np.where(created_s >= 130.0, 8, 6))
    assert unaware.times == np.count_nonzero((created_s >= 100.0) & (created_s < 130.0))
    assert 100.0 <= unaware.first_s < unaware.last_s < 130.0


def test_producers_whose_phases_differ_come_to_know_one_after_the_other():
    its = grown(kafka())
    setup = setup_of(its)
    config = its.systems["s"]
    known, _ = known_of(setup, config.producer, counts_of(setup, config))
    created_s = setup.messages.created_s
    for low_s, high_s, share in ((0, 100, 0), (100, 160, 0.1), (220, 280, 0.5), (400, 600, 1)):
        those = (low_s <= created_s) & (created_s < high_s)
        assert np.mean(known[those] == 8) == pytest.approx(share, abs=0.03)


def test_a_producer_that_never_asks_again_never_knows():
    producer = {"client": "librdkafka", "topic.metadata.refresh.interval.ms": -1}
    its = grown(kafka(producer))
    setup = setup_of(its)
    config = its.systems["s"]
    assert set(known_of(setup, config.producer, counts_of(setup, config)).partitions) == {6}


def summary(its):
    (row,) = run(its).tables.summary.to_dict("records")
    return row


ONE = {"first_metadata_refreshes": [0], "metadata.max.age.ms": 1_000}


@pytest.mark.parametrize("key", [["k"], None])
def test_KB_16_latest_loses_exactly_what_came_before_the_group_had_the_new_partitions(key):
    """Producers know at 100 s, the group's leader asks at 200 s; of 8 partitions 2 are new."""
    group = {"first_metadata_refreshes": [200]}
    its = grown(kafka(ONE, **group) | {"partition_key": key})
    row = summary(its)
    assert row["lost"] == pytest.approx(20 * 103 * 2 / 8, rel=0.15)
    assert row["double_effects"] == 0
    assert summary(its.with_({"systems.s.groups.g.auto.offset.reset": "earliest"}))["lost"] == 0
    limits = run(its).tables.limits.set_index("key")
    assert limits.loc["auto.offset.reset", "times"] == row["lost"]
    assert set(run(its).tables.limits["path"]) >= {"groups.g.metadata.max.age.ms"}


def test_KP_17_keys_move_and_are_out_of_order_while_producers_disagree():
    group = {"first_metadata_refreshes": [200], "auto.offset.reset": "earliest"}
    row = summary(grown(kafka(**group)))
    assert row["lost"] == 0 and row["violations"] > 50
    agreed = summary(grown(kafka(ONE, **group)))
    assert agreed["violations"] == 0


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_KB_16_a_publisher_sends_to_new_partitions_once_its_client_has_asked(protocol):
    """Its client asks at 150 s and the group's at 200 s; by KIP-848 the group knows before."""
    producer = {"first_metadata_refreshes": [150]}
    its = {"auto.offset.reset": "latest", "group.protocol": protocol}
    if protocol == "classic":
        its["first_metadata_refreshes"] = [200]
    row = summary(grown(kafka(producer, {}, **its)))
    expected = 20 * 53 * 2 / 8 if protocol == "classic" else 0
    assert row["lost"] == pytest.approx(expected, rel=0.2)
    assert row["processed"] + row["lost"] == row["produced"]


def test_a_publisher_that_restarts_asks_at_once():
    """At 120 s, where its predecessor would have asked at 150 s."""
    producer = {"first_metadata_refreshes": [150]}
    crash = {"at": "120 s", "fault": "crash", "target": "s.publisher.0", "restart_after": "1 s"}
    group = {"first_metadata_refreshes": [200]}
    row = summary(grown(kafka(producer, {}, **group), ADDED, crash))
    assert row["lost"] == pytest.approx(20 * 83 * 2 / 8, rel=0.2)


def test_KB_17_a_lower_retention_deletes_what_a_group_that_is_behind_has_not_read():
    # 20 a second come and 10 are read: at 300 s some 3,000 have not been.
    system = kafka()
    system["topic"]["segment.ms"] = 60_000
    system["groups"]["g"] |= {"consumers": 1, "auto.offset.reset": "earliest"}
    lower = {"at": "300 s", "fault": "configs", "target": "s.topic", "retention.ms": 1_000}
    its = grown(system, lower, **{"workload.service": {"job": {"per_message": "100 ms"}}})
    assert altered_of(setup_of(its), its.systems["s"].topic) == [(300.0, 1.0, np.inf)]
    tables = run(its).tables
    lost = int(tables.summary["lost"].iloc[0])
    assert lost > 1_500
    row = tables.limits.set_index("key").loc["retention.ms"]
    assert row["value"] == "604800000, 1000 from 5 min on"
    assert row["times"] == lost and row["first_s"] == 300.0
    assert any("the topic is altered: retention.ms 1000" in text for text in tables.faults["text"])
    raised = {**lower, "retention.ms": -1, "retention.bytes": -1}
    assert run(grown(system, raised)).tables.summary["lost"].iloc[0] == 0
