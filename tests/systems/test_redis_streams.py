"""Redis streams: exact times of small scenarios, by hand, and the incidents that people report."""

import numpy as np
import pytest

from sim.causes.explain import explain
from sim.lab import run
from sim.scenario.load import Scenario
from sim.traffic.generate import generate

STEPS = {step: "0 ms" for step in ("publish", "read", "ack")}
CLAIM = {"min-idle-time": 30_000, "every": 5}


def entries(for_s, work, faults=(), rate="1/s", drain="30m", system=None, groups=None, **group):
    """Entries that come at given times, for a group without latencies and ceilings."""
    return Scenario.from_mapping(
        {
            "name": "entries",
            "drain_limit": drain,
            "duration": f"{for_s} s",
            "workload": {
                "arrivals": {"profile": [{"for": f"{for_s} s", "rate": rate}]},
                "keys": {"user": {"count": 1}},
                "service": {"w": {"per_message": work}, "other": {"per_message": work}}
                if groups
                else {"w": {"per_message": work}},
            },
            "systems": {
                "redis": {
                    "product": "redis_streams",
                    "groups": groups or {"g": {"consumers": 1, "does": ["w"], **group}},
                    "latency": STEPS,
                    "ceilings": "off",
                    **(system or {}),
                }
            },
            "faults": list(faults),
        }
    )


def told(result, group="g"):
    table = result.tables.summary
    (row,) = table[table["group"] == group].to_dict("records")
    limits = result.tables.limits
    acted = dict(zip(limits["key"], limits["times"], strict=True)) if len(limits) else {}
    return row, acted


def crash(restart="1 s", who="*"):
    return {"at": "20 s", "fault": "crash", "target": f"redis.g.{who}", "restart_after": restart}


def first_of(scenario):
    return explain(scenario, "redis", "g").groups[0].first


def test_RT_02_pending_entries_of_dead_consumers_stay_until_they_are_claimed():
    its = entries(60, "5 s", [crash()], consumers=8, reads_own_pending=False)
    row, acted = told(run(its))
    held = row["unfinished"]
    assert held == acted["XAUTOCLAIM"] > 0
    assert row["lost"] == row["extra_deliveries"] == 0
    cause = first_of(its)
    assert cause.path == "systems.redis.groups.g.XAUTOCLAIM", cause.said
    claimed, acted = told(run(its.with_({"systems.redis.groups.g.XAUTOCLAIM": CLAIM})))
    assert (claimed["unfinished"], claimed["extra_deliveries"]) == (0, held)
    assert acted["min-idle-time"] == held
    # Idle for 30 s, and asked for each 5 s, behind a call of 2 s and two works of 5 s.
    assert 35.0 < claimed["latency_max_s"] < 30.0 + 5.0 + 2.0 + 2 * 5.0


def test_RT_03_a_consumer_that_comes_back_reads_its_own_pending_entries():
    its = entries(60, "5 s", [crash("10 min", 0)], rate="3/s", consumers=15)
    row, acted = told(run(its))
    assert row["unfinished"] == 0
    assert row["extra_deliveries"] == acted["XAUTOCLAIM"] > 0
    assert row["latency_max_s"] > 600.0
    cause = first_of(its)
    assert cause.path == "systems.redis.groups.g.XAUTOCLAIM", cause.said


def test_RT_02_an_entry_is_claimed_while_its_consumer_works_on_it_and_done_twice():
    its = entries(
        60, "5 s", consumers=8, XREADGROUP={"COUNT": 1},
        XAUTOCLAIM={"min-idle-time": 3_000, "every": 1, "COUNT": 1},
    )  # fmt: skip
    row, acted = told(run(its))
    assert row["double_effects"] == row["extra_deliveries"] == acted["min-idle-time"] > 0
    cause = first_of(its)
    assert cause.path.endswith("min-idle-time"), cause.said
    longer, _ = told(run(its.with_({"systems.redis.groups.g.XAUTOCLAIM.min-idle-time": 6_000})))
    assert longer["double_effects"] == 0


@pytest.mark.parametrize(("approximate", "kept"), [(False, 150), (True, 200)])
def test_RT_01_what_is_trimmed_before_it_is_read_is_lost(approximate, kept):
    """Nobody is there when 600 entries come in 60 s; nodes of a stream have 100 of 20 bytes."""
    stopped = {"at": "0 s", "fault": "crash", "target": "redis.g.0", "restart_after": "90 s"}
    its = entries(
        60, "1 ms", [stopped], "10/s",
        system={"XADD": {"MAXLEN": 150, "approximate": approximate}},
    ).with_({"workload.size": "20 B"})  # fmt: skip
    row, acted = told(run(its))
    whole = 100 if approximate else 1
    lost = (row["produced"] - 150) // whole * whole
    assert row["lost"] == lost
    assert row["produced"] - lost >= 150
    assert row["produced"] - lost < kept + 100
    assert acted["MAXLEN"] == lost
    cause = first_of(its)
    assert cause.path in ("systems.redis.XADD.MAXLEN", "faults.0"), cause.said


