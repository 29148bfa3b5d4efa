"""All faults: the keys that each takes, whom it can strike, and what the timeline says of it."""

import json

import pytest

from sim.foundation.config import keys
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.load import Scenario

ALWAYS = {"at", "fault", "target"}
RANDOM = {"rate", "from", "until"}
ANY_TIME = {*RANDOM, "when"}

TABLE = [
    # fault, times, own keys, whom, words about "x", what it needs
    ("crash", ANY_TIME, {"restart_after"}, {"consumer", "publisher"}, "crash x", {}),
    (
        "terminate", ANY_TIME, {"grace", "restart_after"}, {"consumer", "publisher"},
        "terminate x", {},
    ),
    ("restart", ANY_TIME, set(), {"consumer"}, "restart x", {}),
    ("pause", ANY_TIME, {"for"}, {"consumer"}, "pause x", {"for": 3}),
    ("slow", ANY_TIME, {"factor", "for", "ramp"}, {"consumer"}, "slow x2.5 x", {"factor": 2.5}),
    ("partition", ANY_TIME, {"for"}, {"consumer"}, "partition x", {}),
    ("deploy", ANY_TIME, {"grace", "startup", "max_unavailable"}, {"group"}, "deploy x", {}),
    ("scale", ANY_TIME, {"to", "grace", "startup"}, {"group"}, "scale x", {"to": 4}),
    (
        "autoscale", set(), {"scaler", "grace", "startup", "for"}, {"group"},
        "autoscale x", {"scaler": {"lagThreshold": 10}},
    ),
    (
        "database", set(), {"contention", "coherency", "for"}, {"group"},
        "one database for x", {"contention": 0.1, "coherency": 0},
    ),
    ("snapshot_held", set(), {"for"}, {"group"}, "snapshot held, dead rows of x stay", {}),
    (
        "poison", RANDOM, {"effect", "key", "count", "times", "restart_after"}, {"group"},
        "poison x", {"effect": "fail"},
    ),
    ("seek", ANY_TIME, {"to", "snapshot"}, {"group"}, "seek x to 2 min", {"to": "2m"}),
    ("bug", ANY_TIME, {"for"}, {"group"}, "bug in x", {"for": 3}),
    ("interrupt", ANY_TIME, {"restart_after"}, {"publisher"}, "interrupt x", {}),
    ("exit", ANY_TIME, {"restart_after"}, {"publisher"}, "exit x", {}),
    ("unreachable", ANY_TIME, {"for"}, {"broker"}, "unreachable: x", {"for": 3}),
    ("broker_slow", ANY_TIME, {"for", "extra"}, {"broker"}, "slow: x", {"for": 3, "extra": 1}),
    ("broker_pause", ANY_TIME, {"for"}, {"broker"}, "paused: x", {"for": 3}),
    (
        "ack_loss", ANY_TIME, {"for", "probability"}, {"broker"},
        "acks lost: x", {"for": 3, "probability": 1},
    ),
    ("leader_crash", ANY_TIME, {"for", "behind"}, {"broker"}, "crash x", {}),
    ("power_loss", ANY_TIME, {"for"}, {"broker"}, "power lost: x", {}),
    ("partitions", set(), {"to"}, {"topic"}, "x: partitions added, 4 now", {"to": 4}),
    (
        "reshard", set(), {"TargetShardCount"}, {"topic"}, "x: resharded, 9 shards now",
        {"TargetShardCount": 9},
    ),
    (
        "configs", set(), {"retention.ms", "retention.bytes"}, {"topic"},
        "x altered: retention.ms 1000", {"retention.ms": 1_000},
    ),
    (
        "attributes", set(),
        {"VisibilityTimeout", "RedrivePolicy", "MessageRetentionPeriod", "DelaySeconds", "takes"},
        {"group"},
        "attributes of x set to VisibilityTimeout 5", {"VisibilityTimeout": 5},
    ),
    (
        "redrive", set(), {"DestinationArn", "MaxNumberOfMessagesPerSecond"}, {"queue"},
        "redrive of x", {},
    ),
]  # fmt: skip


def test_the_table_names_every_fault():
    assert list(FAULTS) == [word for word, *_ in TABLE]
    assert len(FAULTS) == 27


@pytest.mark.parametrize(
    ("word", "times", "own", "kinds", "words", "needs"), TABLE, ids=[row[0] for row in TABLE]
)
def test_each_fault_has_its_own_keys_targets_and_words(word, times, own, kinds, words, needs):
    fault = FAULTS[word]
    assert set(keys(fault)) == ALWAYS | times | own
    assert set(fault.kinds) == kinds
    data = {"at": 1, "fault": word, "target": "a.b", **needs}
    made = fault.model_validate(data)
    assert made.words("x") == words
    for key in needs:
        with pytest.raises(ValueError, match=r"Field required|nothing is (altered|set|sought)"):
            fault.model_validate({k: v for k, v in data.items() if k != key})
    assert fault.model_validate(json.loads(made.model_dump_json(by_alias=True))) == made


@pytest.mark.parametrize(
    ("word", "times", "needs"),
    [(word, times, needs) for word, times, _, _, _, needs in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_an_editor_is_shown_the_keys_of_each_fault_and_what_it_needs(word, times, needs):
    shown = Scenario.json_schema()["$defs"][FAULTS[word].__name__]
    assert set(shown["properties"]) == set(keys(FAULTS[word]))
    assert shown["properties"]["fault"]["const"] == word
    assert shown["additionalProperties"] is False
    needs = (
        set() if word in ("configs", "attributes", "seek") else set(needs)
    )  # any of some keys will do
    assert set(shown["required"]) == {"fault", "target", *needs} | (set() if times else {"at"})


def test_an_editor_takes_a_key_at_the_fault_that_has_it_and_nowhere_else():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(Scenario.json_schema())
    slow = {"at": 1, "fault": "slow", "target": "a.b.0", "factor": 2}
    crash = {"at": 1, "fault": "crash", "target": "a.b.0"}
    for fault, fits in (
        (slow, True),
        (crash, True),
        ({**crash, "factor": 2}, False),
        ({**slow, "factor": "fast"}, False),
        ({"at": 1, "fault": "slow", "target": "a.b.0"}, False),
        ({**crash, "fault": "crush"}, False),
    ):
        assert (list(validator.iter_errors({"faults": [fault]})) == []) is fits, fault
