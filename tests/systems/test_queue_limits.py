"""Limits of queues in the words of their products, and what the timeline says of them."""

import pytest

from sim.lab import run
from sim.scenario.load import load


def tables(tmp_path, systems, *, rate="10/min", for_s=600, work="50 ms", faults="", drain="3h"):
    (tmp_path / "limits.yaml").write_text(f"""
name: limits
duration: {for_s}s
drain_limit: {drain}
workload:
  arrivals: {{profile: [{{for: {for_s}s, rate: {rate}}}]}}
  keys: {{k: {{count: 3}}}}
  service: {{w: {{per_message: {work}}}}}
systems:
  s: {systems}
{faults}
""")
    return run(load(tmp_path / "limits.yaml")).tables


def acted(found):
    """Of each limit that acted, by its path: value, target and how often."""
    if "path" not in found.limits:
        return {}
    return {
        row["path"]: (row["key"], row["value"], row["target"], row["times"])
        for row in found.limits.to_dict("records")
    }


def spent(found):
    """Mean seconds of each part that is not nothing."""
    rows = found.waits.set_index("part")["mean_s"]
    return {part: value for part, value in rows.items() if value > 1e-3}


def told(found):
    return found.faults["text"].tolist()


def test_CE_06_a_visibility_timeout_below_the_ETA_acts_and_the_ETA_is_no_harm(tmp_path):
    system = """{product: celery, broker: redis, ceilings: off,
        queues: {q: {workers: 2, does: [w], task: {countdown: 150m}}}}"""
    found = tables(tmp_path, system)
    path = "config.broker_transport_options.visibility_timeout"
    key, value, target, times = acted(found)[path]
    n = found.summary["processed"][0]
    assert (key, value, target) == ("visibility_timeout", "3600 s", "")
    assert times == 2 * n  # after an hour, and after two
    assert spent(found) == pytest.approx({"delay asked for": 9_000, "work": 0.05}, rel=1e-3)


def test_RQ_06_a_channel_closed_for_want_of_an_acknowledgement_is_told(tmp_path):
    system = """{product: celery, config: {task_acks_late: true},
        queues: {q: {workers: 1, does: [w], task: {countdown: 40m}}}}"""
    found = tables(tmp_path, system)
    key, value, target, times = acted(found)["consumer_timeout"]
    assert (key, value, target, times) == ("consumer_timeout", "1800 s", "consumer 0", 1)
    assert found.limits["what"].str.startswith("closed a channel").any()


POISON = "faults: [{at: 60 s, fault: poison, target: '*.q', effect: kill, restart_after: 5 s}]"


@pytest.mark.parametrize(
    ("dead", "said"), [("", "dropped"), (", x-dead-letter-exchange: d", "dead-lettered")]
)
def test_RQ_05_deaths_by_a_message_and_the_delivery_limit_are_told(tmp_path, dead, said):
    system = f"""{{product: rabbitmq, queues: {{q: {{consumers: 1, does: [w], prefetch_count: 1,
        arguments: {{x-queue-type: quorum{dead}}}}}}}}}"""
    found = tables(tmp_path, system, faults=POISON)
    assert told(found) == ["poison q", "q: consumer 0 killed by a message, 21 times"]
    row = found.limits.set_index("key").loc["x-delivery-limit"]
    assert row["what"] == f"had a message that had come back so often {said}"
    path = "queues.q.arguments.x-delivery-limit"
    assert acted(found)[path] == ("x-delivery-limit", "20", "", 1)


@pytest.mark.parametrize(("kind", "value"), [("classic", "0 (no limit)"), ("quorum", "0 (2,000)")])
def test_RQ_03_messages_held_by_one_consumer_while_others_are_idle(tmp_path, kind, value):
    system = f"""{{product: rabbitmq, queues: {{q: {{consumers: 1, does: [w],
        arguments: {{x-queue-type: {kind}}}}}}}}}"""
    faults = "faults: [{at: 30 s, fault: scale, target: '*.q', to: 4}]"
    found = tables(tmp_path, system, rate="60/s", for_s=60, faults=faults)
    key, found_value, _, times = acted(found)["queues.q.prefetch_count"]
    assert (key, found_value) == ("prefetch_count", value)
    assert times > 500
    assert spent(found)["held behind others"] > 1.0


