from helpers.incidents import group, incident
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late")


def keys(scenario):
    found = hypotheses(scenario, "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_what_is_at_its_best_already_is_no_cause():
    scenario = incident(
        group(2, **{"auto.offset.reset": "earliest", "max.poll.interval.ms": 86_400_000})
    )
    assert not {"auto.offset.reset", "max.poll.interval.ms"} & set(keys(scenario))


def test_what_is_not_given_is_told_by_its_default():
    by_name = keys(incident(group(2)))
    assert by_name["session.timeout.ms"].what == "partitions of a dead member stand still for 45 s"
    assert by_name["session.timeout.ms"].value == "45000"


def test_a_session_of_librdkafka_is_not_longer_than_between_two_polls():
    by_name = keys(incident(group(2, client="librdkafka", **{"max.poll.interval.ms": 60_000})))
    assert by_name["session.timeout.ms (longer)"].to == "60000"


def test_a_session_of_the_new_protocol_is_the_brokers():
    by_name = keys(incident(group(2, **{"group.protocol": "consumer"})))
    assert by_name["group.consumer.session.timeout.ms"].path == (
        "systems.s.brokers.group.consumer.session.timeout.ms"
    )
    assert "session.timeout.ms" not in by_name


def test_offsets_that_are_kept_for_longer_than_a_run_lasts_are_no_cause():
    """The run ends five minutes after its arrivals at the latest."""
    assert "offsets.retention.minutes" not in keys(incident(group(2)))
    by_name = keys(incident({**group(2), "brokers": {"offsets.retention.minutes": 1}}))
    one = by_name["offsets.retention.minutes"]
    assert (one.path, one.to) == ("systems.s.brokers.offsets.retention.minutes", "525600")


def test_metadata_is_a_cause_only_where_partitions_are_added():
    """And by KIP-848 it is the broker that tells."""
    added = [{"at": 60, "fault": "partitions", "target": "s.topic", "to": 99}]
    both = {"metadata.max.age.ms", "producer's metadata.max.age.ms"}
    assert not both & set(keys(incident(group(2))))
    by_name = keys(incident(group(2), faults=added))
    assert both <= set(by_name)
    assert by_name["metadata.max.age.ms"].value == "300000"
    consumer = keys(incident(group(2, **{"group.protocol": "consumer"}), faults=added))
    assert both & set(consumer) == {"producer's metadata.max.age.ms"}
