"""Plants in Lambda functions on a Kinesis stream. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, scenario_of

FUNCTION = "systems.s.applications.g.lambda"
TOLD = {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:dead"}}


def stream(shards: int, function: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A stream that one function reads."""
    return {
        "product": "kinesis",
        "stream": {"ShardCount": shards},
        "partition_key": ["k"],
        "applications": {"g": {"does": ["g"], "lambda": function}},
        **more,
    }


def with_a_short_pause(plant: Plant) -> Plant:
    """Another environment stands still for a second, before anything else happens."""
    faults = plant.scenario["faults"]
    at = f"faults.{len(faults)}"
    faults.append({"at": "5s", "fault": "pause", "target": "s.g.0", "for": "0.5s"})
    decoy = Part((at,), {at: None})
    return Plant(plant.kind, plant.scenario, plant.harm, plant.cause, decoy)


def poison(rng: random.Random) -> dict[str, Any]:
    """A message that always fails."""
    return {"at": rng.randint(20, 60), "fault": "poison", "target": "s.g", "effect": "fail"}


def retried_for_ever(rng: random.Random) -> Plant:
    """A message fails, and the function is called with it again and again."""
    function = {"BatchSize": rng.choice([10, 100]), "ParallelizationFactor": rng.choice([1, 1, 2])}
    plant = Plant(
        "a batch that fails is tried again for ever",
        scenario_of(
            stream(rng.randint(2, 4), function), [(120, rng.uniform(20, 40))],
            {"per_message": "5 ms"}, faults=[poison(rng)],
        ),
        "unfinished",
        (
            Part((f"{FUNCTION}.MaximumRetryAttempts",), {f"{FUNCTION}.MaximumRetryAttempts": 2}),
            Part(("faults.0",), {"faults.0": None}),
        ),
    )  # fmt: skip
    return with_a_short_pause(plant) if rng.random() < 0.7 else plant


def batch_given_up(rng: random.Random) -> Plant:
    """A message fails, and all that is gathered with it is given up."""
    function = {
        "MaximumRetryAttempts": rng.randint(0, 2),
        "MaximumBatchingWindowInSeconds": rng.randint(5, 10),
    }
    causes = (
        "BisectBatchOnFunctionError", "MaximumRetryAttempts", "BatchSize", "FunctionResponseTypes",
    )  # fmt: skip
    plant = Plant(
        "the whole batch of a record that fails is given up",
        scenario_of(
            stream(2, function), [(120, rng.uniform(20, 30))], {"per_message": "5 ms"},
            faults=[poison(rng)],
        ),
        "lost",
        (
            Part(
                (*(f"{FUNCTION}.{key}" for key in causes), "faults.0"),
                {f"{FUNCTION}.BisectBatchOnFunctionError": True},
            ),
        ),
    )  # fmt: skip
    return with_a_short_pause(plant) if rng.random() < 0.7 else plant


def timed_out(rng: random.Random) -> Plant:
    """A batch takes longer than the function may."""
    function = {"Timeout": rng.randint(2, 3), "BatchSize": 100}
    its = Part((f"{FUNCTION}.Timeout", f"{FUNCTION}.BatchSize"), {f"{FUNCTION}.Timeout": 60})
    return Plant(
        "an invocation times out",
        scenario_of(
            stream(2, {**function, "MaximumBatchingWindowInSeconds": 30}),
            [(120, rng.uniform(10, 14))], {"per_message": "50 ms"},
        ),
        "unfinished",
        (its,),
    )  # fmt: skip


def too_old(rng: random.Random) -> Plant:
    """A shard stands still for longer than its records may be old."""
    function = {
        "MaximumRecordAgeInSeconds": 60,
        **({"DestinationConfig": TOLD} if rng.random() < 0.5 else {}),
    }
    pause = {"at": "30s", "fault": "pause", "target": "s.g.1", "for": f"{rng.randint(90, 110)}s"}
    return Plant(
        "records are too old after a stop",
        scenario_of(
            stream(2, function), [(240, rng.uniform(10, 20))], {"per_message": "5 ms"},
            faults=[pause],
        ),
        "dead_lettered" if "DestinationConfig" in function else "lost",
        (
            Part(
                (f"{FUNCTION}.MaximumRecordAgeInSeconds",),
                {f"{FUNCTION}.MaximumRecordAgeInSeconds": -1},
            ),
            Part(("faults.0",), {"faults.0": None}),
        ),
    )  # fmt: skip


FUNCTIONS: tuple[Kind, ...] = (retried_for_ever, batch_given_up, timed_out, too_old)
"""Every kind in a function on a stream."""
