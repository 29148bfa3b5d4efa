"""What one run says of the needs, in words and for CI."""

import json
from math import inf
from xml.etree import ElementTree

import pytest

from sim.lab import run
from sim.scenario.load import Scenario
from sim.words.needs_met import NOTHING_LEFT, Judgement
from sim.words.needs_of_run import (
    SystemJudged,
    judge_run,
    needs_as_data,
    needs_as_junit,
    said_of_needs,
)

SCENARIO = {
    "name": "two_ways",
    "duration": "100 s",
    "drain_limit": "1 h",
    "workload": {
        "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
        "keys": {"order": {"count": 50}},
        "service": {"job": {"per_message": "50 ms"}},
    },
    "systems": {
        "slow": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["job"]}}},
        "quick": {
            "product": "kafka",
            "partition_key": ["order"],
            "topic": {"partitions": 4},
            "groups": {"g": {"consumers": 4, "does": ["job"]}},
        },
        "wide": {"product": "sqs", "queues": {"q": {"workers": 8, "does": ["job"]}}},
    },
}
NEEDS = {"max_delay": "2 s", "drain": "1 min", "loss": "none"}


def judged(needs, **changes):
    scenario = Scenario.from_mapping(SCENARIO | {"needs": needs}).with_(changes)
    return scenario, run(scenario).tables


def test_systems_are_ranked_and_each_need_has_its_number_and_its_bound():
    scenario, tables = judged(NEEDS)
    found = judge_run(scenario, tables)
    summary = tables.summary.set_index("system")
    p99_s = tables.latency[tables.latency["q"] == 0.99].set_index("system")["latency_s"]
    first, second = sorted(["quick", "wide"], key=lambda name: p99_s[name])
    assert [one.system for one in found] == [first, second, "slow"]
    assert [len(one.unmet) for one in found] == [0, 0, 2]
    for one in found:
        of = {j.need: j for j in one.judged}
        assert list(of) == ["nothing is left", *(f"{k}: {v}" for k, v in NEEDS.items())]
        quick, drained, kept = (of[f"{k}: {v}"] for k, v in NEEDS.items())
        assert (quick.value, quick.bound, quick.unit) == (p99_s[one.system], 2.0, "s")
        assert drained.value == summary.loc[one.system, "drain_s"] and drained.bound == 60.0
        assert (kept.value, kept.bound, kept.unit) == (0.0, 0.0, "share")
        assert one.delay_s == p99_s[one.system]
        assert not one.unjudged


def test_what_is_left_in_the_end_has_no_number_and_json_says_null():
    scenario, tables = judged({"max_delay": "2 s"}, drain_limit=1.0)
    slow = judge_run(scenario, tables)[-1]
    assert (slow.system, slow.delay_s) == ("slow", inf)
    data = json.loads(json.dumps(needs_as_data(scenario, [slow]), allow_nan=False))
    assert data["met"] is False
    left, quick = data["systems"][0]["needs"]
    unfinished = int(tables.summary.set_index("system").loc["slow", "unfinished"])
    assert (left["value"], left["bound"], left["met"]) == (unfinished, 0, False)
    assert (quick["value"], quick["bound"], quick["met"]) == (None, 2.0, False)


