"""Limits that acted on groups of a log, in whole runs, by the products' own keys."""

from types import SimpleNamespace

from helpers.traffic import scenario
from sim.lab import run

TOPIC = {"partitions": 4}


def kafka(topic=(), **group):
    return {
        "product": "kafka",
        "topic": TOPIC | dict(topic),
        "groups": {"g": {"consumers": 2, "does": ["job"]} | group},
    }


def limits(system, *, group="g", rate="500/s", job="1 ms", faults=(), **service):
    """By key, of a group of the one system."""
    readers = system.get("groups") or system["applications"]
    jobs = {name for its in readers.values() for name in its["does"]}
    changes = {
        "systems": {"s": system},
        "faults": list(faults),
        "workload.arrivals.profile": [{"for": "100 s", "rate": rate}],
        "workload.service": {name: {"per_message": job, **service} for name in sorted(jobs)},
    }
    table = run(scenario(**changes)).tables.limits
    if table.empty:
        return {}
    found = table[(table["system"] == "s") & (table["group"] == group)].to_dict("records")
    return {row["key"]: SimpleNamespace(**row) for row in found}


def test_one_partition_keeps_records_from_a_consumer_that_is_idle():
    found = limits(kafka({"partitions": 1}), job="3 ms")
    limit = found["partitions"]
    assert (limit.path, limit.value, limit.target) == ("topic.partitions", "1", "partition 0")
    assert limit.times > 30_000 and 0 < limit.first_s < 1 and limit.last_s > 100
    assert [*found] == ["partitions"]


def test_a_dead_consumer_keeps_its_partitions_for_its_session():
    crash = {"at": "20 s", "fault": "crash", "target": "s.g.0"}
    its = {"session.timeout.ms": 10_000, "auto.commit.interval.ms": 2_000}
    found = limits(kafka(**its), faults=[crash])
    session, interval = found["session.timeout.ms"], found["auto.commit.interval.ms"]
    assert (session.path, session.value) == ("groups.g.session.timeout.ms", "10000")
    assert (session.target, session.times, session.first_s) == ("consumer 0", 1, 20.0)
    assert 27.0 < session.last_s <= 30.0
    assert interval.path == "groups.g.auto.commit.interval.ms"
    assert interval.times > 100 and interval.first_s == interval.last_s == 20.0


def away(**group):
    """Members leave at 20 s, and are back more than two minutes later; offsets last for one."""
    brokers = {"offsets.retention.minutes": 1, "offsets.retention.check.interval.ms": 1_000}
    leave = {"at": "20 s", "fault": "terminate", "target": "s.g.*", "restart_after": "150 s"}
    system = kafka(**group) | {"brokers": brokers}
    return limits(system, faults=[leave])


def test_KB_15_a_group_that_is_away_loses_its_offsets_and_is_reset():
    found = away()
    limit, reset = found["offsets.retention.minutes"], found["auto.offset.reset"]
    assert (limit.path, limit.value, limit.times) == ("brokers.offsets.retention.minutes", "1", 4)
    assert 80.0 <= limit.first_s == limit.last_s < 81.1
    assert reset.times > 20_000
    again = away(**{"auto.offset.reset": "earliest"})
    assert "offsets.retention.minutes" in again and "auto.offset.reset" not in again


def test_a_broker_has_the_session_of_the_consumer_protocol():
    crash = {"at": "20 s", "fault": "crash", "target": "s.g.0"}
    found = limits(kafka(**{"group.protocol": "consumer"}), faults=[crash])
    limit = found["group.consumer.session.timeout.ms"]
    assert limit.path == "brokers.group.consumer.session.timeout.ms"
    assert limit.value == "45000"


