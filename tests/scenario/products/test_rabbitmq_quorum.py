"""Priorities and delayed retries of quorum queues, by version."""

import pytest

from sim.scenario.products.rabbitmq_quorum import (
    delayed_retry_refusal,
    level_of,
    levels,
    priorities_of,
)


@pytest.mark.parametrize(
    ("version", "known", "of"),
    [("3.13", 1, [0, 0, 0, 0]), ("4.0", 2, [0, 0, 1, 1]), ("4.3", 32, [0, 4, 5, 31])],
)
def test_RQ_19_how_many_priorities_there_are_by_version(version, known, of):
    assert levels(version) == known
    assert [level_of(version, priority) for priority in (0, 4, 5, 99)] == of


def test_priorities_are_in_order_or_by_value():
    assert priorities_of(["plan"], ["a", "b", "c"], 4) == [0, 1, 2]
    assert priorities_of({"plan": {"c": 9, "a": 1}}, ["a", "b", "c"], 4) == [1, 4, 9]


@pytest.mark.parametrize(
    ("version", "queue_type", "given", "why"),
    [
        ("4.2", "classic", ("disabled", None, None), None),
        ("4.3", "quorum", ("all", 1_000, None), None),
        ("4.3", "quorum", ("failed", 1_000, 1_000), None),
        ("4.2", "quorum", ("disabled", 1_000, None), "this is a quorum queue of 4.2"),
        ("4.3", "classic", ("returned", 1_000, None), "this is a classic queue of 4.3"),
        ("4.3", "quorum", ("all", None, 1_000), "'x-delayed-retry-type: all' needs"),
        ("4.3", "quorum", ("all", 1_000, 999), "must not be smaller"),
    ],
)
def test_RQ_11_delayed_retries_that_a_queue_cannot_have(version, queue_type, given, why):
    refusal = delayed_retry_refusal(version, queue_type, *given)
    assert (refusal is None) == (why is None)
    assert why is None or why in refusal
