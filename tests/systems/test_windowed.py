"""Systems that forget messages while they run give the tables of those that do not."""

import pytest

from helpers import windowed
from helpers.traffic import scenario
from sim.engine.system import Rolling
from sim.lab import run_system
from sim.scenario.load import load
from sim.systems.kafka import Kafka
from sim.systems.sqs import Sqs
from sim.systems.windowed import at_a_time, why_whole
from sim.traffic.windows import WindowPlan

SMALL = {"scale": 0.02, "drain_limit": "2h"}
ROLL = [
    "autoscale_lag", "crash_and_rebalance", "database_slowdown", "head_of_line", "noisy_tenant",
    "rolling_deploy", "slow_group", "tournament_slow_group", "tournament_spike",
    "tournament_sqs_tuned", "tournament_under_partitioned", "tournament_visibility_timeout",
    "world_cup_1998",
]  # fmt: skip


@pytest.mark.parametrize("name", ROLL)
def test_a_shipped_scenario_is_the_same_in_windows(name):
    its = load(name).with_(SMALL)
    for system in windowed.roll(its):
        assert windowed.compare(its, system, 60) > 3


@pytest.mark.parametrize("seed", range(12))
def test_under_random_faults_tables_are_the_same_in_windows(seed):
    windowed.check(seed)


@pytest.mark.parametrize("seed", range(12))
def test_a_random_scenario_is_the_same_in_windows(seed):
    windowed.check_any(seed)


@pytest.mark.parametrize("batch_size", [0, 1, 299, 300, 1_000, 16_384])
def test_messages_without_a_key_go_where_they_go_without_windows(batch_size):
    its = scenario(**{"systems.kafka.producer.batch.size": batch_size, "scale": 0.05})
    assert its.systems["kafka"].partition_key is None
    assert windowed.compare(its, "kafka", 90) > 10


GROUPS = "systems.kafka.groups.g"


@pytest.mark.parametrize(
    "changes, why",
    [
        ({}, None),
        ({"systems.kafka.topic.retention.ms": 60_000}, "retention deletes records"),
        ({"systems.kafka.topic.retention.ms": -1}, None),
        ({"systems.kafka.topic.retention.bytes": 10**9}, "retention deletes records"),
        (
            {"systems.kafka.brokers.offsets.retention.minutes": 1},
            "offsets.retention.minutes may delete offsets",
        ),
        (
            {
                "faults": [
                    {"at": 1, "fault": "partitions", "target": "kafka.topic", "to": 1_000}
                ]
            },
            "partitions are added to its topic",
        ),
        (
            {
                "faults": [
                    {"at": 1, "fault": "configs", "target": "kafka.topic", "retention.ms": 1_000}
                ]
            },
            "what its topic keeps is altered",
        ),
        ({"systems.kafka.partition_key": None}, None),
        ({"systems.kafka.publisher": {}}, "its publisher may fail"),
        ({f"{GROUPS}.only": {"kind": ["a"]}}, "g wants only some of them"),
        ({f"{GROUPS}.starts": "new"}, "g begins where auto.offset.reset says"),
        ({f"{GROUPS}.client": "librdkafka"}, "g commits what it has not processed"),
        ({f"{GROUPS}.client": "librdkafka", f"{GROUPS}.enable.auto.offset.store": False}, None),
        (
            {f"{GROUPS}.enable.auto.commit": False, f"{GROUPS}.commit": {"when": "before"}},
            "g commits what it has not processed",
        ),
        (
            {"faults": [{"at": 1, "fault": "poison", "effect": "fail", "target": "kafka.g"}]},
            "the fault poison is about single messages",
        ),
        ({"workload.service.job.poison": "1 %"}, "a share of g's messages is poisonous"),
        ({"faults": [{"at": 1, "fault": "pause", "target": "kafka.g.0", "for": 5}]}, None),
        (
            {"workload.keys": {"case": {"lifecycle": {
                "states": ["a", "b"], "gap": "1 s", "amount": {"median": 1, "p99": 2}}}},
             "systems.kafka.partition_key": ["case"]},
            "its entities go through states",
        ),
        (
            {"systems": {"kafka": {
                "product": "rabbitmq", "queues": {"g": {"consumers": 1, "does": ["job"]}}}}},
            "rabbitmq keeps all of them",
        ),
    ],
)  # fmt: skip
def test_a_system_that_needs_all_of_its_messages_says_why(changes, why):
    given = {"systems.kafka.partition_key": ["video"], **changes}
    if "systems" in changes:
        given.pop("systems.kafka.partition_key")
    assert why_whole(scenario(**given), "kafka") == why


@pytest.mark.parametrize(
    "queue, why",
    [
        ({}, None),
        ({"MessageGroupId": ["video"]}, "q has message groups"),
        ({"heartbeat": 10}, "q has its workers change visibility timeouts"),
        ({"FilterPolicy": {"kind": ["a"]}}, "q has a filter policy"),
    ],
)
def test_a_queue_that_needs_all_of_its_messages_says_why(queue, why):
    system = {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["job"], **queue}}}
    assert why_whole(scenario(systems={"s": system}), "s") == why


def test_a_window_grows_with_partitions_for_each_costs_at_a_turn():
    assert at_a_time(scenario()) == 262_144
    many = scenario(**{"systems.kafka.topic.partitions": 1_000})
    assert (at_a_time(many), at_a_time(many.with_(scale=2))) == (512_000, 1_024_000)


@pytest.mark.parametrize("name, kind", [("kafka", Kafka), ("sqs_fanout", Sqs)])
def test_what_is_final_is_forgotten(monkeypatch, name, kind):
    """The most messages that a system knows at a time do not grow with their number."""
    most = []
    rolls_on = kind.roll_on

    def seen(system: Rolling, now_s, following, take):
        rolls_on(system, now_s, following, take)
        most[-1] = max(most[-1], len(system.live))

    monkeypatch.setattr(kind, "roll_on", seen)
    for minutes in (2, 20):
        most.append(0)
        its = load("tournament_sqs_tuned").with_(
            {
                "duration": f"{minutes} min",
                "workload.arrivals": {"profile": [{"for": f"{minutes} min", "rate": "100/s"}]},
            }
        )
        plan = WindowPlan(its, 400)
        assert plan.total > 50 * 100 * minutes
        run_system(its, name, plan)
    assert most[0] < 3_000 and most[1] < 3_000
