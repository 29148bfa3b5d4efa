"""Lambda on a Kinesis stream as a whole: parts of shards, tables, limits."""

import numpy as np
import pytest

from helpers.fault_lab import scenario, setup
from sim.lab import run
from sim.systems.kinesis import Kinesis, shard_of_key

POISON = {"at": 20, "fault": "poison", "target": "a.g", "effect": "fail"}


def stream(shards=2, *, keyed=True, others=None, **function):
    """A Kinesis system; ``function``: keys of the mapping."""
    system = {
        "product": "kinesis", "stream": {"ShardCount": shards},
        "applications": {"g": {"does": ["work"], "lambda": function}, **(others or {})},
    }  # fmt: skip
    return {**system, "partition_key": ["key"]} if keyed else system


def ran(system, *faults, **changes):
    its = scenario(*faults, systems={"a": system}, drain_limit="10m", **changes)
    tables = run(its).tables
    return {row["group"]: row for row in tables.summary.to_dict("records")}, tables


def test_KN_05_a_part_is_a_range_of_hash_keys_of_its_shard():
    for key in map(str, range(50)):
        assert shard_of_key(key, 12) // 4 == shard_of_key(key, 3)


@pytest.mark.parametrize("keyed", [True, False])
def test_KN_05_parts_have_their_shards_records_each_once_and_in_order(keyed):
    of = scenario(duration=60.0, rate=20.0, systems={"a": stream(3, keyed=keyed)})
    whole = Kinesis(setup("a", of), of.systems["a"])
    of = of.with_({"systems.a.applications.g.lambda.ParallelizationFactor": 4})
    built = Kinesis(setup("a", of), of.systems["a"])
    assert built.consumers("g") == 12 and whole.consumers("g") == 3
    log, shards = built.groups["g"].topic.log, whole.groups["g"].topic
    for shard in range(3):
        here = shards.log.message[shards.log.start[shard] : shards.log.start[shard + 1]]
        parts = log.message[log.start[4 * shard] : log.start[4 * shard + 4]]
        assert sorted(parts) == sorted(here)
        for part in range(4 * shard, 4 * shard + 4):
            its = log.message[log.start[part] : log.start[part + 1]]
            assert np.isin(here, its).nonzero()[0].size == its.size
            np.testing.assert_array_equal(here[np.isin(here, its)], its)
    given = [system.groups["g"].topic for system in (whole, built)]
    np.testing.assert_array_equal(*(t.to_messages(t.log.visible_s, np.inf) for t in given))


def test_KN_05_more_batches_of_a_shard_do_more_and_keep_the_order_of_a_key():
    # 30/s of 100 ms in one shard: one function does 10/s.
    load = {"duration": 60.0, "rate": 30.0, "keys": {"key": {"count": 200}}}
    one, _ = ran(stream(1), **load)
    ten, _ = ran(stream(1, ParallelizationFactor=10), **load)
    assert one["g"]["drain_s"] > 100 and ten["g"]["drain_s"] < 5
    assert ten["g"]["consumers"] == 10
    assert one["g"]["violations"] == ten["g"]["violations"] == 0


def test_an_application_of_the_library_reads_the_same_stream_by_its_own_leases():
    other = {"h": {"workers": 2, "does": ["more"]}}
    work = {"work": {"per_message": 0.1}, "more": {"per_message": 0.01}}
    rows, _ = ran(
        stream(2, others=other, ParallelizationFactor=3), POISON, duration=60.0, rate=5.0,
        workload={
            "arrivals": {"profile": [{"for": 60.0, "rate": 5.0}]},
            "keys": {"key": {"count": 50}}, "service": work,
        },
    )  # fmt: skip
    assert rows["h"]["processed"] == rows["h"]["produced"]
    assert rows["g"]["unfinished"] > 0 and rows["g"]["consumers"] == 6


def test_KN_06_the_shard_of_a_message_that_fails_stands_still_and_the_others_go_on():
    load = {"duration": 60.0, "rate": 10.0, "keys": {"key": {"count": 100}}}
    rows, tables = ran(stream(2), POISON, **load)
    (limit,) = tables.limits[tables.limits["key"] == "MaximumRetryAttempts"].to_dict("records")
    assert limit["value"] == "-1" and limit["path"] == "applications.g.lambda.MaximumRetryAttempts"
    assert limit["times"] > 10 and limit["target"] in ("shard 0", "shard 1")
    left = rows["g"]["unfinished"]
    assert 0.3 < left / (10.0 * 40) < 0.7
    assert any("failed, and is tried again" in text for text in tables.faults["text"])


