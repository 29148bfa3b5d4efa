"""What a run used."""

from math import ceil

import pytest

from sim.costs.use import use_of
from sim.lab import run
from sim.scenario.load import Scenario


def test_what_was_used_is_what_the_tables_say():
    scenario = Scenario.from_mapping(
        {
            "name": "small",
            "duration": "100 s",
            "scale": 0.5,
            "workload": {
                "arrivals": {"profile": [{"for": "100 s", "rate": "60/s"}]},
                "keys": {"order": {"count": 50}},
                "service": {"job": {"per_message": "10 ms"}, "other": {"per_message": "1 ms"}},
                "size": "2 kB",
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": 5},
                    "groups": {
                        "a": {"consumers": 2, "does": ["job"]},
                        "b": {"consumers": 4, "does": ["other"]},
                    },
                }
            },
        }
    )
    tables = run(scenario).tables
    use = use_of(scenario, tables, "kafka")
    summary = tables.summary.set_index("group")
    assert use.messages == summary.loc["a", "produced"] and use.message_bytes == 2_000
    assert use.partitions == ceil(5 * 0.5)
    assert use.reads == summary["deliveries"].sum()
    assert [group.workers for group in use.groups] == summary["consumers"].to_list()
    assert use.hours * 3600 == tables.duration_s
    assert use.gb == use.messages * 2e-6
    told = use_of(scenario, tables, "kafka", messages=7, message_bytes=3.0, workers={"a": 9})
    assert (told.messages, told.message_bytes, told.groups[0].workers) == (7, 3.0, 9)


def test_KN_13_of_a_resharded_stream_the_shards_that_are_open_are_billed():
    def shards(*faults):
        its = Scenario.from_mapping(
            {
                "name": "t", "duration": "100s", "scale": 0.5,
                "workload": {
                    "arrivals": {"profile": [{"for": "100s", "rate": 1}]},
                    "keys": {"k": {"count": 5}},
                    "service": {"job": {"per_message": "1 ms"}},
                },
                "systems": {
                    "s": {
                        "product": "kinesis", "stream": {"ShardCount": 4},
                        "applications": {"a": {"workers": 1, "does": ["job"]}},
                    }
                },
                "faults": [
                    {"at": at_s, "fault": "reshard", "target": "s.stream", "TargetShardCount": n}
                    for at_s, n in faults
                ],
            }
        )  # fmt: skip
        tables = run(its).tables
        return use_of(its, tables, "s").partitions, tables.duration_s

    assert shards()[0] == 2
    found, lasts_s = shards((60, 3), (30, 6))  # 2, 3 and 2: half of them, rounded up
    assert found == pytest.approx((2 * 30 + 3 * 30 + 2 * (lasts_s - 60)) / lasts_s)
