"""What a run comes to, known before anything is drawn: against real runs, and what is refused."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from helpers.traffic import scenario
from sim.foundation.errors import LabError, ScenarioError
from sim.scenario.load import available, load
from sim.scenario.workload import Key
from sim.systems.size import Allowance, _commonest, check, free_bytes, memory, size
from sim.systems.windowed import HELD, at_a_time
from sim.traffic.generate import generate

TESTS = Path(__file__).parents[1]

KAFKA = {
    "product": "kafka",
    "topic": {"partitions": 12},
    "groups": {"g": {"consumers": 4, "does": ["job"]}},
}
SQS = {"product": "sqs", "queues": {"q": {"workers": 4, "does": ["job"]}}}
SHARE = {
    "product": "kafka",
    "topic": {"partitions": 12},
    "share_groups": {"g": {"consumers": 4, "does": ["job"]}},
}
KINESIS = {
    "product": "kinesis",
    "stream": {"ShardCount": 8},
    "applications": {"g": {"workers": 4, "does": ["job"]}},
}
RABBITMQ = {"product": "rabbitmq", "queues": {"q": {"consumers": 4, "does": ["job"]}}}
CELERY = {"product": "celery", "broker": "redis", "queues": {"q": {"workers": 4, "does": ["job"]}}}
STREAM = {
    "product": "rabbitmq_stream",
    "stream": {"partitions": 8},
    "groups": {"g": {"consumers": 4, "does": ["job"]}},
}

_MEASURE = """
import json, sys
from pathlib import Path
from helpers.traffic import scenario
from sim.lab import run
from sim.scenario.load import available, load
from sim.systems.size import size

def peak():
    # Not ru_maxrss: of a process that was forked, it begins at what its parent had.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) << 10

