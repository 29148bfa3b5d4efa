"""Incidents that others reported, rebuilt: what came out there must come out here.

The reports are public; the figures are what they say, or follow from what they say.
"""

import numpy as np
import pytest

from sim.causes.explain import explain
from sim.lab import run
from sim.producer.partitioners import murmur2, partitions_of
from sim.scenario.load import Scenario
from sim.traffic.generate import Work, generate
from sim.words.why import reason


def scenario(name, systems, arrivals, service, faults=(), drain_limit="4h", keys=None, **more):
    ramps = [a if isinstance(a, dict) else {"for": a[0], "rate": a[1]} for a in arrivals]
    duration = sum(ramp["for"] for ramp in ramps)
    return Scenario.from_mapping(
        {
            "name": name,
            "duration": f"{duration}s",
            "drain_limit": drain_limit,
            "workload": {
                "arrivals": {"profile": ramps},
                "keys": keys or {"k": {"count": 100_000}},
                "order_by": list(keys or "k")[:1],
                "service": service,
            },
            "systems": systems,
            "faults": list(faults),
            **more,
        }
    )


def celery(countdown, broker, **keys):
    queue = {"workers": 2, "does": ["task"], "task": {"countdown": countdown}}
    return {"product": "celery", "broker": broker, "queues": {"q": queue}, **keys}


def reminders():
    """kombu 337, celery 2481: on Redis at its defaults, and with a timeout of 12 hours."""
    longer = {"config": {"broker_transport_options": {"visibility_timeout": 43_200}}}
    return scenario(
        "eta",
        {"an_hour": celery("150m", "redis"), "half_a_day": celery("150m", "redis", **longer)},
        [(3_600, "10/min")],
        {"task": {"per_message": "50 ms"}},
    )


def grades():
    """celery 6760, openedx 32811."""
    return scenario(
        "grades",
        {"rabbit": celery("60m", "rabbitmq", config={"task_acks_late": True})},
        [(3_600, "10/min")],
        {"task": {"per_message": "1 s"}},
    )


def hoarded():
    """rabbitmq-server 14485."""
    hold = {"consumers": 1, "does": ["hold"]}
    quorum = {**hold, "arguments": {"x-queue-type": "quorum"}}
    return scenario(
        "hold",
        {
            name: {"product": "rabbitmq", "queues": {"hold": queue}}
            for name, queue in {"classic": hold, "quorum": quorum}.items()
        },
        [(10, "500/s"), (110, "1/s")],
        {"hold": {"per_message": "100 ms"}},
        [{"at": "30s", "fault": "scale", "target": "*.hold", "to": 4}],
        drain_limit="30m",
        seed=3,
    )


def backed_off():
    """spring-kafka 2542."""
    group = {
        "consumers": 2,
        "does": ["w"],
        "max.poll.interval.ms": 60_000,
        "on_failure": {"attempts": 3, "backoff": "10m", "then": "skip"},
    }
    kafka = {"product": "kafka", "topic": {"partitions": 4}, "partition_key": ["k"]}
    return scenario(
        "backoff",
        {
            "classic": {**kafka, "groups": {"w": group}},
            "consumer": {**kafka, "groups": {"w": {**group, "group.protocol": "consumer"}}},
        },
        [(600, "1/s")],
        {"w": {"per_message": "10 ms"}},
        [{"at": "1m", "fault": "poison", "target": "*.w", "effect": "fail"}],
        drain_limit="40m",
    )


def long_documents():
    """aiokafka 848: a rare document takes seven minutes, and a member may take five."""
    index = {
        "consumers": 3,
        "does": ["index"],
        "max.poll.records": 1,
        "enable.auto.commit": False,
    }
    kafka = {"product": "kafka", "topic": {"partitions": 6}, "partition_key": ["k"]}
    ten = {**index, "max.poll.interval.ms": 600_000}
    return scenario(
        "documents",
        {
            "five_min": {**kafka, "groups": {"index": index}},
            "librdkafka": {**kafka, "groups": {"index": _of_librdkafka(index)}},
            "ten_min": {**kafka, "groups": {"index": ten}},
        },
        [(1_800, "2/s")],
        {"index": {"per_message": "20 ms", "slow": {"share": 0.002, "time": "7m"}}},
        drain_limit="1h",
        seed=3,
    )