def test_a_call_a_record_where_it_takes_longer_than_the_work():
    slow = {"enable.auto.commit": False, "max.poll.records": 1}
    limit = limits(kafka(**slow), per_batch="6 ms")["max.poll.records"]
    assert (limit.path, limit.value) == ("groups.g.max.poll.records", "1")
    assert limit.times > 10_000
    # Enough at a time, or none that waits: it is no limit.
    assert "max.poll.records" not in limits(kafka(), per_batch="6 ms")
    assert "max.poll.records" not in limits(kafka(**slow), rate="20/s", per_batch="6 ms")


def test_a_commit_a_record_where_it_takes_longer_than_the_work():
    each = {"enable.auto.commit": False, "commit": {"per": "record"}}
    limit = limits({**kafka(**each), "latency": {"commit": "6 ms"}})["commit.per"]
    assert (limit.path, limit.value) == ("groups.g.commit.per", "record")


def test_what_is_deleted_before_it_is_read_and_what_is_then_passed_over():
    short = {"retention.ms": 5_000, "segment.ms": 1_000}
    system = kafka(short) | {"brokers": {"log.retention.check.interval.ms": 1_000}}
    found = limits(system, job="20 ms")
    assert (found["retention.ms"].path, found["retention.ms"].value) == (
        "topic.retention.ms", "5000",
    )  # fmt: skip
    assert found["retention.ms"].times > 1_000
    assert found["auto.offset.reset"].value == "latest"
    small = {"retention.bytes": 2 << 20, "segment.bytes": 1 << 20}
    system = kafka(small) | {"brokers": {"log.retention.check.interval.ms": 1_000}}
    assert "retention.bytes" in limits(system, rate="2000/s", job="20 ms")


def test_retries():
    poison = {"at": "20 s", "fault": "poison", "target": "s.g", "effect": "fail"}
    policy = {"attempts": 3, "backoff": "2 s", "then": "skip"}
    found = limits(kafka(on_failure=policy), faults=[poison])
    backoff, attempts = found["backoff"], found["attempts"]
    assert (backoff.path, backoff.value, backoff.times) == (
        "groups.g.on_failure.backoff", "2 s", 2,
    )  # fmt: skip
    assert (attempts.path, attempts.value, attempts.times) == (
        "groups.g.on_failure.attempts", "3", 1,
    )  # fmt: skip


def kinesis(applications=5, **its):
    polls = {"workers": 1, "retrievalMode": "POLLING"}
    polls |= {"idleTimeBetweenReadsInMillis": 200} | its
    return {
        "product": "kinesis",
        "stream": {"ShardCount": 2},
        "applications": {f"a{i}": polls | {"does": [f"job{i}"]} for i in range(applications)},
    }


def test_applications_that_poll_share_the_reads_of_a_shard():
    limit = limits(kinesis(), group="a3", rate="100/s", job="0.1 ms")["retrievalMode"]
    assert (limit.path, limit.value) == ("applications.a3.retrievalMode", "POLLING")
    assert "1000 ms from one read to the next" in limit.what
    assert not limits(kinesis(1), group="a0", rate="100/s", job="0.1 ms")
    assert not limits(kinesis(retrievalMode="FANOUT"), group="a0", rate="100/s", job="0.1 ms")


def test_a_lease_stands_until_others_have_seen_that_nobody_renews_it():
    crash = {"at": "20 s", "fault": "crash", "target": "s.a0.0"}
    system = kinesis(1, workers=2, retrievalMode="FANOUT")
    limit = limits(system, group="a0", rate="100/s", faults=[crash])["failoverTimeMillis"]
    assert (limit.path, limit.value) == ("applications.a0.failoverTimeMillis", "10000")
    assert (limit.target, limit.times, limit.first_s) == ("shard 0", 1, 20.0)


def test_a_stream_has_one_active_consumer():
    system = {
        "product": "rabbitmq_stream",
        "stream": {"partitions": 1},
        "groups": {"g": {"consumers": 2, "does": ["job"]}},
    }
    limit = limits(system, job="3 ms")["partitions"]
    assert (limit.path, limit.value) == ("stream.partitions", "1")
