"""Ceilings: what is said when they are met, that `off` lifts them, and published figures."""

import numpy as np
import pytest

from sim.engine.outcome import CEILING
from sim.lab import run
from sim.scenario.load import load
from sim.words.findings import finding

CELERY_THREADS = """
    product: celery
    broker: redis
    config: {{worker_concurrency: 200}}
    latency: {{publish: 0 s, deliver: {way}, ack: {way}}}
    ceilings: {ceilings}
    queues: {{q: {{workers: 1, does: [w]}}}}
"""


def tables(tmp_path, system, *, rate, for_s, size="100 B", work="0 s", drain="10m"):
    """What a system, ``s``, makes of messages that are a job ``w`` each."""
    (tmp_path / "ceilings.yaml").write_text(f"""
name: ceilings
duration: {for_s}s
drain_limit: {drain}
workload:
  arrivals: {{profile: [{{for: {for_s}s, rate: {rate}/s}}]}}
  keys: {{k: {{count: 1000}}}}
  size: {size}
  service: {{w: {{per_message: {work}}}}}
systems:
  s:
{system}
""")
    return run(load(tmp_path / "ceilings.yaml")).tables


def said(tables):
    """What is told of ceilings, with the seconds from and until which."""
    met = tables.faults[tables.faults["text"].str.contains(CEILING)]
    return [(row["text"], row["t_s"], row["until_s"]) for _, row in met.iterrows()]


def rate_of(tables):
    """Messages processed a second, from the first creation to the last effect."""
    (row,) = tables.summary.to_dict("records")
    return row["processed"] / (tables.duration_s + row["drain_s"])


def kafka(ceilings, **topic):
    given = "".join(f", {key}: {value}" for key, value in topic.items())
    return f"""
    product: kafka
    topic: {{partitions: 2{given}}}
    partition_key: [k]
    brokers: {{count: 3}}
    ceilings: {ceilings}
    groups: {{g: {{consumers: 2, does: [w]}}}}
"""


def test_KB_14_a_full_partition_is_told_of_by_its_key_and_when(tmp_path):
    # 1,000 records of 1,000 B a second, about half of them for each partition.
    found = tables(tmp_path, kafka("{partition: 400 kB}"), rate=1_000, for_s=10, size="1000 B")
    ((text, from_s, until_s),) = said(found)
    assert text == (
        f"partitions 0 and 1 {CEILING}, ceilings.partition 0.4 MB/s; records wait to be appended"
    )
    # 0.1 s behind at 0.1 / (1 - 0.4 / 0.5) s; all are appended after 10 MB / 0.8 MB/s.
    assert from_s == pytest.approx(0.5, abs=0.25)
    assert until_s == pytest.approx(12.5, abs=0.5)
    (limit,) = found.limits.query("group == 'publisher'").to_dict("records")
    assert (limit["key"], limit["path"]) == ("ceilings.partition", "ceilings.partition")
    assert (limit["value"], limit["target"]) == ("400000", "partitions 0 and 1")
    assert (limit["first_s"], limit["last_s"]) == (from_s, until_s)
    assert 1_000 < limit["times"] < 10_000


def test_KB_14_a_full_broker_is_told_of_with_all_its_keys(tmp_path):
    found = tables(tmp_path, kafka("{broker: 400 kB, requests: 9000}"), rate=1_000, for_s=5,
                   size="1000 B")  # fmt: skip
    ((text, _, _),) = said(found)
    assert text.startswith(
        f"brokers 0 and 1 {CEILING}, ceilings.broker 0.4 MB/s, ceilings.requests 9,000/s;"
    )
    (limit,) = found.limits.query("group == 'publisher'").to_dict("records")
    assert (limit["key"], limit["target"]) == ("ceilings.broker", "brokers 0 and 1")


def test_KC_24_a_consumer_without_work_handles_so_many_records_a_second(tmp_path):
    found = tables(tmp_path, kafka("{consumer: 400 us}"), rate=10_000, for_s=2)
    # Two consumers do 5,000 a second together, if their partitions are equally full.
    assert rate_of(found) == pytest.approx(5_000, rel=0.1)


@pytest.mark.parametrize("ceilings", ["off", "{apply: false}"])
def test_off_lifts_all_of_them(tmp_path, ceilings):
    found = tables(tmp_path, kafka(ceilings), rate=100_000, for_s=1, size="100 kB")
    assert said(found) == []
    assert found.summary["max_time_lag_s"][0] < 0.5
    met = tables(tmp_path, kafka("{}"), rate=100_000, for_s=1, size="100 kB")
    assert [text.split(" reaches")[0] for text, _, _ in said(met)] == [
        "partitions 0 and 1",
        "brokers 0 and 1",
    ]