def _of_librdkafka(group):
    its = {key: value for key, value in group.items() if key != "max.poll.records"}
    return {**its, "client": "librdkafka"}


def innocents(**more):
    """rabbitmq-website 2207: its consumer dies of a message, and has ten; then it comes again."""
    quorum = {"x-queue-type": "quorum"}
    queues = {
        "prefetch_10": {"prefetch_count": 10, "arguments": quorum},
        "prefetch_1": {"prefetch_count": 1, "arguments": quorum},
        "dead_letters": {
            "prefetch_count": 10,
            "arguments": {**quorum, "x-dead-letter-exchange": "dead"},
        },
        "classic": {"prefetch_count": 10},
    }
    return scenario(
        "innocents",
        {
            name: {
                "product": "rabbitmq",
                "queues": {"ship": {"consumers": 1, "does": ["ship"], **queue}},
            }
            for name, queue in queues.items()
        },
        [(600, "50/s")],
        {"ship": {"per_message": "15 ms"}},
        [
            {"at": "4m50s", "fault": "pause", "target": "*.ship.0", "for": "20 s"},
            {
                "at": "5m",
                "fault": "poison",
                "target": "*.ship",
                "effect": "kill",
                "restart_after": "5 s",
            },
        ],
        drain_limit="10m",
        seed=3,
        **more,
    )


def short_of_partitions():
    """keda 2908, 4791: a lag far over what 24 replicas are for, and there are not 24."""
    return scenario(
        "keda",
        {
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": 24},
                "partition_key": ["k"],
                "groups": {
                    "scores": {
                        "consumers": 1,
                        "does": ["score"],
                        "partition.assignment.strategy": "cooperative-sticky",
                    }
                },
            }
        },
        [{"for": 3_000, "from": "10/s", "to": "250/s"}, (600, "250/s")],
        {"score": {"per_message": "100 ms"}},
        [
            {
                "at": 0,
                "fault": "autoscale",
                "target": "kafka.scores",
                "startup": "5 s",
                "scaler": {"lagThreshold": 1_000, "minReplicaCount": 1, "maxReplicaCount": 24},
            }
        ],
        drain_limit="5m",
        seed=5,
    )


def produced_in_a_loop():
    """confluent-kafka-dotnet 703: 250,000 calls of produce() one after the other."""
    system = {
        "product": "kafka",
        "topic": {"partitions": 3, "replication.factor": 3},
        "partition_key": ["k"],
        "publisher": {"order": "produce"},
        "groups": {"readers": {"consumers": 3, "does": ["read"]}},
    }
    million = {"queue.buffering.max.messages": 1_000_000}
    return scenario(
        "loop",
        {
            "default": {**system, "producer": {"client": "librdkafka"}},
            "million": {**system, "producer": {"client": "librdkafka", **million}},
            "java": {**system, "producer": {"client": "java"}},
        },
        [(2, "125000/s"), (58, "10/s")],
        {"read": {"per_message": "0.001 ms"}},
        [
            {
                "at": 0.1,
                "fault": "broker_slow",
                "target": "*.broker.*",
                "for": "10 s",
                "extra": "1 s",
            }
        ],
        drain_limit="5m",
        seed=2,
    )


def away():
    """conduktor, KIP-211: a group is without members for longer than its offsets are kept."""
    kafka = {
        "product": "kafka",
        "topic": {"partitions": 4},
        "partition_key": ["k"],
        "brokers": {"offsets.retention.minutes": 5},
    }
    group = {"consumers": 2, "does": ["w"]}
    return scenario(
        "away",
        {
            reset: {**kafka, "groups": {"w": {**group, "auto.offset.reset": reset}}}
            for reset in ("latest", "earliest")
        },
        [(3_600, "5/s")],
        {"w": {"per_message": "10 ms"}},
        [{"at": "10m", "fault": "terminate", "target": "*.w.*", "restart_after": "25m"}],
        seed=7,
    )