def test_RT_01_a_slow_group_loses_what_the_others_have_read():
    groups = {
        "g": {"consumers": 2, "does": ["w"]},
        "quick": {"consumers": 40, "does": ["other"], "XREADGROUP": {"COUNT": 1}},
    }
    its = entries(60, "2 s", rate="10/s", groups=groups, system={"XADD": {"MAXLEN": 100}})
    result = run(its)
    slow, _ = told(result)
    quick, _ = told(result, "quick")
    assert quick["lost"] == quick["unfinished"] == 0
    # Two work at 1/s in all while 10/s come: all but what they had and the last 100 are trimmed.
    assert slow["lost"] == pytest.approx(slow["produced"] - 60 - 100, abs=25)
    assert first_of(its).path == "systems.redis.XADD.MAXLEN"


def test_RT_01_MINID_keeps_what_is_younger_when_something_is_added():
    stopped = {"at": "0 s", "fault": "crash", "target": "redis.g.0", "restart_after": "90 s"}
    its = entries(60, "1 ms", [stopped], "10/s", system={"XADD": {"MINID": "20 s"}})
    row, acted = told(run(its))
    created_s = np.asarray(generate(its).created_s)
    # Nothing is added after the last one: what is older than that by 20 s is gone.
    assert row["lost"] == acted["MINID"] == np.count_nonzero(created_s < created_s[-1] - 20.0) > 0


def test_RT_04_what_fails_is_dead_lettered_after_so_many_deliveries():
    bad = {"at": "10 s", "fault": "poison", "target": "redis.g", "count": 1, "effect": "fail"}
    claim = {"min-idle-time": 10_000, "every": 1}
    row, acted = told(run(entries(60, "1 ms", [bad], XAUTOCLAIM=claim, max_deliveries=3)))
    assert (row["dead_lettered"], row["lost"], row["extra_deliveries"]) == (1, 0, 2)
    assert acted["max_deliveries"] == 1
    stuck, _ = told(run(entries(60, "1 ms", [bad])))
    assert (stuck["dead_lettered"], stuck["unfinished"]) == (0, 1)
    dropped, _ = told(run(entries(60, "1 ms", [bad], on_failure="ack")))
    assert (dropped["lost"], dropped["extra_deliveries"]) == (1, 0)
    kept, _ = told(run(entries(60, "1 ms", [bad], on_failure="dead-letter")))
    assert (kept["dead_lettered"], kept["extra_deliveries"]) == (1, 0)


def test_RT_05_with_NOACK_a_dead_consumer_takes_with_it_what_it_has():
    its = entries(
        60, "5 s", [crash(who=0)], rate="3/s", consumers=15, XREADGROUP={"NOACK": True}
    )  # fmt: skip
    row, acted = told(run(its))
    assert row["lost"] == acted["NOACK"] > 0
    cause = first_of(its)
    assert cause.path == "systems.redis.groups.g.XREADGROUP.NOACK", cause.said


def test_RT_06_each_group_has_all_entries_and_one_that_does_not_want_them_throws_them_away():
    groups = {
        "g": {"consumers": 1, "does": ["w"], "only": {"user": ["user-0"]}, "discard": "1 ms"},
        "all": {"consumers": 1, "does": ["other"]},
    }
    its = entries(60, "10 ms", groups=groups).with_({"workload.keys.user.count": 4})
    result = run(its)
    some, _ = told(result)
    everything, _ = told(result, "all")
    assert 0 < some["produced"] < everything["produced"]
    assert some["processed"] == some["produced"]
    assert everything["processed"] == everything["produced"]


def test_redis_is_one_thread_and_a_ceiling_of_a_group():
    """74,239 commands a second, of which an entry that is read alone takes three."""
    its = entries(1, "0 ms", rate="40000/s", consumers=50, XREADGROUP={"COUNT": 1}).with_(
        {"systems.redis.ceilings": {}}
    )
    row, _ = told(run(its))
    assert row["produced"] / (1.0 + row["drain_s"]) == pytest.approx(74_239 / 3, rel=0.02)
