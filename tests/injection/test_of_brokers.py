"""What is done to brokers: each fault by itself, and its end."""

from math import inf

import pytest

from helpers.fault_lab import upstream_felt

AT = {"at": 10, "target": "a.broker.1"}


@pytest.mark.parametrize(
    ("fault", "log", "event"),
    [
        (
            {"fault": "unreachable", "for": 4},
            [(10, "cut_off", 1), (14, "reconnect", 1)],
            (10, 14, "unreachable: broker 1"),
        ),
        (
            {"fault": "broker_slow", "for": 3, "extra": "50 ms"},
            [(10, "slow", 1, 0.05), (13, "slow", 1, 0.0)],
            (10, 13, "slow: broker 1"),
        ),
        (
            {"fault": "broker_pause", "for": 3},
            [(10, "pause", 1), (13, "resume", 1)],
            (10, 13, "paused: broker 1"),
        ),
        (
            {"fault": "ack_loss", "for": 2, "probability": 0.25},
            [(10, "lose_acks", 1, 0.25), (12, "lose_acks", 1, 0.0)],
            (10, 12, "acks lost: broker 1"),
        ),
        (
            {"fault": "leader_crash", "for": 5, "behind": 1},
            [(10, "crash", 1, 1.0), (15, "restart", 1)],
            (10, 15, "crash broker 1"),
        ),
        ({"fault": "leader_crash"}, [(10, "crash", 1, None)], (10, inf, "crash broker 1")),
        (
            {"fault": "power_loss", "for": 5},
            [(10, "lose_power", 1), (15, "restart", 1)],
            (10, 15, "power lost: broker 1"),
        ),
    ],
    ids=[
        "unreachable",
        "broker_slow",
        "broker_pause",
        "ack_loss",
        "leader_crash",
        "leader_crash for good",
        "power_loss",
    ],
)
def test_each_fault_is_felt_and_put_right(fault, log, event):
    felt, events, _ = upstream_felt({**AT, **fault})
    assert felt == log
    assert events == [event]


def test_all_brokers_are_struck_one_by_one_and_one_at_random():
    fault = {"fault": "unreachable", "target": "a.broker.*", "for": 4}
    log, events, _ = upstream_felt({**fault, "at": 10})
    assert log == [
        (t, verb, b) for t, verb in ((10, "cut_off"), (14, "reconnect")) for b in (0, 1, 2)
    ]
    assert [text for *_, text in events] == [f"unreachable: broker {b}" for b in (0, 1, 2)]
    log, events, _ = upstream_felt({**fault, "for": 0.1, "rate": "120/h"})
    struck = [b for _, verb, b in log if verb == "cut_off"]
    assert len(struck) == len(events) > 10
    assert set(struck) == {0, 1, 2}


@pytest.mark.parametrize(
    ("fault", "log"),
    [
        ({"fault": "unreachable"}, [(10, "cut_off", 1), (31, "reconnect", 1)]),
        ({"fault": "broker_pause"}, [(10, "pause", 1), (31, "resume", 1)]),
        (
            {"fault": "broker_slow", "extra": "50 ms"},
            [
                (10, "slow", 1, 0.05),
                (11, "slow", 1, 0.1),
                (13, "slow", 1, 0.05),
                (31, "slow", 1, 0.0),
            ],
        ),
        (
            {"fault": "ack_loss", "probability": 0.25},
            [
                (10, "lose_acks", 1, 0.25),
                (11, "lose_acks", 1, 0.25),
                (13, "lose_acks", 1, 0.25),
                (31, "lose_acks", 1, 0.0),
            ],
        ),
    ],
    ids=["unreachable", "broker_pause", "broker_slow", "ack_loss"],
)
def test_faults_of_one_kind_that_overlap_end_with_the_last_of_them(fault, log):
    felt, _, _ = upstream_felt({**AT, **fault, "for": 3}, {**AT, **fault, "at": 11, "for": 20})
    assert felt == log