def slow_transactions():
    """spring-kafka 1612, xtdb 5516: transactions are open for longer than transaction.timeout.ms.

    Requests take 12 s for a minute, and transactions may be open for 8. What is polled at 144 s is
    sent when it is whole, half a second later, and stored at 150.5: open for 8 s at 158.5, aborted
    when the coordinator looks at 160, and committed in vain at 162.5, as is known at 168.5.
    """
    kafka = {
        "product": "kafka",
        "topic": {"partitions": 4, "replication.factor": 3},
        "partition_key": ["k"],
        "publisher": {"order": "transaction", "per_message": "1 ms"},
        "groups": {"w": {"consumers": 2, "does": ["w"], "isolation.level": "read_committed"}},
    }
    whole = {"linger.ms": 1_000, "batch.size": 1_000_000}
    brief = {"transaction.timeout.ms": 8_000, **whole}
    usual = {"transaction.timeout.ms": 60_000, **whole}
    again = {"producer": brief, "publisher": {**kafka["publisher"], "on_fenced": "replace"}}
    return scenario(
        "fenced",
        {
            "brief": {**kafka, "producer": brief},
            "usual": {**kafka, "producer": usual},
            "again": {**kafka, **again},
            "open": {**kafka, **again, "groups": {"w": {"consumers": 2, "does": ["w"]}}},
        },
        [(420, "40/s")],
        {"w": {"per_message": "1 ms"}},
        [
            {
                "at": "2m", "fault": "broker_slow", "target": "*.broker.*",
                "extra": "12 s", "for": "60 s",
            }
        ],
        drain_limit="10m",
        seed=5,
    )  # fmt: skip


def more_partitions():
    """kafka 10167, sarama 1739: partitions are added, and clients see it minutes later.

    The producers ask at 5 min, the leader of the group at 7 min.
    """
    kafka = {
        "product": "kafka",
        "topic": {"partitions": 6},
        "partition_key": ["k"],
        "producer": {"first_metadata_refreshes": ["5m"]},
    }
    group = {"consumers": 3, "does": ["w"], "first_metadata_refreshes": ["7m"]}
    disagree = {"first_metadata_refreshes": None}
    return scenario(
        "partitions",
        {
            "latest": {**kafka, "groups": {"w": group}},
            "earliest": {**kafka, "groups": {"w": {**group, "auto.offset.reset": "earliest"}}},
            "many": {
                **kafka,
                "producer": disagree,
                "groups": {"w": {**group, "auto.offset.reset": "earliest"}},
            },
        },
        [(900, "10/s")],
        {"w": {"per_message": "10 ms"}},
        [{"at": "4m", "fault": "partitions", "target": "*.topic", "to": 8}],
        keys={"k": {"count": 100}},
        seed=2,
    )


def three_warehouses():
    """pubudu.dev on Lambda and FIFO queues: three message groups, whatever the fleet."""
    book = {
        "workers": 20,
        "does": ["book"],
        "FifoQueue": True,
        "ReceiveMessageWaitTimeSeconds": 20,
        "VisibilityTimeout": 60,
    }
    groups = {"by_warehouse": ["warehouse"], "by_order": ["warehouse", "order"]}
    return scenario(
        "fifo",
        {
            name: {"product": "sqs", "queues": {"book": {**book, "MessageGroupId": group}}}
            for name, group in groups.items()
        },
        [(600, "20/s")],
        {"book": {"per_message": "300 ms"}},
        drain_limit="2h",
        keys={"warehouse": {"count": 3}, "order": {"count": 100}},
        seed=4,
    )


