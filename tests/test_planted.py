"""Whether the cause of a harm is found where it is known: `tests/tools/planted.py`, a few of them.

All kinds, with other seeds: `python tests/tools/planted.py --seed N --count 40`.
"""

import random

import pytest

from helpers.planted import changed, harm_in, is_gone, is_same, wrong_with
from helpers.planted_logs import few_partitions, nothing, slow_consumer
from helpers.planted_queues import one_message_a_call
from tools.planted import KINDS, judged, plants

SEED = 3


def drawn(kind, draw=0):
    return kind(random.Random(f"{SEED}/{draw}"))


@pytest.mark.parametrize("i", [*range(0, len(KINDS), 4), *range(len(KINDS) - 3, len(KINDS))])
def test_the_first_cause_is_the_planted_one_and_none_is_false(i):
    ((_, plant),) = plants(SEED, len(KINDS), only=i)
    assert not isinstance(plant, str), plant
    found = judged(plant)
    assert found.right, (plant.kind, found.first, found.said)
    assert not found.false


def test_at_least_one_kind_in_three_may_have_a_decoy():
    decoys = {kind for kind in KINDS for draw in range(9) if drawn(kind, draw).decoy is not None}
    assert len(decoys) >= len(KINDS) // 3


def test_a_plant_is_refused_whose_harm_is_not_there_or_has_another_cause():
    plant = drawn(one_message_a_call)
    assert wrong_with(plant) == ""
    segments = plant.scenario["workload"]["arrivals"]["profile"]
    plant.scenario["workload"]["arrivals"]["profile"] = [{**segments[0], "rate": "1/s"}]
    assert wrong_with(plant).startswith("drain_s is 0")
    quiet = drawn(nothing)
    quiet.scenario["workload"]["service"]["g"]["per_message"] = "2 s"
    assert wrong_with(quiet).startswith("drain_s is ")
    other = drawn(few_partitions)
    other.scenario["workload"]["service"]["g"]["per_message"] = "2 s"
    assert wrong_with(other).startswith("without systems.s.topic.partitions, drain_s is ")


def test_a_plant_is_refused_whose_decoy_is_to_blame():
    plant = drawn(slow_consumer)
    while plant.decoy is None:
        plant = drawn(slow_consumer, random.random())
    plant.scenario["workload"]["arrivals"]["profile"][0]["rate"] = "60/s"
    assert wrong_with(plant) == ""
    guilty = plant.cause[0]
    assert wrong_with(
        type(plant)(plant.kind, plant.scenario, plant.harm, plant.cause, guilty)
    ).startswith("without the decoy faults.0, ")


def test_changes_take_a_fault_away_or_set_a_key_of_it():
    plant = drawn(slow_consumer)
    its = changed(plant.scenario, {"faults.0.factor": 2, "seed": 5})
    assert (its.faults[0].factor, its.seed) == (2, 5)
    assert len(changed(plant.scenario, {"faults.0": None}).faults) == len(its.faults) - 1
    assert plant.scenario["faults"][0]["factor"] > 2
    assert harm_in(its, "lost") == 0


def test_what_counts_as_gone_and_as_the_same():
    inf = float("inf")
    assert is_gone(100, 20) and not is_gone(100, 21)
    assert is_gone(inf, 1e9) and not is_gone(inf, inf)
    assert is_same(100, 110) and not is_same(100, 111) and is_same(inf, inf) and is_same(0, 0)
