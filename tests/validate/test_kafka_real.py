"""Configurations of real clients, from those of the scenario; a run where Kafka is installed."""

from pathlib import Path

import pytest

from helpers.real_plans import planned, short
from sim.foundation.errors import LabError
from sim.traffic.generate import generate
from sim.validate.fleet import RealClient
from sim.validate.kafka_real import (
    KafkaReal,
    KafkaStaging,
    _restarts,
    assigned,
    first_s,
    gaps_s,
    number_by_partitions,
    ticks,
)
from sim.validate.kafka_server import installed
from sim.validate.plan import plan


def _plan(**group):
    scenario = short(
        systems={
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": 2},
                "partition_key": ["k"],
                "groups": {"g": {"consumers": 2, "does": ["w"], **group}},
            }
        }
    )
    return plan(scenario, "kafka", generate(scenario))


def _given(made, group="g"):
    command = KafkaStaging("127.0.0.1:1", "t").consumer(made, group, Path("w"), Path("l"))
    return dict(word.split("=", 1) for word in command if "=" in word and word[0] != "-")


def test_a_java_consumer_is_given_the_scenarios_keys():
    given = _given(_plan(**{"session.timeout.ms": 6000, "heartbeat.interval.ms": 2000}))
    assert given["session.timeout.ms"] == "6000"
    assert given["heartbeat.interval.ms"] == "2000"
    assert given["max.poll.records"] == "500"
    assert given["enable.auto.commit"] == "true"
    assert given["auto.offset.reset"] == "earliest"
    assert "partition.assignment.strategy" not in given


def test_assignors_and_static_members_have_the_names_that_the_client_takes():
    cooperative = {"partition.assignment.strategy": "cooperative-sticky", "group.instance.id": "s"}
    given = _given(_plan(**cooperative))
    name = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
    assert given["partition.assignment.strategy"] == name
    assert given["group.instance.id"] == "s-{member}"
    given = _given(_plan(client="librdkafka", **cooperative))
    assert given["partition.assignment.strategy"] == "cooperative-sticky"
    assert given["fetch.wait.max.ms"] == "500"
    assert "max.poll.records" not in given


def test_a_program_that_commits_is_told_how():
    given = _given(_plan(**{"enable.auto.commit": False, "commit": {"per": "record"}}))
    assert (given["enable.auto.commit"], given["lab.commit"]) == ("false", "after.sync.record")


def test_librdkafka_stands_for_the_java_producer_with_its_partitioner():
    words = KafkaStaging("127.0.0.1:1", "t").producer(planned(), Path("m"), Path("l"))
    assert "partitioner=murmur2_random" in words
    assert "linger.ms=5" in words
    assert "batch.size=16384" in words


def test_what_a_consumer_has_is_the_sum_of_what_it_was_told():
    lines = [
        ["e", "1.0", "subscribed"],
        ["e", "2.0", "+", "0,1,2"],
        ["r", "0", "2.1", "2.2", "1", "0", "0"],
        ["e", "3.0", "-", "1"],
        ["e", "4.0", "+", "none"],
    ]
    assert assigned(lines) == {0, 2}


def test_timers_are_read_from_either_client(tmp_path):
    log = tmp_path / "g-0.log"
    lines = [["e", "5.5", "heartbeat"], ["e", "6.0", "commit"], ["e", "7.5", "heartbeat"]]
    java = RealClient(None, log, lines=lines)
    assert (ticks(java, "heartbeat"), ticks(java, "commit")) == ([5.5, 7.5], [6.0])
    log.with_suffix(".err").write_text(
        '%7|1795807270.505|CGRPOP|g-0#consumer-1| [thrd:main]: Group "g"\n'
        "%7|1795807271.250|HEARTBEAT|g-0#consumer-1| [thrd:main]: 127.0.0.1:1/1: "
        'Heartbeat for group "g" generation id 1\n'
        "%7|1795807271.500|COMMIT|g-0#consumer-1| [thrd:main]: 127.0.0.1:1/1: Committing offsets "
        "for 2 partition(s) with generation-id 1 in join-state steady: cgrp auto commit timer\n"
    )
    assert ticks(RealClient(None, log), "heartbeat") == [1795807271.25]
    assert ticks(RealClient(None, log), "commit") == [1795807271.5]


def test_a_timer_goes_on_from_its_last_time_before_the_start():
    class Fleet:
        clients = [  # noqa: RUF012
            RealClient(None, Path("a"), member=1, lines=[["e", "9.4", "heartbeat"]]),
            RealClient(None, Path("b"), member=0, lines=[["e", "10.7", "heartbeat"]]),
            # Its successor, later.
            RealClient(None, Path("c"), member=1, lines=[["e", "15.0", "heartbeat"]]),
        ]

    assert first_s(Fleet, "heartbeat", 2.0, 10.0) == [0.7, 1.4]
    assert first_s(Fleet, "commit", 2.0, 10.0) == []


def test_members_are_numbered_by_their_partitions():
    def client(member, partitions):
        lines = [["e", "1.0", "+", partitions]]
        return RealClient(None, Path("a"), member=member, lines=lines)

    class Fleet:
        places = [client(0, "2,3"), client(1, "none"), client(2, "0,1"), None]  # noqa: RUF012

    before = list(Fleet.places)
    number_by_partitions(Fleet)
    assert Fleet.places == [before[2], before[0], before[1], None]
    assert [c.member for c in Fleet.places[:3]] == [0, 1, 2]


def test_everything_arrives_once_through_a_real_broker(tmp_path):
    try:
        installed()
    except LabError as error:
        pytest.skip(str(error))
    made = _plan()
    with KafkaReal(None) as real:
        seen = real.run(made, tmp_path)
    done = seen.groups["g"].executions
    assert sorted(done["message"]) == list(range(len(made.messages)))
    assert sorted(seen.stored) == list(range(len(made.messages)))
    assert (done["started_s"] >= made.messages.created_s[done["message"]] - 0.001).all()
    (first,) = [value for key, value in seen.initial.items() if "first_heartbeats" in key]
    assert len(first) == 2


def test_how_long_a_process_was_gone_is_measured_and_put_into_the_model():
    def client(member, *lines):
        return RealClient(None, Path("a"), member=member, lines=[line.split() for line in lines])

    class Fleet:
        clients = [  # noqa: RUF012
            client(0, "e 1.0 subscribed", "x 10.0"),
            client(1, "e 1.0 subscribed", "x 50.0"),
            client(0, "e 12.4 subscribed", "x 50.0"),
        ]

    assert gaps_s(Fleet) == [pytest.approx(2.4)]
    fault = {"at": 1, "fault": "terminate", "target": "kafka.g.0", "restart_after": 0.2}
    (told,) = _restarts(planned([fault]), [0.7, 0.5, 0.6])["faults"]
    assert told["restart_after"] == 0.6
    assert _restarts(planned([fault]), []) == {}
    assert _restarts(planned(), [0.5]) == {}