def reserved():
    """OasisPlatform 436: analyses, some of 20 minutes, on ten workers of one child."""
    one = {"worker_prefetch_multiplier": 1, "task_acks_late": True}
    return scenario(
        "analyses",
        {
            name: {
                "product": "celery",
                "config": {"worker_concurrency": 1, **config},
                "queues": {"jobs": {"workers": 10, "does": ["analyse"]}},
            }
            for name, config in {"default": {}, "one_at_a_time": one}.items()
        },
        [(60, "40/min"), (540, "2/min")],
        {"analyse": {"per_message": "20 s", "slow": {"share": 0.1, "time": "20m"}}},
        seed=6,
    )


def images():
    """RolnickLab/antenna 1228: 640 tasks a minute come in, 283 go out."""
    return scenario(
        "antenna",
        {
            "eight": {
                "product": "celery",
                "broker": "rabbitmq",
                "config": {"worker_concurrency": 8},
                "queues": {"antenna": {"workers": 1, "does": ["save"]}},
            }
        },
        [(3_600, "640/min")],
        {"save": {"per_message": {"exponential": "1.696 s"}}},
        seed=6,
    )


def pollers():
    """AWS on enhanced fan-out: a shard answers five reads a second, of all applications."""
    jobs = "abcde"
    poll = {"workers": 1, "retrievalMode": "POLLING", "idleTimeBetweenReadsInMillis": 200}
    kinds = {
        "one": {"all": {**poll, "does": list(jobs)}},
        "five": {job * 2: {**poll, "does": [job]} for job in jobs},
        "fan_out": {job * 2: {"workers": 1, "does": [job]} for job in jobs},
    }
    return scenario(
        "pollers",
        {
            name: {
                "product": "kinesis",
                "stream": {"ShardCount": 1},
                "partition_key": ["k"],
                "applications": applications,
            }
            for name, applications in kinds.items()
        },
        [(60, "100/s")],
        {job: {"per_message": "0.05 ms"} for job in jobs},
        seed=4,
    )


def throttled():
    """solita, nextpoint: pollers receive more than the reserved concurrency lets run.

    Half of what comes in can be done in time; with MaximumConcurrency the rest waits.
    """
    function = {"BatchSize": 10, "ReservedConcurrentExecutions": 5}
    queue = {"does": ["w"], "VisibilityTimeout": 30, "RedrivePolicy": {"maxReceiveCount": 3}}
    functions = {"reserved": function, "capped": {**function, "MaximumConcurrency": 5}}
    return scenario(
        "throttled",
        {
            name: {"product": "sqs", "queues": {"w": {**queue, "lambda": its}}}
            for name, its in functions.items()
        },
        [(600, "10/s")],
        {"w": {"per_message": "1 s"}},
        seed=1,
    )


def failing_record():
    """AWS, techwithdb: a function on a stream fails on one record, for ever by default."""
    told = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:::dead"}}}
    isolated = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 2, **told}
    functions = {
        "default": {"MaximumRetryAttempts": -1},
        "two_retries": {"MaximumRetryAttempts": 2, **told},
        "isolated": isolated,
        "a_minute": {"MaximumRecordAgeInSeconds": 60, **told},
    }
    return scenario(
        "record",
        {
            name: {
                "product": "kinesis",
                "stream": {"ShardCount": 2},
                "partition_key": ["k"],
                "applications": {"w": {"does": ["w"], "lambda": function}},
            }
            for name, function in functions.items()
        },
        [(600, "20/s")],
        {"w": {"per_message": "10 ms"}},
        [{"at": "2m", "fault": "poison", "target": "*.w", "effect": "fail"}],
        drain_limit="20m",
        keys={"k": {"count": 100}},
        seed=2,
    )


def failing_customer():
    """AWS, serverlessguru: a message that fails holds up its group until the dead letters."""
    book = {
        "workers": 8,
        "does": ["book"],
        "FifoQueue": True,
        "MessageGroupId": ["k"],
        "MaxNumberOfMessages": 10,
        "ReceiveMessageWaitTimeSeconds": 20,
        "VisibilityTimeout": 120,
    }
    redrive = {"RedrivePolicy": {"maxReceiveCount": 5}}
    return scenario(
        "customer",
        {
            name: {
                "product": "sqs",
                "producer": {"threads": 1},
                "queues": {"book": {**book, **policy}},
            }
            for name, policy in {"five": redrive, "for_ever": {}}.items()
        },
        [(2_400, "20/s")],
        {"book": {"per_message": "20 ms"}},
        [{"at": "5m", "fault": "poison", "target": "*.book", "effect": "fail"}],
        drain_limit="40m",
        keys={"k": {"count": 20}},
        seed=4,
    )


