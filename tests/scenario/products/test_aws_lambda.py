"""Keys of Lambda: their defaults are those of its documentation, and what contradicts itself."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.aws_lambda import ProvisionedPollerConfig, SqsFunction


def test_defaults_are_those_of_the_documentation():
    function = SqsFunction()
    given = function.model_dump(by_alias=True)
    assert {key: value for key, value in given.items() if key[0].isupper()} == {
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "MemorySize": 128,
    }
    assert (function.concurrency, function.timeout_s, function.reports) == (1_000, 900.0, False)
    assert function.invoke.mean_s() == pytest.approx(0.1, rel=0.01)
    pollers = ProvisionedPollerConfig()
    assert (pollers.minimum_pollers, pollers.maximum_pollers) == (2, 200)


def test_reserved_concurrency_goes_before_that_of_the_account():
    function = SqsFunction(
        ReservedConcurrentExecutions=5, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    assert (function.concurrency, function.reports) == (5, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"BatchSize": 11}, "needs a 'MaximumBatchingWindowInSeconds' of 1"),
        ({"MaximumConcurrency": 1}, "greater than or equal to 2"),
        ({"Timeout": 901}, "less than or equal to 900"),
        (
            {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}},
            "'MinimumPollers' is more than 'MaximumPollers'",
        ),
    ],
)
def test_what_contradicts_itself_is_told(given, said):
    with pytest.raises(ValidationError, match=said):
        SqsFunction.model_validate(given)
