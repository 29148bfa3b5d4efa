import pytest
from pydantic import ValidationError

from sim.scenario.faults.topics import PartitionsFault, ReshardFault, moved


def fault(**keys):
    return PartitionsFault.model_validate(
        {"fault": "partitions", "at": "3m", "target": "kafka.topic", "to": 8, **keys}
    )


def test_it_strikes_the_topic_of_the_systems_that_its_target_names():
    assert fault().strikes_topic("kafka") and not fault().strikes_topic("kafka_2")
    assert fault(target="kafka_*.topic").strikes_topic("kafka_2")
    assert fault().words("kafka.topic") == "kafka.topic: partitions added, 8 now"


@pytest.mark.parametrize("keys", [{"at": None}, {"to": 0}, {"when": {"lag_over": 3}}, {"rate": 1}])
def test_it_is_planned_for_a_time_and_a_number(keys):
    with pytest.raises(ValidationError):
        fault(**keys)


def reshard(at, to, target="kinesis.stream"):
    return ReshardFault.model_validate(
        {"fault": "reshard", "at": at, "target": target, "TargetShardCount": to}
    )


def test_KN_13_a_stream_is_resharded_where_its_target_names_it():
    assert reshard(1, 4).strikes_topic("kinesis") and not reshard(1, 4).strikes_topic("kafka")
    assert not reshard(1, 4, "kinesis.topic").strikes_topic("kinesis")
    assert reshard(1, 4).words("kinesis.stream") == "kinesis.stream: resharded, 4 shards now"
    assert reshard(1, 1).words("a.stream") == "a.stream: resharded, 1 shard now"
    with pytest.raises(ValidationError):
        reshard(1, 10_001)


def test_as_many_are_added_as_before_where_a_topic_begins_with_others():
    assert moved([fault(), fault(target="b.topic")], "kafka", 4, 6) == {"faults.0.to": 10}
    # Twice as many at most, and half as many at least, in the order of their times.
    faults = [reshard(9, 2), reshard(5, 4)]
    path = "faults.{}.TargetShardCount".format
    assert moved(faults, "kinesis", 2, 3) == {path(1): 5, path(0): 3}
    assert moved(faults, "kinesis", 2, 1) == {path(1): 2, path(0): 1}
    assert moved(faults, "kinesis", 2, 10) == {path(1): 12, path(0): 10}
