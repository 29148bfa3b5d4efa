"""Keys of readers of a Kinesis stream as causes: an application of the library, a function."""

import pytest

from helpers.incidents import incident
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed import BOOKS
from sim.causes.relaxed_kinesis import FUNCTION, LIBRARY
from sim.causes.relaxed_logs import KINESIS, lines
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late")


def stream(**application):
    return {
        "product": "kinesis",
        "stream": {"ShardCount": 2},
        "partition_key": ["k"],
        "applications": {"g": {"does": ["w"], **application}},
    }


def named(**application):
    found = hypotheses(incident(stream(**application)), "s", "g", HARMS, no_rows())
    return {one.name: one for one in found}


ALL = {
    "MaximumRetryAttempts": 5, "MaximumRecordAgeInSeconds": 60, "Timeout": 3,
    "MaximumBatchingWindowInSeconds": 5, "BatchSize": 50,
}  # fmt: skip


@pytest.mark.parametrize(
    "application",
    [
        {"workers": 2},
        {"workers": 2, "retrievalMode": "POLLING", "on_failure": "retry"},
        {"lambda": {}},
        {"lambda": ALL},
        {"on_failure": "skip-batch", **ALL},
    ],
)
def test_every_key_can_be_relaxed(application):
    scenario = incident(stream(**application))
    its = FUNCTION if "workers" not in application else LIBRARY
    assert lines(scenario, "s", "g") == [*its, *KINESIS, *BOOKS]
    found = hypotheses(scenario, "s", "g", HARMS, no_rows())
    assert len(found) > 5
    for one in found:
        assert changed(scenario, one.changes).hash != scenario.hash, one.name


def test_of_retries_without_end_there_are_a_few_and_what_fails_is_isolated_and_told_of():
    (one,) = [o for o in named(BatchSize=10).values() if o.key == "MaximumRetryAttempts"]
    assert one.value == "-1" and one.to == "3"
    scenario = changed(incident(stream(BatchSize=10)), one.changes)
    function = scenario.systems["s"].applications["g"].function
    assert function.bisect_batch_on_function_error and function.dead_letters
    assert (function.maximum_retry_attempts, function.batch_size) == (3, 10)


def test_what_gives_up_may_go_on_for_ever():
    found = named(**{"lambda": ALL})
    assert found["MaximumRetryAttempts (for ever)"].to == "-1"
    assert found["MaximumRecordAgeInSeconds"].to == "-1"
    assert found["BisectBatchOnFunctionError"].to == "true"
    assert not {"MaximumRetryAttempts (for ever)", "MaximumRecordAgeInSeconds"} & set(
        named(**{"lambda": {}})
    )


def test_a_function_has_no_workers_and_an_application_has():
    assert "workers x2" in named(workers=2) and "workers x2" not in named(**{"lambda": {}})
    assert "on_failure (skip)" in named(workers=2, on_failure="retry")