def test_CE_11_an_eta_beyond_the_visibility_timeout_runs_once_for_each_copy_that_it_meets():
    """kombu 337, celery 2481: reminders two and a half hours ahead, on Redis at its defaults.

    Handed out again after an hour and after two, a task is in three copies when its ETA comes; the
    first acknowledgement ends it. With a timeout of 12 hours there is one.
    """
    its = reminders()
    tables = run(its).tables
    rows = {row["system"]: row for row in tables.summary.to_dict("records")}
    produced = rows["an_hour"]["produced"]
    assert produced > 550
    assert rows["an_hour"]["double_effects"] == 2 * produced
    assert rows["half_a_day"]["double_effects"] == rows["half_a_day"]["extra_deliveries"] == 0
    assert rows["an_hour"]["processed"] == rows["half_a_day"]["processed"] == produced
    (warning,) = [text for text in its.warnings if "visibility_timeout" in text]
    assert "countdown" in warning and "an_hour" in warning


def test_RQ_06_a_countdown_beyond_the_acknowledgement_timeout_is_delivered_again_and_again():
    """celery 6760, openedx 32811: a countdown of an hour, RabbitMQ's consumer_timeout of 30 min.

    The broker looks once a minute: taken back after 30 to 31 min, and again; then its ETA comes.
    """
    its = grades()
    tables = run(its).tables
    (row,) = tables.summary.to_dict("records")
    assert row["processed"] == row["produced"] > 550
    assert 1.8 * row["produced"] < row["extra_deliveries"] <= 2 * row["produced"]
    (warning,) = [text for text in its.warnings if "consumer_timeout" in text]
    assert "countdown" in warning
    given_longer = its.with_({"systems.rabbit.consumer_timeout": 7_200_000})
    assert run(given_longer).tables.summary["extra_deliveries"][0] == 0
    newer = its.with_({"systems.rabbit.broker_version": "4.3"})
    assert run(newer).tables.summary["extra_deliveries"][0] == 0


def test_RQ_03_without_a_prefetch_one_consumer_holds_what_others_could_do():
    """rabbitmq-server 14485: three consumers join when one was sent everything, or 2,000 of it.

    5,000 messages of 100 ms: the one needs 500 s for them; on a quorum queue four of them work on
    what is left, and are done after 230 s or so.
    """
    its = hoarded()
    rows = {row["system"]: row for row in run(its).tables.summary.to_dict("records")}
    assert 120 + rows["classic"]["drain_s"] == pytest.approx(500, abs=15)
    assert 120 + rows["quorum"]["drain_s"] == pytest.approx(230, abs=10)


def test_KC_23_a_back_off_beyond_max_poll_interval_costs_one_member_after_the_other():
    """spring-kafka 2542: 60 s after a failure its member is out, and the next one fails as well.

    With a back-off of ten minutes both members of a group are out, and all partitions stand still
    until the first is back.
    """
    its = backed_off()
    tables = run(its).tables
    for system, rows in tables.faults.groupby("system"):
        out = rows[rows["text"].str.contains("exceeded max.poll.interval.ms")]
        first_s, second_s = out["t_s"].iloc[:2]
        assert 120 <= first_s < 130 and 60 <= second_s - first_s < 66, system
        assert out["text"].iloc[0] != out["text"].iloc[1], "another member"
        series = tables.series[tables.series["system"] == system]
        still = series[(series["t_s"] > second_s + 1) & (series["t_s"] < 660)]
        assert np.ptp(still["processed"]) == 0
    (warning,) = [text for text in its.warnings if "'classic'" in text or "classic" in text]
    assert "backoff" in warning and "max.poll.interval.ms" in warning


