"""Faults of brokers: for how long the timeline shows them, and their limits."""

import pytest
from pydantic import ValidationError

from sim.scenario.faults.brokers import (
    AckLossFault,
    BrokerPauseFault,
    BrokerSlowFault,
    LeaderCrashFault,
    PowerLossFault,
    UnreachableFault,
)

AT = {"at": 1, "target": "a.broker.0"}


@pytest.mark.parametrize(
    ("fault", "more", "lasts_s"),
    [
        (UnreachableFault, {"for": 2}, 2.0),
        (BrokerSlowFault, {"for": 3, "extra": "50 ms"}, 3.0),
        (BrokerPauseFault, {"for": 3}, 3.0),
        (AckLossFault, {"for": 4, "probability": 0.5}, 4.0),
        (LeaderCrashFault, {"for": 5}, 5.0),
        (LeaderCrashFault, {"behind": 1}, None),
        (PowerLossFault, {"for": 6}, 6.0),
        (PowerLossFault, {}, None),
    ],
)
def test_a_broker_s_fault_lasts_as_long_as_it_says(fault, more, lasts_s):
    made = fault.model_validate({**AT, **more})
    assert made.lasts_s == lasts_s
    assert not made.takes_readers


def test_no_more_than_all_acknowledgements_are_lost():
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        AckLossFault.model_validate({**AT, "for": 1, "probability": 1.5})
