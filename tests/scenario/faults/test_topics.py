import pytest
from pydantic import ValidationError

from sim.scenario.faults.topics import PartitionsFault


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