def rows_of(its):
    """Of the summary, by system; and by system and group where there are several."""
    rows = run(its).tables.summary.to_dict("records")
    return {(row["system"], row["group"]): row for row in rows} | {
        row["system"]: row for row in rows
    }


def test_a_document_that_takes_longer_than_a_poll_may_comes_again_for_ever():
    rows = rows_of(long_documents())
    assert rows["five_min"]["unfinished"] > 2_000 < rows["librdkafka"]["unfinished"]
    assert rows["five_min"]["double_effects"] > 10
    assert rows["ten_min"]["unfinished"] == rows["ten_min"]["double_effects"] == 0


def test_innocents_go_with_a_message_that_kills_as_many_as_were_prefetched():
    rows = rows_of(innocents())
    assert (rows["prefetch_10"]["lost"], rows["prefetch_1"]["lost"]) == (10, 1)
    assert (rows["dead_letters"]["lost"], rows["dead_letters"]["dead_lettered"]) == (0, 10)
    assert rows["classic"]["lost"] == 0 < rows["classic"]["unfinished"]


def test_a_loop_of_produce_is_refused_what_the_client_has_no_room_for():
    rows = rows_of(produced_in_a_loop())
    assert rows["default"]["lost"] == pytest.approx(38_806, rel=0.01)
    assert rows["million"]["lost"] == rows["java"]["lost"] == 0


def test_KB_15_a_group_that_was_away_skips_what_came_or_reads_all_of_it_again():
    """Away for 25 min, of which its offsets outlast 5 to 15: none is left when it is back.

    Its members leave with what is in hand at 10 min, and are back 25 min later, or 0.1 s more; the
    group is whole after the initial rebalance delay of 3 s, and as much again for a latecomer.
    """
    its = away()
    rows = rows_of(its)
    created_s = generate(its).created_s
    left = int(np.searchsorted(created_s, 600.0))
    missed = [int(np.searchsorted(created_s, 2_100.0 + s)) - left for s in (3.0, 6.3)]
    assert missed[0] <= rows["latest"]["lost"] <= missed[1]
    assert rows["latest"]["double_effects"] == rows["earliest"]["lost"] == 0
    assert left <= rows["earliest"]["double_effects"] <= left + 1


def test_KB_16_what_comes_to_new_partitions_before_they_are_seen_is_lost_or_late():
    """For two minutes and the time that a rebalance takes, a heartbeat at most, to 2 of 8."""
    its = more_partitions()
    rows = rows_of(its)
    messages = generate(its)
    key, names = messages.keys_of(["k"])
    new = partitions_of(murmur2([name.encode() for name in names]), 8)[key] >= 6
    came_s = messages.created_s[new]
    least, most = (int(np.sum((came_s > 300.0) & (came_s < s))) for s in (420.0, 424.0))
    assert least <= rows["latest"]["lost"] <= most
    assert rows["earliest"]["lost"] == rows["many"]["lost"] == 0
    assert rows["earliest"]["violations"] == 0 < rows["many"]["violations"]


def test_three_message_groups_are_three_workers():
    rows = rows_of(three_warehouses())
    slow, quick = rows["by_warehouse"], rows["by_order"]
    assert slow["processed"] / (600 + slow["drain_s"]) == pytest.approx(9.4, abs=0.2)
    assert quick["drain_s"] < 1 and quick["max_time_lag_s"] < 1


def test_SS_15_what_pollers_receive_and_cannot_run_counts_as_received():
    """Good messages are in the dead-letter queue; none is with MaximumConcurrency as reserved."""
    its = throttled()
    rows = rows_of(its)
    assert rows["reserved"]["dead_lettered"] > 0.1 * rows["reserved"]["produced"]
    assert rows["capped"]["dead_lettered"] == rows["capped"]["extra_deliveries"] == 0
    for row in (rows["reserved"], rows["capped"]):
        assert row["processed"] + row["dead_lettered"] == row["produced"]
        assert row["lost"] == row["unfinished"] == 0
    # With little to do, five pollers are enough, and all of them may run: nothing is wrong.
    quiet = its.with_({"workload.service.w.per_message": "10 ms"})
    for row in rows_of(quiet).values():
        assert row["dead_lettered"] == row["extra_deliveries"] == 0
        assert row["max_time_lag_s"] < 1
    assert all(one.first is None for one in explain(quiet).groups)


