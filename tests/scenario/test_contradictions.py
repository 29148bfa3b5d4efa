"""What is wrong between the parts of a scenario, each of them valid by itself."""

import copy
from pathlib import Path
from typing import get_args, get_origin

import pytest

from sim.foundation.config import Config, about, keys
from sim.foundation.document import Document, read
from sim.scenario.contradictions import contradictions, data_file
from sim.scenario.products.catalogue import System

GOOD = read(Path(__file__).parents[1] / "data" / "scenarios" / "two-systems.yaml")


def told(**changes):
    """What is said of the good scenario after changes, by dotted path with '/' between keys."""
    data = copy.deepcopy(GOOD.data)
    for path, value in changes.items():
        *above, last = path.split("/")
        place = data
        for key in above:
            place = place[int(key) if isinstance(place, list) else key]
        place[int(last) if isinstance(place, list) else last] = value
    whole = Document(data, GOOD.places)
    return [f"{problem.path}: {problem.message}" for problem in contradictions(whole)]


def test_a_good_scenario_contradicts_itself_nowhere():
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"duration": "2 min"},
            "workload.arrivals.profile: the segments of the profile last 60 s in all, but the "
            "duration is 120 s",
        ),
        (
            {"workload/arrivals": {"counts": {"values": [1, 2, 3], "interval": "10 s"}}},
            "3 intervals last 30 s in all, but the duration is 60 s",
        ),
        (
            {"workload/arrivals": {"trace": "none.csv"}},
            "workload.arrivals.trace: no such file 'none.csv'; a trace is a CSV",
        ),
        ({"workload/cases": "none.csv"}, "workload.cases: no such file 'none.csv'; a case file"),
        (
            {"workload/order_by": ["plaier"]},
            "workload.order_by.0: unknown dimension 'plaier'; did you mean 'player'?",
        ),
        (
            {"systems/kafka/groups/counters/only": {"country": ["de"]}},
            "systems.kafka.groups.counters.only.country.0: unknown value 'de'; known: fr, br",
        ),
        (
            {"faults": [{"at": 1, "fault": "snapshot_held", "target": "kafka.counters"}]},
            "faults.0.target: 'kafka.counters' is no table of PostgreSQL",
        ),
        (
            {"systems/kafka/groups/counters/does": ["counter"]},
            "systems.kafka.groups.counters.does.0: unknown job 'counter'; did you mean 'counters'?",
        ),
        (
            {"systems/sqs_short/queues": {"q": {"workers": 1, "does": ["leaderboard"]}}},
            "systems.sqs_short.queues: nothing here does the job 'counters' of workload.service",
        ),
        (
            {"systems/sqs_short/queues/counters/does": ["counters", "leaderboard"]},
            "'leaderboard' is already done by 'counters'",
        ),
        (
            {"systems/sqs_short/queues/counters/ledger": "naive"},
            "systems.sqs_short.queues.counters.ledger: there is nothing to book",
        ),
        (
            {"faults/0/target": "kafka.counter.0"},
            "faults.0.target: 'kafka.counter.0' matches nothing; did you mean 'kafka.counters.0'?",
        ),
        (
            {"faults/0/target": "kafka.counters.2"},
            "faults.0.target: 'kafka.counters.2' matches nothing; the index is 0 to 1, or '*'",
        ),
        (
            {"faults": [{"at": 1, "fault": "scale", "target": "kafka.count", "to": 2}]},
            "faults.0.target: 'kafka.count' matches nothing; did you mean 'kafka.counters'?",
        ),
        (
            {"faults": [{"at": 1, "fault": "unreachable", "target": "kafka.broker.0", "for": 2}]},
            "faults.0.fault: 'unreachable' needs a system with a 'publisher'",
        ),
        (
            {"faults": [{"at": 1, "fault": "partitions", "target": "kafka.topics", "to": 99}]},
            "faults.0.target: 'kafka.topics' matches nothing; did you mean 'kafka.topic'?",
        ),
        (
            {"faults": [{"at": 1, "fault": "partitions", "target": "sqs_short.topic", "to": 99}]},
            "faults.0.target: 'sqs_short' has no topic of Kafka",
        ),
        (
            {
                "faults": [
                    {"at": 2, "fault": "partitions", "target": "kafka.topic", "to": 50},
                    {"at": 1, "fault": "partitions", "target": "kafka.topic", "to": 99},
                ]
            },
            "faults.0.to: 50 is not more than the 99 partitions that 'kafka' has then",
        ),
        (
            {
                "faults": [
                    {"at": 1, "fault": "reshard", "target": "kafka.stream", "TargetShardCount": 9}
                ]
            },
            "faults.0.target: 'kafka' is no stream of Kinesis",
        ),
    ],
)
def test_what_one_part_says_against_another_is_told_at_its_key(changes, says):
    said = told(**changes)
    assert len(said) == 1 and says in said[0], said


def test_a_fault_may_strike_the_consumers_that_another_will_have_started():
    scale = {"at": 1, "fault": "scale", "target": "kafka.counters", "to": 5}
    crash = {"at": 9, "fault": "crash", "target": "kafka.counters.4"}
    assert told(faults=[scale, crash]) == []
    assert len(told(faults=[crash])) == 1


def test_what_is_not_valid_by_itself_is_left_to_others():
    assert (
        told(**{"workload/arrivals": 5, "duration": "x", "systems/kafka": {"product": "x"}}) == []
    )


def test_a_file_is_looked_for_beside_the_scenario_then_in_the_working_directory(
    tmp_path, monkeypatch
):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text("name: x\nworkload: {cases: c.csv}\n")
    whole = read(tmp_path / "own" / "a.yaml")
    key = ("workload", "cases")
    monkeypatch.chdir(tmp_path)
    assert data_file(whole, key, "c.csv") is None
    (tmp_path / "c.csv").touch()
    assert data_file(whole, key, "c.csv") == tmp_path / "c.csv"
    (tmp_path / "own" / "c.csv").touch()
    assert data_file(whole, key, "c.csv") == tmp_path / "own" / "c.csv"


def lists_of_dimensions(model, path=()):
    """Keys of a configuration that list dimensions of the messages' key, as paths."""
    for key, annotation in keys(model).items():
        parts = [annotation]
        while parts:
            part = parts.pop()
            if isinstance(part, type) and issubclass(part, Config):
                named = get_origin(annotation) is dict
                yield from lists_of_dimensions(part, (*path, key, *(["any"] if named else [])))
            elif part == list[str] and "imension" in about(model)[key] and key != "arguments":
                yield (*path, key)
            elif get_origin(part) is not dict or part is annotation:
                parts += get_args(part)


@pytest.mark.parametrize("system", get_args(get_args(System)[0]), ids=lambda s: s.__name__)
def test_wherever_dimensions_are_listed_an_unknown_one_is_told(system):
    for path in lists_of_dimensions(system):
        inner = ["continent"]
        for key in reversed(path):
            inner = {key: inner}
        said = told(**{"systems/any": inner})
        where = ".".join(("systems", "any", *path))
        assert any(f"{where}.0: unknown dimension 'continent'" in line for line in said), path


def test_the_lists_of_dimensions_are_found():
    found = {path[-1] for s in get_args(get_args(System)[0]) for path in lists_of_dimensions(s)}
    assert found == {
        "partition_key", "routing_key", "priority", "MessageGroupId", "MessageDeduplicationId",
        "ordering_key",
    }  # fmt: skip