system, changes = json.loads(sys.argv[1])
changes["workload.service.job.per_message"] = "0.5 ms"
small = scenario(systems={"s": system}, **{"workload.service.job.per_message": "0.5 ms"})
run(small.with_(scale=0.01))
before = peak()
large = scenario(systems={"s": system}).with_(changes)
expected = size(large)
done = run(large)
produced = int(done.summary["produced"].iloc[0])
print(json.dumps([expected.messages, produced, expected.bytes, peak() - before]))
"""


def traffic(n, seconds):
    return {
        "workload.arrivals.profile": [{"for": seconds, "rate": n / seconds}],
        "duration": seconds,
    }


@pytest.mark.parametrize(
    ("system", "changes"),
    [
        (KAFKA, traffic(1_000_000, 2_000)),
        (SQS, traffic(1_000_000, 2_000)),
        (SHARE, traffic(1_000_000, 2_000)),
        (KINESIS, traffic(1_000_000, 2_000)),
        (RABBITMQ, traffic(1_000_000, 2_000)),
        (CELERY, traffic(1_000_000, 2_000)),
        (STREAM, traffic(1_000_000, 2_000)),
        (KAFKA, {**traffic(1_000_000, 2_000), "systems.s.topic.retention.ms": 10**6}),
        (SQS, {**traffic(3_000_000, 2_000), "systems.s.queues.q.MaxNumberOfMessages": 10}),
        (KAFKA, {"systems.s.topic.partitions": 2_000}),
        (KAFKA, {"systems.s.groups.g.consumers": 30_000}),
        (KAFKA, {"workload.keys.video.count": 2_000_000}),
        (KAFKA, {**traffic(1_000, 3e6)}),
        (
            KAFKA,
            {
                **traffic(10_000, 4_000),
                "faults": [
                    {"rate": 2, "fault": "crash", "target": "s.g.*", "restart_after": "1s"}
                ],
            },
        ),
    ],
    ids=["kafka", "sqs", "share group", "kinesis", "rabbitmq", "celery", "stream",
         "kafka at once", "sqs in windows that falls behind", "partitions", "consumers", "keys",
         "five weeks", "faults"],
)  # fmt: skip
def test_the_estimate_holds_against_a_real_run(system, changes):
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, json.dumps([system, changes])],
        capture_output=True, text=True, check=True, cwd=TESTS,
    )  # fmt: skip
    expected, produced, estimated, taken = json.loads(done.stdout)
    assert produced == pytest.approx(expected, abs=5 * expected**0.5)
    # Below 10 MB, what Python keeps at hand counts as much as the run.
    assert taken / 1.5 - 10e6 < estimated < 2.5 * taken + 10e6


@pytest.mark.parametrize(
    ("changes", "path", "what"),
    [
        ({"scale": 1e9}, "workload.arrivals", "messages"),
        ({"workload.arrivals.multiply": 1e12}, "workload.arrivals", "messages"),
        ({"systems.kafka.topic.partitions": 10**9}, "systems.kafka.topic.partitions", "partitions"),
        ({"systems.kafka.groups.g.consumers": 10**10}, "systems.kafka.groups.g", "consumers"),
        ({"workload.keys.video.count": 10**12}, "workload.keys", "combinations of keys"),
        (
            {
                "faults": [
                    {"rate": "1e6/s", "fault": "crash", "target": "kafka.g.*", "until": "1h"}
                ]
            },
            "faults.0.rate",
            "times that a fault strikes",
        ),
        (
            {
                "faults": [
                    {
                        "when": {"lag_over": 10**9, "every": "1us"},
                        "fault": "crash",
                        "target": "kafka.g.0",
                    }
                ]
            },
            "faults.0.when.every",
            "looks at a condition",
        ),
        (
            {
                "faults": [
                    {
                        "at": 0,
                        "fault": "autoscale",
                        "target": "kafka.g",
                        "scaler": {"lagThreshold": 5, "sync_period": "1us"},
                    }
                ]
            },
            "faults.0.scaler.sync_period",
            "looks of an autoscaler",
        ),
        (
            {"systems.kafka.brokers": {"log.retention.check.interval.ms": "1us"}},
            "systems.kafka.brokers",
            "checks of retention",
        ),
        (
            {"systems.kafka.groups.g.max.poll.interval.ms": "1us"},
            "systems.kafka.groups.g.max.poll.interval.ms",
            "members that are overdue",
        ),
        (
            {"systems": {"kafka": STREAM}, "systems.kafka.groups.g.flushInterval": "1us",
             "duration": "1h", "workload.arrivals.profile": [{"for": "1h", "rate": 1}]},
            "systems.kafka.groups.g.flushInterval",
            "offsets stored",
        ),
        (
            {"systems": {"kafka": SHARE},
             "systems.kafka.share_groups.g.max.poll.records": 2 * 10**9},
            "systems.kafka.share_groups.g.max.poll.records",
            "records of a poll",
        ),
        (
            {"systems": {"kafka": SQS}, "systems.kafka.servers": 10**10},
            "systems.kafka.servers",
            "servers",
        ),
        (
            {"systems": {"kafka": SQS}, "systems.kafka.producer.threads": 10**10},
            "systems.kafka.producer.threads",
            "senders",
        ),
        (
            {"systems": {"kafka": RABBITMQ}, "systems.kafka.producer.channels": 10**10},
            "systems.kafka.producer.channels",
            "senders",
        ),
        (
            {"systems.kafka.publisher": {}, "systems.kafka.brokers.count": 10**10},
            "systems.kafka.brokers.count",
            "brokers",
        ),
        (
            {"faults": [{"at": 1, "fault": "scale", "target": "kafka.g", "to": 10**10}]},
            "systems.kafka.groups.g",
            "consumers",
        ),
        (traffic(1e12, 8_760_000 * 3_600.0), "workload.arrivals", "messages"),
        (traffic(1, 1e-5), "drain_limit", "samples up to drain_limit"),
        (
            {
                **traffic(1_000, 8_760_000 * 3_600.0),
                "faults": [{"at": 5, "fault": "crash", "target": "kafka.g.0"}],
            },
            "duration",
            "looks for readers",
        ),
    ],
    ids=["scale", "messages", "partitions", "consumers", "keys", "rate", "condition",
         "autoscaler", "retention", "overdue", "flush", "poll", "servers", "threads", "channels",
         "brokers", "scaled up", "1,000 years", "10 us", "a fault in 1,000 years"],
)  # fmt: skip
def test_what_is_too_large_is_refused_at_its_key_at_once(changes, path, what):
    s = scenario().with_(changes)
    began = process_time()
    with pytest.raises(ScenarioError) as error:
        check(s, size(s), Allowance(seconds=60.0), 64e9)
    assert process_time() - began < 1.0
    (problem,) = error.value.problems
    assert problem.path == path
    assert f"most of it for {what}: change this or `scale`" in problem.message


def test_the_refusal_has_the_figures_and_the_way_out():
    retention = {"systems.kafka.topic.retention.ms": 60_000}
    s = scenario().with_({"workload.arrivals.multiply": 1e5} | retention)
    with pytest.raises(ScenarioError) as error:
        check(s, size(s), Allowance(), 8e9)
    assert "would take 450 GB of memory, more than the 8 GB free here" in str(error.value)
    assert "(estimated: 5 bn messages, 450 GB," in str(error.value)
    assert "or insist with `--max-memory 495GB`" in str(error.value)
    assert str(error.value).endswith(
        "kafka needs all messages at once, since retention deletes records"
    )
    check(s, size(s), Allowance(495e9), 8e9)
    with pytest.raises(ScenarioError, match=r"more than the 1 GB of --max-memory"):
        check(s, size(s), Allowance(1e9), 1e15)
    with pytest.raises(ScenarioError, match=r"of computing, more than 1 min .* `--max-time 1h`"):
        check(s, size(s), Allowance(1e15, 60.0), 8e9)


def test_a_duration_too_short_to_be_sampled_is_refused():
    s = scenario().with_(traffic(0, 1e-300))
    with pytest.raises(LabError, match="duration: too short to be sampled 600 times"):
        size(s)


def test_in_windows_memory_follows_what_waits():
    def of(millions, **changes):
        s = scenario(systems={"s": KAFKA}).with_(traffic(millions * 1e6, 10_000) | changes)
        return size(s)

    whole, in_windows, larger = of(0.99), of(1.0), of(8.0)
    assert in_windows.bytes < whole.bytes < 0.99 / 8 * of(8.0, **{"faults": POISON}).bytes * 1.1
    assert larger.bytes == pytest.approx(in_windows.bytes, rel=0.01)
    assert larger.seconds > 7 * in_windows.seconds
    # 4 consumers do 4,000 a second: of 80,000 that come in 10 s, half must wait.
    assert of(8.0, **traffic(8e6, 100)).bytes > 4e6 * (45 + 17)
    assert of(9.0, **{"systems.s.topic.retention.ms": 60_000}).bytes > 9e6 * (45 + 17)


POISON = [{"at": 1, "fault": "poison", "effect": "fail", "target": "s.g"}]


def test_systems_count_one_by_one_or_together():
    s = scenario(systems={"a": KAFKA, "b": KAFKA})
    found = size(s)
    one = size(scenario(systems={"a": KAFKA}))
    assert found.systems == 2
    assert found.bytes == one.bytes
    assert found.bytes_side_by_side == pytest.approx(2 * one.bytes - one.workload.bytes)
    assert found.workload.bytes == one.workload.bytes > 0
    assert found.seconds == pytest.approx(2 * one.seconds - one.workload.seconds)


def test_every_message_of_a_life_and_of_a_file_counts(tmp_path):
    life = {"states": ["a", "b", "c"], "gap": "1s", "amount": {"median": 5, "p99": 50}}
    s = scenario().with_({"workload.keys": {"order": {"lifecycle": life}}})
    assert size(s).messages == pytest.approx(150_000)
    path = tmp_path / "cases.csv"
    path.write_text("case,seq,timestamp,activity\na,0,2020-01-01,x\na,1,2020-01-02,y\n")
    s = scenario().with_({"workload.keys": {"order": {"count": 1}}, "workload.cases": str(path)})
    assert size(s).messages == 2
    path.write_bytes(b"\xff")
    with pytest.raises(LabError, match=r"cases\.csv: not a text file in UTF-8"):
        size(s)


def test_memory_in_words_can_be_read_again():
    assert [memory(n) for n in (5, 3.5e8, 1.23e9, 2.82e14)] == [
        "1 MB", "350 MB", "1.2 GB", "282000 GB",
    ]  # fmt: skip
    assert 1 << 20 < free_bytes() < 1 << 50


def with_cases(path):
    return scenario().with_({"workload.keys": {"order": {"count": 1}}, "workload.cases": str(path)})


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv.gz", gzip.compress(random.Random(1).randbytes(4_000))[:-900], "cut short: the"),
        ("a.csv.gz", b"no gzip at all", "cannot be unpacked"),
        ("a.csv", b"case,seq\n\xff\xfe,0\na,1\n", "not a text file"),
    ],
)
def test_a_file_of_cases_that_cannot_be_read_is_told_of(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LabError, match=f"{name}: {says}"):
        size(with_cases(path))


@pytest.mark.parametrize("path", available(), ids=lambda path: path.stem)
def test_the_messages_of_a_shipped_scenario_are_foreseen_and_it_is_not_refused(path):
    try:
        s = load(path)
        found = size(s)
    except LabError as error:  # a trace that is not shipped
        pytest.skip(str(error))
    # Counts vary twice as much as a Poisson process at most: the root of twice the mean.
    assert len(generate(s)) == pytest.approx(found.messages, abs=5 * (2 * found.messages) ** 0.5)
    check(s, found, Allowance(), 1e9)


def test_all_that_came_since_a_hot_partition_fell_behind_is_held():
    # 4,000 a second; a member does 400. An eighth have one key: 500 a second, 400,000 messages
    # have come since the oldest of them when arrivals end.
    def held(hot):
        weights = {"hot": hot, **{f"k{i}": 1.0 for i in range(700)}}
        s = scenario(**{
            "workload.arrivals": {"profile": [{"for": 500, "rate": 100}]}, "duration": 500,
            "workload.keys": {"k": {"weights": weights}}, "scale": 40,
            "workload.service": {"job": {"per_message": 0.0025}},
            "systems": {"kafka": {**KAFKA, "partition_key": ["k"]}},
        })  # fmt: skip
        return next(part.bytes for part in size(s).parts if part.what == "messages")

    in_windows = HELD * at_a_time(load("tournament_spike"))
    assert held(100.0) / held(1.0) == pytest.approx((in_windows + 400_000) / in_windows, rel=0.01)


@pytest.mark.parametrize(("count", "zipf"), [(5, 0.0), (2_000, 0.7), (3_000, 1.0), (5_000, 1.4)])
def test_the_share_of_the_commonest_value_is_that_of_the_weights(count, zipf):
    weights = np.arange(1, count + 1.0) ** -zipf
    assert _commonest(Key(count=count, zipf=zipf)) == pytest.approx(1 / weights.sum(), rel=0.01)