@pytest.mark.parametrize(
    ("function", "lost", "dead_lettered"),
    [
        ({"MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": True}, 1, 0),
        (
            {
                "MaximumRetryAttempts": 2,
                "BisectBatchOnFunctionError": True,
                "DestinationConfig": {"OnFailure": {"Destination": "arn"}},
            },
            0,
            1,
        ),
    ],
)
def test_KN_07_08_what_is_given_up_is_lost_or_told_of(function, lost, dead_lettered):
    load = {"duration": 60.0, "rate": 10.0, "keys": {"key": {"count": 100}}}
    rows, tables = ran(stream(2, **function), POISON, **load)
    row = rows["g"]
    assert (row["lost"], row["dead_lettered"], row["unfinished"]) == (lost, dead_lettered, 0)
    assert any("given up" in text for text in tables.faults["text"])


def test_KN_12_a_window_gathers_larger_batches():
    load = {"duration": 60.0, "rate": 10.0}
    at_once, _ = ran(stream(1), **load)
    window, _ = ran(stream(1, MaximumBatchingWindowInSeconds=5), **load)
    assert at_once["g"]["messages_per_call"] < 15 < 40 < window["g"]["messages_per_call"]


@pytest.mark.parametrize("effect", ["fail", "kill"])
@pytest.mark.parametrize("caught", ["skip", "skip-batch"])
def test_a_function_may_catch_what_it_fails_on(effect, caught):
    system = stream(1)
    system["applications"]["g"]["on_failure"] = caught
    fault = {**POISON, "effect": effect}
    rows, _ = ran(system, fault, duration=60.0, rate=10.0)
    if effect == "kill":  # nothing is caught
        assert rows["g"]["unfinished"] > 100
    else:
        assert rows["g"]["unfinished"] == 0 and (rows["g"]["lost"] == 1) >= (caught == "skip")


def test_the_library_may_try_a_record_again_for_ever():
    system = {
        "product": "kinesis", "stream": {"ShardCount": 1}, "partition_key": ["key"],
        "applications": {"g": {"workers": 1, "does": ["work"], "on_failure": "retry"}},
    }  # fmt: skip
    rows, tables = ran(system, POISON, duration=60.0, rate=5.0)
    (limit,) = tables.limits[tables.limits["key"] == "on_failure"].to_dict("records")
    assert limit["value"] == "retry" and limit["times"] > 500
    assert rows["g"]["unfinished"] > 150 and rows["g"]["double_effects"] == 0


@pytest.mark.parametrize("fault", ["crash", "pause", "slow", "partition", "seek"])
def test_every_fault_of_consumers_can_strike(fault):
    keys = {
        "crash": {"target": "a.g.1", "restart_after": "5s"},
        "pause": {"target": "a.g.1", "for": "5s"},
        "slow": {"target": "a.g.1", "for": "5s", "factor": 3},
        "partition": {"target": "a.g.1", "for": "5s"},
        "seek": {"target": "a.g", "to": "10s"},
    }[fault]
    function = {"ParallelizationFactor": 2, "MaximumRecordAgeInSeconds": 60}
    rows, _ = ran(
        stream(2, **function), {"at": 30, "fault": fault, **keys}, duration=60.0, rate=10.0
    )
    assert rows["g"]["unfinished"] == 0


@pytest.mark.parametrize(
    "fault", [{"fault": "deploy"}, {"fault": "scale", "to": 1}, {"fault": "scale", "to": 50}]
)
def test_what_is_done_to_all_readers_does_nothing_to_a_function(fault):
    rows, _ = ran(stream(2), {"at": 30, "target": "*.g", **fault}, duration=60.0, rate=10.0)
    calm, _ = ran(stream(2), duration=60.0, rate=10.0)
    assert rows["g"]["latency_p99_s"] == calm["g"]["latency_p99_s"]
    assert rows["g"]["unfinished"] == 0
