"""What all faults have in common: whom a target means, and when a condition holds."""

from time import process_time

import pytest
from pydantic import ValidationError

from sim.scenario.faults.base import When
from sim.scenario.faults.brokers import UnreachableFault
from sim.scenario.faults.groups import DatabaseFault, DeployFault
from sim.scenario.faults.processes import CrashFault


@pytest.mark.parametrize(
    ("target", "struck"),
    [
        ("a.g.0", {("a", "g", 0)}),
        ("*.g.*", {("a", "g", 0), ("a", "g", 1), ("b", "g", 0)}),
        ("a.?.1", {("a", "g", 1)}),
        ("a.publisher.0", {("a", "publisher", 0)}),
        ("a.g", set()),
    ],
)
def test_a_target_is_a_pattern_of_system_group_and_index(target, struck):
    fault = CrashFault(at=0, target=target)
    places = [("a", "g", 0), ("a", "g", 1), ("b", "g", 0), ("a", "publisher", 0)]
    assert {place for place in places if fault.strikes(*place)} == struck


def test_a_fault_of_groups_is_aimed_with_or_without_an_index():
    assert DeployFault(at=0, target="a.*").strikes_group("a", "g")
    assert DeployFault(at=0, target="a.g.0").strikes_group("a", "g")
    assert not DeployFault(at=0, target="a.g.1").strikes_group("a", "g")
    assert not DeployFault(at=0, target="b.g").strikes_group("a", "g")


@pytest.mark.parametrize(
    ("condition", "waiting", "age_s", "holds"),
    [
        ({"lag_over": 10}, 11, 0.0, True),
        ({"lag_over": 10}, 10, 99.0, False),
        ({"lag_over": 0}, 1, 0.0, True),
        ({"depth_over": 5}, 6, 0.0, True),
        ({"depth_over": 5}, 5, 0.0, False),
        ({"age_over": "3 s"}, 99, 3.0, False),
        ({"age_over": "3 s"}, 0, 3.1, True),
    ],
)
def test_a_condition_holds_above_its_limit(condition, waiting, age_s, holds):
    when = When.model_validate(condition)
    assert when.holds(lambda: waiting, lambda: age_s) is holds


def test_what_always_lasts_from_a_known_time_takes_no_other():
    with pytest.raises(ValidationError, match="at\n  Field required"):
        DatabaseFault.model_validate({"target": "a.g", "contention": 0, "coherency": 0})


@pytest.mark.parametrize(
    ("fault", "form"),
    [
        (CrashFault, "system.group.index"),
        (UnreachableFault, "system.group.index"),
        (DeployFault, "system.group"),
    ],
)
def test_a_target_without_a_system_is_refused(fault, form):
    needs = {"for": 1} if fault is UnreachableFault else {}
    with pytest.raises(ValidationError, match=f"'x' is not of the form '{form}'"):
        fault.model_validate({"at": 1, "target": "x", **needs})


@pytest.mark.parametrize(
    "last", ["*", "7", "07", "1?", "[0-3]", "1*", "**", "x", "", "99", "1" * 30, "*1", "²"]
)
@pytest.mark.parametrize("first", ["kafka.g", "kafka.*", "*", "k*.g", "sqs.g", "kafka.g.1"])
def test_those_that_a_target_strikes_are_those_that_it_matches(first, last):
    fault = CrashFault(at=1, target=f"{first}.{last}")
    matched = [i for i in range(20) if fault.strikes("kafka", "g", i)]
    assert list(fault.struck("kafka", "g", 20)) == matched
    assert fault.strikes_any("kafka", "g", 20) == bool(matched)


@pytest.mark.parametrize("target", ["kafka.g.*", "kafka.g.999999999", "kafka.x.*", "kafka.x.5"])
def test_of_a_billion_consumers_not_each_is_tried(target):
    fault = CrashFault(at=1, target=target)
    began = process_time()
    assert fault.strikes_any("kafka", "g", 10**9) == target.startswith("kafka.g")
    assert process_time() - began < 0.1
