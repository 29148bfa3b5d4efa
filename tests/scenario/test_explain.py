"""What pydantic found wrong, in words for the person who wrote the scenario."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from sim.foundation.config import Config
from sim.foundation.document import Document, Place
from sim.foundation.errors import ScenarioError
from sim.foundation.units import DistributionFile
from sim.scenario.explain import _about, problems
from sim.scenario.load import Scenario


class Wheel(Config):
    not_modelled = {"colour": ""}  # noqa: RUF012

    spokes: int = Field(ge=3, le=48)
    """How many spokes; more make it stiffer."""
    tyre: Literal["tube", "tubeless", "solid"] = "tube"


class Bike(Config):
    wheels: list[Wheel] = Field(min_length=1)
    """Its wheels."""
    bell: bool = False


def told(data):
    places = {(): Place("bike.yaml", 1, Path()), ("wheels",): Place("bike.yaml", 2, Path())}
    with pytest.raises(ValidationError) as error:
        Bike.model_validate(data)
    return [str(p) for p in problems(error.value, Bike, Document(data, places))]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, ["bike.yaml:2: wheels: missing; its wheels"]),
        ({"wheels": None}, ["bike.yaml:2: wheels: has no value; its wheels"]),
        ({"wheels": []}, ["bike.yaml:2: wheels: is empty; give at least one"]),
        ({"wheels": 3}, ["bike.yaml:2: wheels: expected a list, not 3"]),
        ({"wheels": [{}]}, ["bike.yaml:2: wheels.0.spokes: missing; how many spokes"]),
        ({"wheels": [{"spokes": 2}]}, ["bike.yaml:2: wheels.0.spokes: must be at least 3, not 2"]),
        (
            {"wheels": [{"spokes": 99}]},
            ["bike.yaml:2: wheels.0.spokes: must be at most 48, not 99"],
        ),
        (
            {"wheels": [{"spokes": "x"}]},
            ["bike.yaml:2: wheels.0.spokes: expected a whole number, not 'x'"],
        ),
        (
            {"wheels": [{"spokes": 9}], "bell": 7},
            ["bike.yaml:1: bell: expected true or false, not 7"],
        ),
        (
            {"wheels": [{"spokes": 9, "tyre": "tubless"}]},
            [
                "bike.yaml:2: wheels.0.tyre: expected tube, tubeless or solid, not 'tubless'; "
                "did you mean 'tubeless'?"
            ],
        ),
        (
            {"wheels": [{"spokes": 9, "zzz": 1}]},
            ["bike.yaml:2: wheels.0.zzz: unknown key; known: spokes, tyre"],
        ),
        (
            {"wheels": [{"spokes": 9, "color": 1}]},
            ["bike.yaml:2: wheels.0.color: unknown key; did you mean 'colour'?"],
        ),
    ],
)
def test_each_problem_is_told_in_plain_words_at_its_key(data, says):
    assert told(data) == says


def test_a_misspelt_key_is_told_once_and_not_as_a_missing_one_too():
    assert told({"wheels": [{"spoke": 9}]}) == [
        "bike.yaml:2: wheels.0.spoke: unknown key; did you mean 'spokes'?"
    ]


@pytest.mark.parametrize(
    ("product", "above", "key", "said"),
    [
        ("celery", {}, "task_acks_late", "'task_acks_late' belongs under 'systems.s.config'"),
        ("rabbitmq", {}, "x-queue-type", "'x-queue-type' belongs under 'arguments'"),
        ("kinesis", None, "consumers", "kinesis calls them 'applications'"),
        ("rabbitmq", None, "prefetch_count", "'prefetch_count' belongs under 'queues.<name>'"),
        # And not "did you mean 'topic'?".
        ("kafka", None, "retry_topics", "'retry_topics' belongs under 'groups.<name>'"),
        ("pubsub", "subscriptions", "workers", "pubsub calls them 'subscribers'"),
        ("rabbitmq", "queues", "replicas", "rabbitmq calls them 'consumers'"),
        ("sqs", {}, "DelaySecond", "did you mean 'DelaySeconds'?"),
        # A key of this place, or of one below it, before one of another room.
        (
            "rabbitmq",
            {},
            "type",
            "did you mean 'arguments.x-queue-type' or 'arguments.x-delayed-retry-type'?",
        ),
        ("sqs", {}, "batch", "did you mean 'MaxNumberOfMessages'?"),
        ("sqs", {}, "dlq", "did you mean 'RedrivePolicy'?"),
        ("kafka", "groups", "batch", "did you mean 'max.poll.records'?"),
        (
            "sqs",
            {},
            "timeout",
            "did you mean 'VisibilityTimeout' or 'terminateVisibilityTimeout'?",
        ),
        ("bullmq", {}, "concurrency", "'concurrency' belongs under 'worker'"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(product, above, key, said):
    data = {"systems": {"s": {"product": product}}}
    if above is None:
        data["systems"]["s"][key] = 1
    else:
        data["systems"]["s"][above or "queues"] = {"q": {key: 1}}
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping(data)
    [line] = [p for p in error.value.problems if p.path.endswith(key)]
    assert line.message == f"unknown key; {said}"


def test_what_is_missing_is_told_in_a_whole_clause():
    data = {"systems": {"s": {"product": "postgres", "queues": {"q": {"does": "work"}}}}}
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping(data)
    [line] = [p for p in error.value.problems if p.path.endswith("workers")]
    assert line.message == "missing; places for work in all processes together"


@pytest.mark.parametrize("library", ["river", "pg-boss", "solid_queue"])
def test_an_alternative_without_value_is_told_how_to_write_its_defaults(library):
    queue = {"does": "work", "workers": 2, library: None}
    data = {"systems": {"s": {"product": "postgres", "queues": {"q": queue}}}}
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping(data)
    [line] = [p for p in error.value.problems if p.path.startswith("systems.s.queues.q")]
    assert line.path.endswith(f"q.{library}")
    assert line.message == f"has no value; write '{library}: {{}}' for its defaults"


def test_an_alternative_without_value_may_stand_beside_another():
    queue = {"does": "work", "workers": 2, "lambda": None}
    data = {"systems": {"s": {"product": "sqs", "queues": {"q": queue}}}}
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping(data)
    assert not [p for p in error.value.problems if p.path.startswith("systems")]


def test_a_clause_goes_on_over_lines():
    assert _about(DistributionFile, "path").endswith("and a column `s`, `ms` or `us`")


def test_another_key_for_what_tells_apart_is_answered_with_the_right_one():
    data = {"faults": [{"kind": "crash", "at": 1}], "systems": {"s": {"type": "kafka"}}}
    with pytest.raises(ScenarioError) as error:
        Scenario.from_mapping(data)
    said = {p.path: p.message for p in error.value.problems}
    assert said["faults.0.fault"].endswith("; write 'fault: crash' for 'kind: crash'")
    assert said["systems.s.product"].endswith("; write 'product: kafka' for 'type: kafka'")
