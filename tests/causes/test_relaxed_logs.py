import pytest

from helpers.incidents import group, incident
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed import BOOKS
from sim.causes.relaxed_kinesis import LIBRARY
from sim.causes.relaxed_logs import KINESIS, PUBLISHER, STREAM, TOPIC, lines
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late")
KINESIS_SYSTEM = {
    "product": "kinesis",
    "stream": {"ShardCount": 2},
    "partition_key": ["k"],
    "producer": {"FailIfThrottled": True},
    "applications": {"g": {"workers": 2, "does": ["w"], "retrievalMode": "POLLING"}},
}
STREAM_SYSTEM = {
    "product": "rabbitmq_stream",
    "stream": {"partitions": 2, "x-max-age": "1h"},
    "groups": {"g": {"consumers": 2, "does": ["w"]}},
}


def published(**producer):
    topic = {"partitions": 6, "replication.factor": 3}
    return {**group(2), "topic": topic, "producer": producer, "publisher": {"order": "produce"}}


SYSTEMS = [
    KINESIS_SYSTEM, STREAM_SYSTEM, published(), published(client="librdkafka"),
    published(client="librdkafka", acks=1),
]  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_key_can_be_relaxed(system):
    scenario = incident(system)
    found = hypotheses(scenario, "s", "g", HARMS, no_rows())
    assert len(found) > 5
    for one in found:
        assert changed(scenario, one.changes).hash != scenario.hash, one.name


def test_a_producer_without_a_publisher_does_not_fail():
    found = hypotheses(incident(group(2)), "s", "g", HARMS, no_rows())
    assert not {"acks", "enable.idempotence", "delivery.timeout.ms"} & {one.key for one in found}


def test_unsafe_settings_of_a_producer_are_among_the_causes():
    scenario = incident(published(client="librdkafka", acks=1))
    by_name = {one.name: one for one in hypotheses(scenario, "s", "g", HARMS, no_rows())}
    assert by_name["acks"].to == "all"
    assert by_name["enable.idempotence"].path == "systems.s.producer.enable.idempotence"
    assert by_name["queue.buffering.max.messages"].to == "10000000"


def test_each_product_has_lines_of_its_own():
    assert lines(incident(KINESIS_SYSTEM), "s", "g") == [*LIBRARY, *KINESIS, *BOOKS]
    assert lines(incident(STREAM_SYSTEM), "s", "g") == [*STREAM, *BOOKS]
    of_kafka = lines(incident(group(2)), "s", "g")
    assert of_kafka[-len(TOPIC + BOOKS) :] == [*TOPIC, *BOOKS] and PUBLISHER[0] in of_kafka


def in_transactions(**group_keys):
    its = published(**{"transaction.timeout.ms": 10_000})
    its["groups"]["g"] |= group_keys
    return {**its, "publisher": {"order": "transaction"}}


def test_KP_20_keys_of_transactions_are_among_the_causes_where_there_are_any():
    found = hypotheses(incident(in_transactions()), "s", "g", HARMS, no_rows())
    by_name = {one.name: one for one in found}
    assert by_name["transaction.timeout.ms"].to == "900000"
    assert by_name["publisher.on_fenced"].to == "replace"
    without = {one.name for one in hypotheses(incident(published()), "s", "g", HARMS, no_rows())}
    assert not {"transaction.timeout.ms", "publisher.on_fenced", "isolation.level"} & without
    all_of_it = {**in_transactions(), "producer": {"transaction.timeout.ms": 900_000}}
    left = {one.name for one in hypotheses(incident(all_of_it), "s", "g", HARMS, no_rows())}
    assert "transaction.timeout.ms" not in left


@pytest.mark.parametrize(
    ("keys", "name", "to"),
    [({}, "isolation.level", "read_committed"),
     ({"isolation.level": "read_uncommitted"}, "isolation.level", "read_committed"),
     ({"isolation.level": "read_committed"}, "isolation.level (read_uncommitted)",
      "read_uncommitted"),
     ({"client": "librdkafka"}, "isolation.level (read_uncommitted)", "read_uncommitted")],
)  # fmt: skip
def test_KC_19_the_isolation_level_can_be_the_other(keys, name, to):
    found = hypotheses(incident(in_transactions(**keys)), "s", "g", HARMS, no_rows())
    (one,) = [one for one in found if one.key == "isolation.level"]
    assert (one.name, one.to) == (name, to)
    assert one.path == "systems.s.groups.g.isolation.level"


def test_who_turns_to_transactions_has_to_read_committed_records():
    found = hypotheses(incident(published()), "s", "g", HARMS, no_rows())
    (one,) = [one for one in found if one.name == "publisher.order (transaction)"]
    made = changed(incident(published()), one.changes)
    assert made.systems["s"].groups["g"].isolation_level == "read_committed"
    shared = {**published(), "groups": {}, "share_groups": {"g": group(2)["groups"]["g"]}}
    its = incident(shared)
    (one,) = [
        one
        for one in hypotheses(its, "s", "g", HARMS, no_rows())
        if one.name == "publisher.order (transaction)"
    ]
    assert changed(its, one.changes).hash != its.hash
