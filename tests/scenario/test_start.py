"""What a `start:` may say, and what it is told."""

import re

import pytest

from helpers.traffic import scenario
from sim.foundation.errors import ScenarioError
from sim.scenario.start import Start

TWO = {
    "systems.kafka.groups": {
        "g": {"consumers": 2, "does": ["job"]},
        "h": {"consumers": 2, "does": ["other"]},
    },
    "workload.service": {"job": {"per_message": "1 ms"}, "other": {"per_message": "1 ms"}},
}


KEYED = {"workload.keys": {"key": {"count": 9}}, "systems.kafka.partition_key": ["key"]}


def start(**keys):
    return Start.model_validate(keys)


@pytest.mark.parametrize(
    ("text", "many"),
    [(7, 7), ("1_200", 1_200), ("2e3", 2_000), ("1.2 M", 1_200_000), ("800k", 800_000),
     ("0.3k", 300), ("1.5G", 1_500_000_000)],
)  # fmt: skip
def test_a_backlog_can_be_written_as_people_say_it(text, many):
    assert start(backlog=text, age="3h").waiting("any", "one") == many


def test_readers_that_are_not_named_have_nothing_waiting():
    its = start(backlog={"kafka.a": "1k", "kafka.b": 10}, age={"kafka.a": "1h", "kafka.b": "1min"})
    assert its.most == 1_000 and its.oldest_s == 3_600.0
    assert [its.waiting("kafka", group) for group in "abc"] == [1_000, 10, 0]
    assert its.reaches_back == [(0, 0.0), (10, 60.0), (1_000, 3_600.0)]
    assert its.age_of(10) == 60.0 and its.age_of(5) == 30.0
    assert its.age_of(505) == 60.0 + 3_540.0 / 2


