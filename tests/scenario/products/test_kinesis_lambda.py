"""Keys of a Lambda function on a stream: defaults of the documentation, and both ways to write."""

import pytest
from pydantic import ValidationError

from sim.foundation.errors import ScenarioError
from sim.scenario.load import Scenario
from sim.scenario.products.kinesis import KinesisApplication, KinesisSystem
from sim.scenario.products.kinesis_lambda import KinesisFunction, gathered


def test_defaults_are_those_of_the_documentation():
    function = KinesisFunction()
    given = function.model_dump(by_alias=True)
    assert {key: value for key, value in given.items() if key[0].isupper()} == {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "MemorySize": 128,
        "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
    }
    assert function.age_s == float("inf") and not function.dead_letters
    assert (function.retry_backoff.first, function.retry_backoff.most) == (1.0, 60.0)
    told = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-2:123456789012:dlq"}}
    assert KinesisFunction(DestinationConfig=told).dead_letters


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"BatchSize": 10_001}, "less than or equal to 10000"),
        ({"ParallelizationFactor": 11}, "less than or equal to 10"),
        ({"MaximumRetryAttempts": -2}, "greater than or equal to -1"),
        ({"MaximumRecordAgeInSeconds": 59}, "is -1 or 60 to 604800"),
        ({"retry_backoff": {"first": "90s"}}, "'first' is more than 'most'"),
        ({"MaximumConcurrency": 5}, "Extra inputs"),
    ],
)
def test_limits_are_those_of_the_api(given, said):
    with pytest.raises(ValidationError, match=said):
        KinesisFunction.model_validate(given)


def test_keys_of_the_mapping_may_stand_beside_those_of_the_application():
    flat = {"does": ["w"], "on_failure": "retry", "BatchSize": 7, "MaximumRetryAttempts": 2}
    application = KinesisApplication.model_validate(flat)
    assert application.function == KinesisFunction(BatchSize=7, MaximumRetryAttempts=2)
    assert application.workers is None and application.polls
    both = {**flat, "lambda": {"MaximumRetryAttempts": 3}}
    assert gathered(both)["lambda"] == {"BatchSize": 7, "MaximumRetryAttempts": 3}
    assert gathered("nothing") == "nothing" and gathered({"workers": 2}) == {"workers": 2}
    with pytest.raises(ValidationError, match="give 'workers', or 'lambda'"):
        KinesisApplication.model_validate({"does": ["w"]})


def scenario(*faults, **application):
    return Scenario.from_mapping(
        {
            "faults": list(faults),
            "name": "keys",
            "duration": "10s",
            "workload": {
                "arrivals": {"profile": [{"for": "10s", "rate": "1/s"}]},
                "keys": {"k": {"count": 3}},
                "service": {"w": {"per_message": "1 ms"}},
            },
            "systems": {
                "a": {
                    "product": "kinesis",
                    "stream": {"ShardCount": 2},
                    "applications": {"w": {"does": ["w"], **application}},
                }
            },
        }
    )


def test_functions_are_as_many_as_parts_of_shards():
    system = scenario(**{"lambda": {"ParallelizationFactor": 4}}).systems["a"]
    assert isinstance(system, KinesisSystem)
    assert system.readers["w"].members == 8
    assert list(system.scaled()) == [(("stream", "ShardCount"), 2)]
    of_workers = scenario(workers=3).systems["a"]
    assert list(of_workers.scaled())[1:] == [(("applications", "w"), 3)]


def test_keys_without_effect_are_told():
    its = scenario(workers=2, maxRecords=5, **{"lambda": {"TumblingWindowInSeconds": 30}})
    said = "\n".join(its.warnings)
    assert "workers: Lambda runs ParallelizationFactor batches of each shard at once" in said
    assert "maxRecords: it is of the client library" in said
    assert "TumblingWindowInSeconds: accepted but not modelled" in said
    assert not scenario(**{"lambda": {}}).warnings
    (only,) = scenario(workers=2, retry_after="2s").warnings
    assert "retry_after: it goes with 'on_failure: retry'" in only
    assert not scenario(workers=2, on_failure="retry", retry_after="2s").warnings
    with pytest.raises(ScenarioError, match="BatchSizes"):
        scenario(**{"lambda": {"BatchSizes": 5}})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "scale", "target": "a.w", "to": 5}, "no workers to scale"),
        ({"fault": "deploy", "target": "a.w"}, "stops none at work"),
        ({"fault": "terminate", "target": "a.w.*"}, "stops none at work"),
    ],
)
def test_nobody_scales_or_stops_a_function(fault, said):
    with pytest.raises(ScenarioError, match=said):
        scenario({"at": "2s", **fault}, **{"lambda": {}})
    scenario({"at": "2s", **fault}, workers=2)