def test_reserved_tasks_wait_for_a_long_one():
    rows = rows_of(reserved())
    assert rows["default"]["max_time_lag_s"] > 45 * 60
    assert rows["one_at_a_time"]["drain_s"] == pytest.approx(14 * 60, abs=60)


def test_what_eight_children_cannot_do_waits():
    (row,) = run(images()).tables.summary.to_dict("records")
    assert row["lag_at_end_of_arrivals"] == pytest.approx(21_420, rel=0.01)


def test_five_pollers_share_the_reads_of_a_shard():
    rows = rows_of(pollers())
    assert rows["one", "all"]["latency_p99_s"] < 0.4
    assert rows["five", "aa"]["latency_p99_s"] == pytest.approx(1.1, abs=0.1)
    assert 0.07 < rows["fan_out", "aa"]["latency_p50_s"] < 0.16


def test_a_failing_message_holds_up_its_group_for_timeout_times_receives():
    rows = rows_of(failing_customer())
    assert rows["five"]["max_time_lag_s"] == pytest.approx(5 * 120, abs=1)
    assert (rows["five"]["lost"], rows["five"]["dead_lettered"]) == (0, 1)
    assert rows["for_ever"]["unfinished"] > 2_000


def test_KN_06_07_08_09_a_record_that_fails_stops_its_shard_for_ever_or_as_long_as_it_may():
    its = failing_record()
    rows = rows_of(its)
    left = its.workload.arrivals.profile[0].rate * 480 / 2
    assert rows["default"]["unfinished"] == pytest.approx(left, rel=0.2)
    assert rows["default"]["drain_s"] == np.inf
    # 1 + 2 s of back-off, and then all of the batch from the record on, of which it is one.
    assert 1 <= rows["two_retries"]["dead_lettered"] <= 20
    assert rows["two_retries"]["max_time_lag_s"] == pytest.approx(3.5, abs=1)
    assert rows["isolated"]["dead_lettered"] == 1
    # What is behind the record in its first second is younger than a minute, and goes on.
    assert rows["a_minute"]["dead_lettered"] == 1
    assert rows["a_minute"]["max_time_lag_s"] == pytest.approx(61, abs=1.5)
    for system in ("two_retries", "isolated", "a_minute"):
        assert rows[system]["unfinished"] == rows[system]["lost"] == 0
    tables = run(its).tables
    (limit,) = tables.limits[tables.limits["system"] == "default"].to_dict("records")
    assert (limit["key"], limit["value"]) == ("MaximumRetryAttempts", "-1")