def test_of_a_log_it_may_be_given_by_partition():
    its = start(backlog={"kafka.a": {0: "1k", "3": 500}, "kafka.b": 10}, age="1h")
    assert its.by_partition == {"kafka.a": {0: 1_000, 3: 500}}
    assert its.most == its.waiting("kafka", "a") == 1_500
    assert its.waiting("kafka", "b") == 10
    assert its.reaches_back == [(0, 0.0), (1_500, 3_600.0)]
    assert start(backlog=5, age="1h").by_partition == {}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"backlog": "many", "age": "3h"}, "1200, 800k or 1.2 M, not 'many'"),
        ({"backlog": "1.2345k", "age": "3h"}, "a whole number"),
        ({"backlog": -1, "age": "3h"}, "-1"),
        ({"backlog": 0, "age": "3h"}, "nothing waits"),
        ({"backlog": {"a.b": 0}, "age": "3h"}, "nothing waits"),
        ({"backlog": {}, "age": "3h"}, "not an empty mapping"),
        ({"backlog": {"a.b": "x"}, "age": "3h"}, "a.b: expected a number of messages"),
        ({"backlog": {"a.b": {}}, "age": "3h"}, "a.b: expected partitions such as"),
        ({"backlog": {"a.b": {"x": 3}}, "age": "3h"}, "a.b: partition x: "),
        ({"backlog": {"a.b": {0: "x"}}, "age": "3h"}, "a.b: partition 0: expected a number"),
        ({"backlog": 5, "age": 0}, "more than 0"),
        ({"backlog": 5, "age": {"a.b": "3h"}}, "goes with a 'backlog' by the same names"),
        ({"backlog": {"a.b": 5}, "age": {"a.c": "3h"}}, "different readers: 'a.b'"),
        (
            {"backlog": {"a.b": 5, "a.c": 9}, "age": {"a.b": "3h", "a.c": "1h"}},
            "more of them reach further back",
        ),
        (
            {"backlog": {"a.b": 5, "a.c": 5}, "age": {"a.b": "3h", "a.c": "1h"}},
            "more of them reach further back",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(keys, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        start(**keys)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": {"backlog": {"kafka.x": 5}, "age": "1h"}}, "did you mean 'kafka.g'?"),
        (
            {
                "start": {"backlog": {"kafka.g": 5}, "age": "1h"},
                "systems.kafka.groups.g.starts": "new",
            },
            "has committed no offset",
        ),
        (
            {
                "start": {"backlog": 5, "age": "1h"},
                "workload.keys": {
                    "case": {
                        "lifecycle": {
                            "states": ["a", "b"],
                            "gap": "1 s",
                            "amount": {"median": 1, "p99": 2},
                        }
                    }
                },
            },
            "the lab has no such start",
        ),
        (
            {
                **TWO,
                "systems.kafka.groups": {"g": {"consumers": 2, "does": ["job"]}},
                "systems.kafka.share_groups": {"h": {"consumers": 2, "does": ["other"]}},
                "start": {"backlog": {"kafka.g": 9, "kafka.h": 5}, "age": "1h"},
            },
            "kafka.h is a share group",
        ),
        (
            {**KEYED, "start": {"backlog": {"kafka.g": {0: 5, 99: 1}}, "age": "1h"}},
            "there is no partition 99: they are 0 to ",
        ),
        (
            {"start": {"backlog": {"kafka.g": {0: 5}}, "age": "1h"}, "scale": 2},
            "give a backlog by partition at scale 1",
        ),
        (
            {
                "start": {"backlog": {"kafka.g": {0: 5}}, "age": "1h"},
                "systems.kafka.partition_key": None,
            },
            "without a 'partition_key' no message belongs to a partition",
        ),
        (
            {**TWO, **KEYED, "start": {"backlog": {"kafka.g": {0: 5}, "kafka.h": 6}, "age": "1h"}},
            "others have more waiting, 6, and nobody says in which partition",
        ),
        (
            {**TWO, "start": {"backlog": {"kafka.g": {0: 5}, "kafka.h": {0: 5}}, "age": "1h"}},
            "one reader may have a backlog by partition",
        ),
        (
            {
                "start": {"backlog": {"q.q": {0: 5}}, "age": "1h"},
                "systems": {
                    "q": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["job"]}}}
                },
            },
            "sqs has no partitions: give one number",
        ),
    ],
)
def test_what_the_systems_say_against_it_is_an_error(changes, said):
    with pytest.raises(ScenarioError, match=re.escape(said)):
        scenario(**changes)


def warned(**changes):
    return [text for text in scenario(**changes).warnings if "start." in text]


def test_what_is_older_than_it_is_kept_is_warned_of():
    its = {"start": {"backlog": 500, "age": "3h"}}
    assert warned(**its) == []
    (said,) = warned(**its, **{"systems.kafka.topic.retention.ms": "1h"})
    assert "3 h is more than kafka.g keeps, 1 h (retention.ms)" in said
    queue = {"product": "sqs", "queues": {"q": {"workers": 2, "does": ["job"]}}}
    assert warned(**its, systems={"sqs": queue}) == []
    queue["queues"]["q"]["MessageRetentionPeriod"] = "1h"
    (said,) = warned(**its, systems={"sqs": queue})
    assert "3 h is more than sqs.q keeps, 1 h (MessageRetentionPeriod)" in said
    # Of those that have fewer waiting, the oldest is younger.
    fewer = {"backlog": {"kafka.g": 100, "kafka.h": 500}, "age": "3h"}
    (said,) = warned(**TWO, start=fewer, **{"systems.kafka.topic.retention.ms": "1h"})
    assert "kafka.h keeps" in said


def test_more_than_a_queue_can_hold_is_warned_of():
    queue = {"consumers": 2, "does": ["job"], "arguments": {"x-max-length": 400}}
    systems = {"mq": {"product": "rabbitmq", "queues": {"q": queue}}}
    (said,) = warned(systems=systems, start={"backlog": 500, "age": "3h"})
    assert "500 are more than mq.q can hold (x-max-length 400)" in said
    assert warned(systems=systems, start={"backlog": 500, "age": "3h"}, scale=0.5) == []