def test_CE_05_tasks_reserved_behind_a_long_one(tmp_path):
    system = (
        "{product: celery, config: {worker_concurrency: 1}, queues: {q: {workers: 3, does: [w]}}}"
    )
    found = tables(
        tmp_path,
        system,
        rate="1/s",
        for_s=60,
        work="1 s, slow: {share: 0.1, time: 60 s}",
    )
    key, value, _, times = acted(found)["config.worker_prefetch_multiplier"]
    assert (key, value) == ("worker_prefetch_multiplier", "4")
    assert times > 0


def test_SF_01_three_message_groups_leave_seventeen_workers_idle(tmp_path):
    system = """{product: sqs, queues: {q: {workers: 20, does: [w], FifoQueue: true,
        MessageGroupId: [k], ReceiveMessageWaitTimeSeconds: 20}}}"""
    found = tables(tmp_path, system, rate="20/s", for_s=60, work="300 ms")
    key, value, _, times = acted(found)["queues.q.MessageGroupId"]
    assert (key, value) == ("MessageGroupId", "3 message groups")
    assert times > 1_000
    parts = spent(found)
    assert parts["head of line"] > 0.95 * sum(parts.values())
    assert "all consumers busy" not in parts
    workers = found.workers.set_index("activity")["share"]
    assert workers["idle"] > 0.8


def test_SF_01_a_message_that_fails_blocks_its_group_for_the_timeout_times_the_receives(tmp_path):
    system = """{product: sqs, queues: {q: {workers: 8, does: [w], FifoQueue: true,
        MessageGroupId: [k], VisibilityTimeout: 120, RedrivePolicy: {maxReceiveCount: 5}}}}"""
    faults = "faults: [{at: 60 s, fault: poison, target: '*.q', effect: fail}]"
    found = tables(tmp_path, system, rate="1/s", for_s=900, faults=faults)
    limits = acted(found)
    assert limits["queues.q.RedrivePolicy.maxReceiveCount"] == ("maxReceiveCount", "5", "", 1)
    assert limits["queues.q.VisibilityTimeout"][:2] == ("VisibilityTimeout", "120 s")
    row = found.limits.set_index("key").loc["VisibilityTimeout"]
    assert row["last_s"] - row["first_s"] == pytest.approx(600.0, abs=1.0)
    row = found.limits.set_index("key").loc["maxReceiveCount"]
    assert row["what"] == "had a message that had been received so often dead-lettered"


def test_all_children_busy_name_the_concurrency(tmp_path):
    system = (
        "{product: celery, config: {worker_concurrency: 2}, queues: {q: {workers: 1, does: [w]}}}"
    )
    found = tables(tmp_path, system, rate="4/s", for_s=60, work="{exponential: 1 s}")
    key, value, _, times = acted(found)["config.worker_concurrency"]
    assert (key, value) == ("worker_concurrency", "2")
    assert times > 200
    parts = spent(found)
    assert parts["all consumers busy"] > 0.9 * (sum(parts.values()) - parts["work"])


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        ("x-max-length: 5", "x-max-length", "5"),
        ("x-max-length: 5, x-overflow: reject-publish", "x-max-length", "5"),
        ("x-message-ttl: 2000", "x-message-ttl", "2 s"),
        ("x-single-active-consumer: true", "x-single-active-consumer", "true"),
    ],
)
def test_limits_of_a_queue_by_its_arguments(tmp_path, arguments, key, value):
    system = f"""{{product: rabbitmq, queues: {{q: {{consumers: 2, does: [w], prefetch_count: 1,
        arguments: {{{arguments}}}}}}}}}"""
    found = tables(tmp_path, system, rate="10/s", for_s=60, work="400 ms")
    assert acted(found)[f"queues.q.arguments.{key}"][:2] == (key, value)


def test_priorities_that_overtake_are_a_limit_that_acts(tmp_path):
    system = """{product: rabbitmq, producer: {priority: [k]}, queues: {q: {consumers: 1,
        does: [w], prefetch_count: 1, arguments: {x-max-priority: 2}}}}"""
    found = tables(tmp_path, system, rate="10/s", for_s=60, work="110 ms")
    assert acted(found)["queues.q.arguments.x-max-priority"][:2] == ("x-max-priority", "2")
