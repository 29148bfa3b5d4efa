from math import inf

import pytest

from helpers.incidents import group, incident, queue
from sim.causes.data import SEVERITY
from sim.causes.harms import Bounds, Numbers, bounds, excess, harms, hopeless, left, told


def its(delay_s=0.0, drain_s=0.0, **of):
    return Numbers({**dict.fromkeys(SEVERITY, 0.0), **of}, 1_000, delay_s, drain_s)


NONE = Bounds(dict.fromkeys(SEVERITY, 0.0), inf, False)


def test_the_most_severe_comes_first():
    found = harms(its(lost=5, duplicates=100, late=40, drain_s=40), NONE)
    assert [harm.kind for harm in found] == ["lost", "duplicates", "late"]


def test_few_duplicates_come_after_a_backlog():
    found = harms(its(duplicates=3, late=40, drain_s=40), NONE)
    assert [harm.kind for harm in found] == ["late", "duplicates"]


def test_only_what_is_more_than_may_be_is_a_harm():
    allowed = Bounds({**NONE.of, "late": 10.0, "out_of_order": inf}, inf, False)
    assert harms(its(late=10.0, out_of_order=500), allowed) == []
    assert harms(its(late=12.0, drain_s=12.0), allowed) == [], "a fifth more is nothing to explain"
    (late,) = harms(its(late=12.5, drain_s=12.5), allowed)
    assert (late.kind, late.value, late.allowed) == ("late", 2.5, 10.0)


def test_by_its_needs_a_delay_that_is_allowed_is_none():
    allowed = Bounds({**NONE.of, "late": inf}, 5.0, True)
    assert excess(its(delay_s=4.0, late=900.0), allowed)["late"] == 0.0
    assert excess(its(delay_s=7.5, late=900.0), allowed)["late"] == 2.5
    assert excess(its(delay_s=inf, late=900.0), allowed)["late"] == 895.0


def test_a_message_that_is_dead_lettered_instead_of_lost_is_not_saved():
    after = left(its(lost=10), its(dead_lettered=10), NONE)
    assert after["lost"] == 10.0


def test_a_group_that_is_quick_because_it_loses_messages_has_not_caught_up():
    after = left(its(late=900.0), its(lost=100), NONE)
    assert after["late"] == inf
    assert "not processed" in told("late", inf, 0)


@pytest.mark.parametrize(
    ("system", "order"),
    [
        (queue(2), inf),
        (queue(2, FifoQueue=True, MessageGroupId=["k"]), 0.0),
        (group(2), 0.0),
        ({**group(2), "partition_key": None}, inf),
    ],
    ids=["standard queue", "FIFO queue", "keyed", "without a key"],
)
def test_disorder_counts_where_an_order_is_promised(system, order):
    scenario = incident(system)
    assert bounds(scenario, "s", "g", 1_000, 300.0).of["out_of_order"] == order


def test_needs_say_what_may_be():
    scenario = incident(queue(2), needs={"loss": "1 %", "order": "per_key", "drain": "2 min"})
    allowed = bounds(scenario, "s", "g", 1_000, 300.0)
    assert allowed.of == {
        "lost": 10.0, "unfinished": 0.0, "dead_lettered": inf, "duplicates": inf,
        "out_of_order": 0.0, "late": 120.0, "redelivered": inf,
    }  # fmt: skip


def test_work_and_delays_that_are_asked_for_are_not_behind():
    scenario = incident(queue(1, DelaySeconds=60), work=0.1, slow={"share": 0.01, "time": 20})
    assert bounds(scenario, "s", "g", 1_000, 300.0).of["late"] == 3.0 + 60.0 + 20.0


def test_messages_that_always_fail_are_slight_if_they_alone_are_lost():
    found = harms(its(lost=2, late=40, drain_s=40), NONE, hopeless=2)
    assert [harm.kind for harm in found] == ["late", "lost"]
    found = harms(its(lost=3, late=40, drain_s=40), NONE, hopeless=2)
    assert [harm.kind for harm in found] == ["lost", "late"]


def test_so_many_messages_always_fail():
    poison = {"at": 10, "fault": "poison", "target": "s.g", "effect": "fail", "count": 3}
    assert hopeless(incident(queue(1)), "s", "g", 300.0) == 0
    scenario = incident(queue(1), faults=[poison, {**poison, "times": 2}])
    assert hopeless(scenario, "s", "g", 300.0) == 3
    assert hopeless(scenario, "s", "other", 300.0) == 0


def test_a_delivery_in_ten_may_be_a_repeat():
    scenario = incident(queue(1))
    allowed = bounds(scenario, "s", "g", 1_000, 300.0)
    assert harms(its(redelivered=100), allowed) == []
    (again,) = harms(its(redelivered=150), allowed)
    assert (again.kind, again.value) == ("redelivered", 50)


def test_duplicates_are_applied():
    assert told("duplicates", 0, 0) == "no duplicate is applied"
    assert told("duplicates", 1, 0) == "1 duplicate is applied"
    assert told("duplicates", 1_200, 0) == "1,200 duplicates are applied"
