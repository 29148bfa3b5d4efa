import pytest

from helpers.incidents import group, incident, queue
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_groups import KAFKA_GROUP, SHARE_GROUP
from sim.causes.relaxed_queues import CELERY, RABBITMQ, SQS
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late", "slower")


def keys(scenario):
    found = hypotheses(scenario, "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_a_visibility_timeout_becomes_longer_than_a_batch():
    scenario = incident(queue(1, MaxNumberOfMessages=10, VisibilityTimeout=2), work=0.5)
    one = keys(scenario)["VisibilityTimeout"]
    assert (one.value, one.to) == ("2", "20")  # ten times; 10 messages take 5 s
    assert one.path == "systems.s.queues.g.VisibilityTimeout"
    assert one.remedy == "with VisibilityTimeout 20"


def test_a_heartbeat_comes_in_time_and_hides_for_no_longer_than_it_must():
    late = keys(incident(queue(1, VisibilityTimeout=30, heartbeat=45)))
    assert (late["heartbeat.interval"].value, late["heartbeat.interval"].to) == ("45", "15")
    assert "heartbeat.interval" not in keys(incident(queue(1, VisibilityTimeout=30, heartbeat=20)))
    beat = {"interval": 20, "VisibilityTimeout": 600}
    found = keys(incident(queue(1, VisibilityTimeout=30, heartbeat=beat)))
    shorter = found["heartbeat.VisibilityTimeout (shorter)"]
    assert (shorter.value, shorter.to) == ("600", "30")
    assert {change.path: change.value for change in shorter.changes} == {
        "systems.s.queues.g.heartbeat.VisibilityTimeout": 30,
        "systems.s.queues.g.VisibilityTimeout": 30,
    }
    longer = found["heartbeat.VisibilityTimeout"]
    assert longer.to == "6000"


def test_what_failed_comes_back_later_or_at_once():
    soon = keys(incident(queue(1, terminateVisibilityTimeout=0)))["terminateVisibilityTimeout"]
    assert soon.to == "300"
    at_once = keys(incident(queue(1, terminateVisibilityTimeout=600)))
    assert at_once["terminateVisibilityTimeout (0)"].to == "0"
    assert "terminateVisibilityTimeout" not in at_once


def test_one_message_a_call_becomes_ten():
    one = keys(incident(queue(1)))["MaxNumberOfMessages"]
    assert (one.what, one.to) == ("one message a call", "10")
    assert "MaxNumberOfMessages" not in keys(incident(queue(1, MaxNumberOfMessages=10)))


FIFO = queue(2, FifoQueue=True, MessageGroupId=["k"], MessageDeduplicationId=["k"])
RABBIT = {
    "product": "rabbitmq",
    "queues": {
        "g": {
            "consumers": 2,
            "does": ["w"],
            "arguments": {"x-queue-type": "quorum", "x-message-ttl": 1_000, "x-max-length": 5},
        }
    },
}
CELERY_REDIS = {
    "product": "celery",
    "broker": "redis",
    "queues": {"g": {"workers": 2, "does": ["w"], "task": {"countdown": 60}}},
}
SHARES = {
    "product": "kafka",
    "topic": {"partitions": 2},
    "share_groups": {"g": {"consumers": 2, "does": ["w"]}},
}


@pytest.mark.parametrize(
    "system",
    [queue(2), FIFO, RABBIT, CELERY_REDIS, {**CELERY_REDIS, "broker": "rabbitmq"}, SHARES,
     group(3), group(3, client="librdkafka")],
)  # fmt: skip
def test_every_key_can_be_relaxed(system):
    """The scenario with the other value is one: no key, bound or combination is refused."""
    scenario = incident(system)
    for one in keys(scenario).values():
        assert changed(scenario, one.changes).hash != scenario.hash, one.name


def celery(config=None, **task):
    queues = {"g": {"workers": 2, "does": ["w"], "task": task}}
    return incident({"product": "celery", "config": config or {}, "queues": queues})


@pytest.mark.parametrize(
    ("config", "task", "names"),
    [
        ({}, {}, {"task_acks_late"}),
        ({"task_acks_late": True}, {}, {"task_reject_on_worker_lost", "task_acks_late (false)"}),
        ({"task_acks_late": True}, {"acks_late": False}, {"acks_late"}),
        ({}, {"acks_late": True}, {"task_reject_on_worker_lost", "acks_late (false)"}),
        ({}, {"acks_late": True, "reject_on_worker_lost": False},
         {"reject_on_worker_lost", "acks_late (false)"}),
        ({"task_reject_on_worker_lost": True}, {"acks_late": True}, {"acks_late (false)"}),
    ],
)  # fmt: skip
def test_of_a_setting_and_an_option_of_the_task_the_one_that_counts_is_tried(config, task, names):
    found = keys(celery(config, **task))
    assert {name for name in found if "acks" in name or "lost" in name} == names
    for name in names:
        where = "config.task_" if name.startswith("task_") else "queues.g.task."
        option = name.removeprefix("task_").partition(" ")[0]
        assert found[name].path == f"systems.s.{where}{option}"


def test_one_at_a_time_is_so_whatever_acknowledges_a_task():
    for config, task in (({"task_acks_late": False}, {}), ({}, {"acks_late": False})):
        scenario = celery(config, **task)
        after = changed(scenario, keys(scenario)["worker_prefetch_multiplier"].changes)
        system = after.systems["s"]
        settings = system.settings_of(system.queues["g"].task)
        assert settings.task_acks_late and settings.worker_prefetch_multiplier == 1


def test_a_queue_becomes_fair_by_what_tells_the_quiet_tenants_apart():
    shows = {"measure": "latency", "without": {"k": ["k-1"]}, "called": "quiet ones"}
    one = keys(incident(queue(2), shows=shows))["MessageGroupId (fair queue)"]
    assert (one.to, one.key) == ("[k]", "MessageGroupId")
    assert "MessageGroupId (fair queue)" not in keys(incident(queue(2)))
    assert "MessageGroupId (fair queue)" not in keys(incident(FIFO, shows=shows))


def test_a_key_that_is_left_out_is_gone():
    one = keys(incident(RABBIT))["x-message-ttl"]
    assert (one.to, one.remedy) == ("", "without x-message-ttl")
    after = changed(incident(RABBIT), one.changes)
    assert after.systems["s"].readers["g"].arguments.message_ttl is None


def test_each_line_has_a_name_of_its_own():
    for lines in (SQS, RABBITMQ, CELERY, KAFKA_GROUP, SHARE_GROUP):
        names = [line.name or line.key or line.path[-1] for line in lines]
        assert len(names) == len(set(names))
