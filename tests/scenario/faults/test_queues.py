import pytest
from pydantic import ValidationError

from sim.scenario.faults.queues import RedriveFault


def fault(**keys):
    return RedriveFault.model_validate(
        {"fault": "redrive", "at": "3m", "target": "sqs.orders-dlq", **keys}
    )


def test_SS_20_a_task_moves_500_a_second_unless_it_says_fewer():
    assert fault().per_s == 500
    assert fault(MaxNumberOfMessagesPerSecond=20).per_s == 20
    assert fault().strikes_queue("sqs", "orders-dlq") and not fault().strikes_queue("sqs", "orders")
    assert fault().words("orders-dlq") == "redrive of orders-dlq"


@pytest.mark.parametrize(
    "keys", [{"at": None}, {"MaxNumberOfMessagesPerSecond": 501}, {"when": {"depth_over": 3}}]
)
def test_it_is_planned_for_a_time_and_no_faster_than_aws_lets_it_be(keys):
    with pytest.raises(ValidationError):
        fault(**keys)