# RabbitMQ's PerfTest, one publisher and one consumer of one queue, on one machine
# (rabbitmq/rabbitmq-perf-html, examples/various-result.js): with messages of 5,000 B, as fast as
# they could, 31,140 a second; and at given rates, up to which latencies stay about 1 ms (30,323/s:
# 1.08 ms) and from which they are tens of milliseconds (30,639/s: 17 ms, 30,955/s: 67 ms).
PERF_HTML = "{publish: 6.42 us, deliver: 25.69 us}"
KNEE = (30_323, 30_639)


def rabbitmq(ceilings):
    return f"""
    product: rabbitmq
    producer: {{channels: 500, batch: 1000}}
    latency: {{publish: 0.5 ms, deliver: 0.2 ms, ack: 0.2 ms}}
    ceilings: {ceilings}
    queues: {{q: {{consumers: 1, does: [w], no_ack: true}}}}
"""


@pytest.mark.parametrize(("rate", "level"), [(30_323 * 0.95, True), (30_639 * 1.05, False)])
def test_RQ_13_the_published_knee_of_one_queue_is_predicted_within_5_percent(tmp_path, rate, level):
    found = tables(tmp_path, rabbitmq(PERF_HTML), rate=int(rate), for_s=10)
    assert (said(found) == []) == level
    mean_s = found.summary["latency_p50_s"][0]
    assert (mean_s < 0.002) == level, mean_s


def test_RQ_13_a_full_queue_is_told_of_by_its_keys_and_when(tmp_path):
    found = tables(tmp_path, rabbitmq("{publish: 1 ms, deliver: 4 ms}"), rate=400, for_s=10)
    ((text, from_s, until_s),) = said(found)
    assert text == (
        f"q: the queue's process {CEILING}, ceilings.publish 1000 µs, ceilings.deliver 4000 µs: "
        "200 msg/s in and out; messages wait to get in"
    )
    assert from_s == pytest.approx(0.2, abs=0.1)  # 0.1 s behind when it has come twice as fast
    assert until_s == pytest.approx(20.0, abs=1.0)
    assert rate_of(found) == pytest.approx(200, rel=0.01)


def test_RQ_13_a_quorum_queue_carries_less_than_a_classic_one(tmp_path):
    # 88,534 and 70,067 a second are the figures of the defaults.
    for arguments, most in (("", 88_534), (", arguments: {x-queue-type: quorum}", 70_067)):
        system = rabbitmq("{}").replace("no_ack: true", f"no_ack: true{arguments}")
        found = tables(tmp_path, system, rate=120_000, for_s=2)
        assert rate_of(found) == pytest.approx(most, rel=0.01)


# One Celery worker with 200 threads over Valkey, 5,000 tasks, its start included, tasks a second
# (https://django-vtasks.glitchtip.com/benchmarks): that do nothing, that take 10 ms, and the latter
# with round trips of 2 ms. Processor time of a worker with threads and tasks of 10 ms, measured as
# that in `CeleryCeilings`: 0.81 ms, of the threads' own work too, for they share the interpreter.
@pytest.mark.parametrize(
    ("cpu", "work", "way", "published"),
    [
        ("0.81 ms", "0 s", "0.05 ms", 1_042),
        ("0.81 ms", "10 ms", "0.05 ms", 894),
        ("0.81 ms", "10 ms", "1 ms", 121),
    ],
)
def test_CE_12_the_published_rates_of_a_worker_within_25_percent(
    tmp_path, cpu, work, way, published
):
    system = CELERY_THREADS.format(way=way, ceilings=f"{{task: {cpu}, child: 0 s}}")
    found = tables(tmp_path, system, rate=5_000, for_s=1, work=work)
    assert found.summary["processed"][0] == pytest.approx(5_000, rel=0.1)
    assert rate_of(found) == pytest.approx(published, rel=0.25)


def test_CE_12_a_full_loop_is_told_of_by_its_key_and_its_trips(tmp_path):
    system = CELERY_THREADS.format(way="1 ms", ceilings="{}")
    found = tables(tmp_path, system, rate=1_000, for_s=2)
    ((text, from_s, until_s),) = said(found)
    assert text == (
        f"q: the main loop of worker 0 {CEILING}, ceilings.task 630 µs and 3 round trips a task"
    )
    assert from_s == pytest.approx(1.0, abs=0.05)
    assert until_s == pytest.approx(found.duration_s + found.summary["drain_s"][0], abs=1.0)


def test_a_finding_names_what_met_its_ceiling(tmp_path):
    system = rabbitmq("{publish: 1 ms, deliver: 4 ms}")
    found = tables(tmp_path, system, rate=400, for_s=10)
    words = finding(found.summary, duration_s=found.duration_s, faults=found.faults)
    assert f"q: the queue's process {CEILING}, ceilings.publish" in words
    assert np.isfinite(found.summary["drain_s"][0])