@pytest.mark.parametrize(
    ("its", "system", "group", "paths"),
    [
        (reminders, "an_hour", "q", ["config.broker_transport_options.visibility_timeout"]),
        (grades, "rabbit", "q", ["consumer_timeout"]),
        (backed_off, "classic", "w", ["groups.w.on_failure.backoff"]),
        (long_documents, "five_min", "index", ["groups.index.max.poll.interval.ms"]),
        (innocents, "prefetch_10", "ship", ["faults.1"]),
        (innocents, "classic", "ship", ["faults.1"]),
        (hoarded, "classic", "hold", ["queues.hold.prefetch_count"]),
        (hoarded, "quorum", "hold", ["queues.hold.prefetch_count"]),
        (
            short_of_partitions,
            "kafka",
            "scores",
            ["faults.0.scaler.tolerance", "faults.0.scaler.maxReplicaCount"],
        ),
        (
            produced_in_a_loop,
            "default",
            "readers",
            ["producer.queue.buffering.max.messages"],
        ),
        (slow_transactions, "brief", "w", ["producer.transaction.timeout.ms"]),
        (away, "latest", "w", ["brokers.offsets.retention.minutes"]),
        (away, "earliest", "w", ["brokers.offsets.retention.minutes"]),
        (more_partitions, "latest", "w", ["groups.w.auto.offset.reset"]),
        (more_partitions, "earliest", "w", ["groups.w.metadata.max.age.ms", "faults.0"]),
        (three_warehouses, "by_warehouse", "book", ["queues.book.MessageGroupId"]),
        (reserved, "default", "jobs", ["config.worker_prefetch_multiplier"]),
        (throttled, "reserved", "w", ["queues.w.lambda.ReservedConcurrentExecutions"]),
        (images, "eight", "antenna", ["queues.antenna.workers", "config.worker_concurrency"]),
        (pollers, "five", "aa", ["applications.aa.retrievalMode"]),
        (
            failing_customer,
            "five",
            "book",
            ["faults.0", "queues.book.VisibilityTimeout"],
        ),
        (failing_customer, "for_ever", "book", ["faults.0"]),
        (failing_record, "default", "w", ["applications.w.lambda.MaximumRetryAttempts"]),
    ],
)
def test_the_cause_that_was_reported_is_named_first(its, system, group, paths):
    first = explain(its(), system, group).first
    assert first is not None
    named = first.path.removeprefix(f"systems.{system}.")
    assert named in paths, first.said


def test_KP_20_a_transaction_beyond_its_timeout_ends_its_publisher_and_nobody_sends_the_rest():
    result = run(slow_transactions())
    summary = result.tables.summary.set_index("system")
    assert (summary["lost"] == 0).all()
    assert (summary["unfinished"] > 0).tolist() == [True, False, False, False]
    # The poll of 500 records that was aborted is read twice, if uncommitted ones are read.
    assert summary["double_effects"].tolist() == [0, 0, 0, 500]
    told = [row for row in result.tables.faults.itertuples() if "fenced" in row.text]
    assert {row.system for row in told} == {"brief", "again", "open"}
    (ended,) = [row.t_s for row in told if row.system == "brief"]
    assert ended == pytest.approx(168.5, abs=0.5)
    # Nothing that was created after 120 s is sent: 300 s of 40 a second.
    assert summary.loc["brief", "unfinished"] == pytest.approx(300 * 40, rel=0.02)
    limits = result.tables.limits
    (limit,) = limits[(limits["system"] == "brief") & (limits["value"] == "8000")].itertuples()
    assert (limit.key, limit.times, limit.first_s) == ("transaction.timeout.ms", 1, 160.0)


def test_what_eight_children_get_through_is_measured_over_the_backlog_not_in_the_best_step():
    """RolnickLab antenna 1228: 640 tasks a minute, 283 of which a worker of 8 children does.

    A task takes 1.696 s, so that eight do 4.72 a second: as many as eight over the mean of what was
    drawn, plus the few steps of Celery's own.
    """
    eight = {
        "product": "celery",
        "broker": "rabbitmq",
        "config": {"worker_concurrency": 8},
        "queues": {"antenna": {"workers": 1, "does": ["save"]}},
    }
    its = scenario(
        "antenna",
        {"eight": eight},
        [(3_600, "640/min")],
        {"save": {"per_message": {"exponential": "1.696 s"}}},
        drain_limit="3h",
        seed=6,
    )
    tables = run(its).tables
    (row,) = tables.summary.to_dict("records")
    possible = 8 / Work(its, ["save"]).draw(row["produced"]).mean()
    assert row["rate_per_s"] == pytest.approx(possible, rel=0.003)
    assert row["rate_low_per_s"] < possible < row["rate_high_per_s"]
    assert row["rate_high_per_s"] - row["rate_low_per_s"] < 0.15
    assert row["throughput_peak"] > 1.3 * possible
    assert row["rate_over_s"] > 7_800
    assert row["lag_at_end_of_arrivals"] == pytest.approx(21_420, rel=0.01)
    assert "has to grow" in reason(tables.summary, tables.duration_s)
