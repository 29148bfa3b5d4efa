import pytest
from pydantic import ValidationError

from sim.scenario.faults.settings import AttributesFault, ConfigsFault


def attributes(**keys):
    return AttributesFault.model_validate(
        {"fault": "attributes", "at": "10m", "target": "sqs.q", **keys}
    )


def configs(**keys):
    return ConfigsFault.model_validate(
        {"fault": "configs", "at": "3m", "target": "kafka.topic", **keys}
    )


def test_SS_17_a_change_takes_as_long_as_AWS_says_at_most():
    fault = attributes(VisibilityTimeout=300, MessageRetentionPeriod=600)
    assert (fault.holds_s, fault.retention_holds_s) == (660.0, 1_500.0)
    assert fault.words("q") == (
        "attributes of q set to VisibilityTimeout 300, MessageRetentionPeriod 600"
    )
    soon = attributes(RedrivePolicy='{"maxReceiveCount": 3}', takes="5s")
    assert (soon.holds_s, soon.retention_holds_s) == (605.0, 605.0)
    assert soon.said() == ["maxReceiveCount 3"]


def test_KB_17_a_topic_says_what_is_altered():
    fault = configs(**{"retention.ms": "1s", "retention.bytes": 5_000})
    words = "s.topic altered: retention.ms 1000, retention.bytes 5000"
    assert fault.words("s.topic") == words


@pytest.mark.parametrize(
    ("make", "keys", "why"),
    [
        (attributes, {}, "nothing is set"),
        (attributes, {"VisibilityTimeout": 43_201}, "43200"),
        (attributes, {"DelaySeconds": 901}, "900"),
        (attributes, {"ReceiveMessageWaitTimeSeconds": 5}, "Extra inputs"),
        (configs, {}, "nothing is altered"),
        (configs, {"retention.ms": "1s", "at": None}, "at"),
    ],
)
def test_what_cannot_be_set_is_refused(make, keys, why):
    with pytest.raises(ValidationError, match=why):
        make(**keys)
