"""A consumer group's keys: what is in effect, and what its client refuses, told at its key."""

from math import inf

import pytest

from helpers.scenario_files import GOOD
from sim.foundation.errors import ScenarioError
from sim.scenario.load import load
from sim.scenario.products.kafka_brokers import KafkaBrokers
from sim.scenario.products.kafka_consumer import ConsumerGroup, duration_s

SCENARIO = """\
name: refused
duration: 10 s
workload:
  arrivals: {profile: [{for: 10 s, rate: 30/s}]}
  keys: {player: {count: 20}}
  service: {work: {per_message: 1 ms}}
systems:
  kafka:
    product: kafka
    topic: {partitions: 3}
    groups:
      readers:
        consumers: 2
        does: [work]
"""
FIRST_LINE = SCENARIO.count("\n") + 1
BROKERS = KafkaBrokers()


def group(**keys):
    return ConsumerGroup.model_validate({"consumers": 3, "does": ["work"], **keys})


@pytest.mark.parametrize(
    ("keys", "at", "message"),
    [
        (["group.protocol: consumer", "session.timeout.ms: 9000"], "session.timeout.ms",
         "'session.timeout.ms' cannot be set with 'group.protocol: consumer': the broker decides"),
        (["group.remote.assignor: range"], "group.remote.assignor",
         "'group.remote.assignor' needs 'group.protocol: consumer'"),
        (["heartbeat.interval.ms: 45000"], "heartbeat.interval.ms",
         "'heartbeat.interval.ms' (45,000) must be less than 'session.timeout.ms' (45,000 ms)"),
        (["session.timeout.ms: 3000"], "session.timeout.ms",
         "'heartbeat.interval.ms' (3,000) must be less than 'session.timeout.ms' (3,000 ms)"),
        (["client: librdkafka", "max.poll.interval.ms: 9000"], "max.poll.interval.ms",
         "'max.poll.interval.ms' (9,000) must not be less than 'session.timeout.ms' (45,000 ms)"),
        (["client: librdkafka", "partition.assignment.strategy: sticky"],
         "partition.assignment.strategy",
         "librdkafka has no assignor 'sticky'; it has 'cooperative-sticky'"),
        (["enable.auto.offset.store: false"], "enable.auto.offset.store",
         "'enable.auto.offset.store' is a key of librdkafka; say 'client: librdkafka'"),
        (["commit: {how: async}"], "commit", "'commit' needs 'enable.auto.commit: false'"),
    ],
)  # fmt: skip
def test_KC_07_what_the_client_refuses_is_refused_with_its_line(tmp_path, keys, at, message):
    path = tmp_path / "refused.yaml"
    path.write_text(SCENARIO + "".join(f"        {key}\n" for key in keys))
    with pytest.raises(ScenarioError) as raised:
        load(path)
    line = FIRST_LINE + next(i for i, key in enumerate(keys) if key.startswith(at))
    assert str(raised.value) == f"{path}:{line}: systems.kafka.groups.readers.{at}: {message}"


def test_KC_05_who_says_when_a_member_is_dead():
    brokers = KafkaBrokers.model_validate(
        {"group.consumer.session.timeout.ms": 7_000, "group.consumer.heartbeat.interval.ms": 700}
    )
    found = [
        (its.session_ms(brokers), its.heartbeat_ms(brokers))
        for its in (
            group(),
            group(**{"session.timeout.ms": 6_000, "heartbeat.interval.ms": 10}),
            group(**{"group.protocol": "consumer"}),
        )
    ]
    assert found == [(45_000.0, 3_000.0), (6_000.0, 10.0), (7_000.0, 700.0)]


def test_KC_12_how_often_a_client_commits_by_itself():
    every = {"auto.commit.interval.ms": 0}
    assert group().auto_commit_s == 5.0
    assert group(**every).auto_commit_s == 0.001
    assert group(client="librdkafka", **every).auto_commit_s == inf
    assert group(**every, **{"enable.auto.commit": False}).auto_commit_s == -1.0


