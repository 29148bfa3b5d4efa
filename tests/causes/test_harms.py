from math import inf

import numpy as np
import pytest

from helpers.incidents import group, incident, queue
from sim.causes.data import SEVERITY
from sim.causes.harms import (
    Bounds,
    Numbers,
    bounds,
    excess,
    harms,
    hopeless,
    left,
    numbers,
    told,
)
from sim.lab import run
from sim.traffic.generate import poisonous_rows


def its(delay_s=0.0, drain_s=0.0, **of):
    return Numbers({**dict.fromkeys(SEVERITY, 0.0), **of}, 1_000, delay_s, drain_s)


NONE = Bounds({**dict.fromkeys(SEVERITY, 0.0), "slower": inf}, inf, False)


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


def test_a_delay_is_said_as_one_and_messages_without_an_end_as_such():
    allowed = Bounds({**NONE.of, "late": inf}, 10.0, True)
    late, never = (harms(its(late=s, delay_s=s), allowed)[0].said for s in (49.0, inf))
    assert late == "its delay is 49 s, where 10 s are allowed"
    assert never == "some are not processed at all, where 10 s are allowed"


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
        "lost": 10.0, "unfinished": 0.0, "dead_lettered": inf, "misstated": 0.0,
        "wrong_states": 0.0, "wrong_results": 0.0, "duplicates": inf, "out_of_order": 0.0,
        "late": 120.0, "slower": inf, "redelivered": inf,
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


def test_a_share_of_the_messages_always_fails():
    share = {"workload.service.w.poison": "1 %"}
    scenario = incident(queue(1)).with_(share)
    n = poisonous_rows(scenario, 3_000, "w").size
    assert 10 < n < 60 and hopeless(scenario, "s", "g", 300.0, 3_000) == n
    some = scenario.with_({"workload.service.w.poison.times": 2})
    assert hopeless(some, "s", "g", 300.0, 3_000) == 0


def test_of_the_messages_that_always_fail_those_count_that_a_group_wants():
    scenario = incident(queue(1)).with_({"workload.service.w.poison": "1 %"})
    drawn = poisonous_rows(scenario, 3_000, "w")
    wanted = np.setdiff1d(np.arange(drawn[3] + 1), drawn[1:2])
    assert hopeless(scenario, "s", "g", 300.0, 3_000, wanted) == 3
    # Fewer may be said to come, if none is wanted of those behind.
    assert hopeless(scenario, "s", "g", 300.0, int(drawn[3]) + 1, wanted) == 3
    assert hopeless(scenario, "s", "g", 300.0, 3_000, wanted[:0]) == 0


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


def test_what_the_scenario_is_about_comes_first_and_none_of_it_may_be():
    scenario = incident(queue(2), shows="out_of_order", needs={"loss": "none"})
    allowed = bounds(scenario, "s", "g", 1_000, 300.0)
    assert (allowed.about, allowed.of["out_of_order"]) == ("out_of_order", 0.0)
    found = harms(its(lost=5, out_of_order=100), allowed)
    assert [harm.kind for harm in found] == ["out_of_order", "lost"]
    slight = harms(its(lost=5, out_of_order=1), allowed)
    assert [harm.kind for harm in slight] == ["lost", "out_of_order"]
    other = incident(queue(2), shows={"measure": "out_of_order", "jobs": ["w"]})
    assert bounds(other, "s", "g", 1_000, 300.0).about == "out_of_order"


def test_books_are_to_be_right_whatever_is_needed():
    allowed = bounds(incident(queue(2), needs={"loss": "some"}), "s", "g", 1_000, 300.0)
    found = harms(its(misstated=12_345.0, wrong_states=3, lost=100), allowed)
    ordered = bounds(incident(queue(2), needs={"order": "per_key"}), "s", "g", 1_000, 300.0)
    both = harms(its(misstated=12_345.0, out_of_order=300), ordered)
    assert [harm.kind for harm in both] == ["out_of_order", "misstated"]
    assert [harm.said for harm in found] == [
        "the books are wrong by 123.45", "3 final states are wrong"
    ]  # fmt: skip
    assert told("misstated", 0.0, 0) == "the books are right"
    assert told("wrong_states", 1.0, 0) == "1 final state is wrong"
    assert told("wrong_results", 2.0, 0) == "2 stay wrong"


def test_beside_a_sibling_it_may_take_twice_as_long_and_a_quarter_of_a_second_more():
    beside = NONE.beside("one", 2.1, 2.0, 5.0)
    assert beside.of["slower"] == pytest.approx(5.35), "5 s are asked for"
    assert NONE.beside("one", 1.0, 0.0, 0.0).of["slower"] == 2.0
    assert harms(its(slower=5.3), beside) == []
    (harm,) = harms(its(slower=7.0), beside)
    assert harm.said == "its median latency is 7 s, where that of one is 2.1 s"
    assert told("slower", 0.2, 0) == "it is still 200 ms too slow"


def test_a_group_that_is_quick_because_it_loses_messages_is_not_quicker():
    after = left(its(slower=9.0), its(lost=100), NONE.beside("one", 0.1, 0.0, 0.0))
    assert after["slower"] == inf


def test_the_latency_that_the_scenario_is_about_is_compared_and_not_the_median():
    shows = {"measure": "latency", "quantile": 1, "of": {"k": ["k-1"]}, "called": "ones"}
    scenario = incident(queue(1), work=0.2, shows=shows)
    tables = run(scenario).tables
    now = numbers(scenario, tables, "s")["g"]
    assert now.of["slower"] == tables.shown["value"].iloc[0]
    assert now.of["slower"] != tables.summary["latency_p50_s"].iloc[0]
    allowed = bounds(scenario, "s", "g", 100, 300.0)
    assert (allowed.about, allowed.latency) == ("slower", "longest latency of ones")