UNJUDGED = {
    "replay: required": ({"replay": "required"}, {"fault": "seek", "at": 90, "to": "beginning"}),
    "consumer_crash: survives": (
        {"consumer_crash": "survives"}, {"fault": "crash", "at": 50, "restart_after": "5 s"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("need", UNJUDGED)
def test_a_need_is_judged_where_the_run_shows_it(need):
    needs, fault = UNJUDGED[need]
    scenario, tables = judged(needs)
    assert [[u.need for u in one.unjudged] for one in judge_run(scenario, tables)] == [[need]] * 3
    target = "*.*" if fault["fault"] == "seek" else "*.*.0"
    scenario, tables = judged(needs, faults=[fault | {"target": target}])
    found = {one.system: one for one in judge_run(scenario, tables)}
    assert not any(one.unjudged for one in found.values())
    if fault["fault"] == "seek":
        unmet = {name: [j.need for j in one.unmet] for name, one in found.items()}
        assert unmet == {"quick": [], "slow": [need], "wide": [need]}


def test_order_over_all_is_judged_where_it_is_counted_or_where_it_is_broken_within_keys():
    scenario, tables = judged({"order": "total"})
    found = {one.system: one for one in judge_run(scenario, tables)}
    assert [u.need for u in found["quick"].unjudged] == ["order: total"]
    assert [j.need for j in found["wide"].unmet] == ["order: total"]
    scenario, tables = judged({"order": "total"}, workload={**SCENARIO["workload"], "order_by": []})
    (quick,) = [one for one in judge_run(scenario, tables) if one.system == "quick"]
    assert not quick.unjudged and [j.need for j in quick.unmet] == ["order: total"]


def test_what_a_job_is_handed_in_vain_and_what_holds_others_up_takes_further_runs():
    needs = {
        "routing": {"job": {"order": ["order 1"]}},
        "unwanted": "none",
        "readers": "independent",
    }
    scenario, tables = judged(needs)
    (first, *_) = judge_run(scenario, tables)
    assert [u.need for u in first.unjudged] == ["unwanted: none", "readers: independent"]


def test_without_needs_nothing_is_judged():
    scenario = Scenario.from_mapping(SCENARIO)
    assert judge_run(scenario, run(scenario).tables) == []
    assert said_of_needs([]) == []


def test_systems_that_are_alike_share_a_sentence():
    scenario, tables = judged({"loss": "none", "replay": "required"})
    *said, last = said_of_needs(judge_run(scenario, tables))
    (one,) = said
    assert one.endswith(" meet the need: no message is lost.")
    assert last == (
        "A run does not show, but `sim advise` does: replay: required, since nothing seeks back."
    )
    scenario, tables = judged({"max_delay": "2 s"})
    slow = said_of_needs(judge_run(scenario, tables))[-1]
    assert slow.startswith("slow misses the need: 99 % within ")
    assert slow.endswith(" with 1 worker, where 2 s are allowed (max_delay: 2 s).")


def one(judged, system="a"):
    return SystemJudged(system, judged, [], 1.0)


def made(need, met, said):
    return Judgement(need, met, said, 0.0, 0.0, "messages")


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ([(NOTHING_LEFT, True, "all done"), ("x", True, "x is so")], "meets the need: x is so."),
        (
            [(NOTHING_LEFT, True, "all"), ("x", True, "1"), ("y", True, "2")],
            "meets both needs: 1; 2.",
        ),
        (
            [(NOTHING_LEFT, True, "all"), ("x", True, "1"), ("y", True, "2"), ("z", True, "3")],
            "meets all 3 needs: 1; 2; 3.",
        ),
        ([(NOTHING_LEFT, True, "all done")], "leaves nothing: all done."),
        ([(NOTHING_LEFT, False, "4 wait")], "does not finish: 4 wait."),
        ([(NOTHING_LEFT, False, "4 wait"), ("x", True, "1")], "does not finish: 4 wait."),
        (
            [(NOTHING_LEFT, False, "4 wait"), ("x", False, "1"), ("y", True, "2")],
            "does not finish, and misses 1 of 2 needs: 4 wait; 1 (x).",
        ),
    ],
)
def test_needs_are_counted_as_they_are_stated(judged, said):
    found = one([made(*its) for its in judged])
    assert said_of_needs([found]) == [f"a {said}"]


def test_of_several_the_verbs_are_plural():
    judged = [made(NOTHING_LEFT, False, "4 wait"), made("x", False, "1"), made("y", True, "2")]
    (said,) = said_of_needs([one(judged), one(judged, "b")])
    assert said == "a and b do not finish, and miss 1 of 2 needs: 4 wait; 1 (x)."
    (said,) = said_of_needs([one(judged[:1]), one(judged[:1], "b")])
    assert said == "a and b do not finish: 4 wait."


def test_junit_has_a_suite_a_system_and_a_case_a_need():
    scenario, tables = judged({"max_delay": "2 s", "replay": "required"})
    found = judge_run(scenario, tables)
    root = ElementTree.fromstring(needs_as_junit(scenario, found))
    assert [suite.get("name") for suite in root] == [one.system for one in found]
    for suite, one in zip(root, found, strict=True):
        cases = {case.get("name"): case for case in suite}
        assert list(cases) == ["nothing is left", "max_delay: 2 s", "replay: required"]
        assert suite.get("tests") == "3" and suite.get("skipped") == "1"
        assert suite.get("failures") == str(len(one.unmet))
        failed = cases["max_delay: 2 s"].find("failure")
        assert (failed is not None) == (one.system == "slow")
        assert cases["replay: required"].find("skipped") is not None
        assert {case.get("classname") for case in suite} == {f"two_ways.{one.system}"}