def test_librdkafka_hands_over_one_record_at_a_time():
    assert group(**{"max.poll.records": 7}).poll_records == 7
    assert group(client="librdkafka").poll_records == 1


def test_a_program_that_says_nothing_commits_after_each_batch_and_waits():
    commits = group(**{"enable.auto.commit": False}).program_commits
    assert (commits.when, commits.how, commits.per) == ("after", "sync", "batch")


def test_defaults_of_kafka_are_those_of_its_documentation():
    group = ConsumerGroup.model_validate({"consumers": 1, "does": ["x"]})
    assert group.model_dump(by_alias=True) == {
        "client": "java",
        "consumers": 1,
        "does": ["x"],
        "max.poll.records": 500,
        "max.poll.interval.ms": 300000,
        "max.partition.fetch.bytes": 1048576,
        "fetch.min.bytes": 1,
        "fetch.max.wait.ms": 500,
        "enable.auto.commit": True,
        "auto.commit.interval.ms": 5000,
        "auto.offset.reset": "latest",
        "discard": 0.00001,
        "starts": "established",
        "joins_at": 0,
        "enable.auto.offset.store": True,
        "on_failure": {"backoff": 1, "then": "skip"},
        "group.protocol": "classic",
    }
    assert (group.assignor, group.cooperative) == ("range", False)
    producer = load(GOOD).systems["kafka"].producer
    assert producer.model_dump(by_alias=True) == {"client": "java", "linger.ms": 5}
    assert producer.batch_bytes == 16384


@pytest.mark.parametrize(
    ("given", "s"),
    [("PT1H", 3_600.0), ("P1DT2H3M4.5S", 93_784.5), ("p2d", 172_800.0), ("PT0.5S", 0.5)],
)
def test_an_offset_reset_by_duration_is_an_iso_8601_duration(given, s):
    group = {"consumers": 1, "does": ["x"], "auto.offset.reset": f"by_duration:{given}"}
    assert duration_s(ConsumerGroup.model_validate(group).auto_offset_reset) == s


@pytest.mark.parametrize("given", ["by_duration:", "by_duration:P", "by_duration:1h", "Latest", 5])
def test_other_offset_resets_are_refused(given):
    with pytest.raises(ValueError, match=r"expected latest, earliest, none or by_duration"):
        ConsumerGroup.model_validate({"consumers": 1, "does": ["x"], "auto.offset.reset": given})


def test_KC_19_what_is_read_by_default_depends_on_the_client():
    group = {"consumers": 1, "does": ["work"]}
    for keys, committed in (
        ({}, False), ({"client": "librdkafka"}, True),
        ({"isolation.level": "read_committed"}, True),
        ({"client": "librdkafka", "isolation.level": "read_uncommitted"}, False),
    ):  # fmt: skip
        assert ConsumerGroup.model_validate({**group, **keys}).reads_committed is committed


def test_how_often_a_client_asks_for_metadata_is_its_own_key():
    """KB-16: 5 minutes, of both clients."""
    base = {"consumers": 1, "does": ["x"]}
    java = ConsumerGroup.model_validate(base)
    assert (java.metadata_key, java.metadata_s) == ("metadata.max.age.ms", 300.0)
    rd = {**base, "client": "librdkafka", "topic.metadata.refresh.interval.ms": -1}
    of_rd = ConsumerGroup.model_validate(rd)
    assert (of_rd.metadata_key, of_rd.metadata_s) == (
        "topic.metadata.refresh.interval.ms", float("inf"),
    )  # fmt: skip
    with pytest.raises(ValueError, match="is a key of librdkafka"):
        ConsumerGroup.model_validate({**rd, "client": "java"})
    other = ConsumerGroup.model_validate(
        {**base, "client": "librdkafka", "metadata.max.age.ms": 1_000}
    )
    assert other.metadata_s == 300.0
    assert [key for key, _ in other.metadata_without_effect()] == ["metadata.max.age.ms"]
