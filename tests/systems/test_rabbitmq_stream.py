"""RabbitMQ streams: routing, where consumers begin, segments, and who is active (RQ-12)."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.engine.environment import Environment
from sim.log.retention import Limits
from sim.log.topic import Topic
from sim.producer.partitioners import murmur3
from sim.scenario.load import Scenario
from sim.scenario.products.rabbitmq_stream import specification
from sim.systems.rabbitmq_stream import SCHEDULED_S, Segments, offsets_of, partition_of_keys

VECTORS = {
    (b"", 0): 0,
    (b"", 1): 0x514E28B7,
    (b"", 0xFFFFFFFF): 0x81F16F39,
    (b"a", 0x9747B28C): 0x7FA09EA6,
    (b"aa", 0x9747B28C): 0x5D211726,
    (b"aaa", 0x9747B28C): 0x283E0130,
    (b"aaaa", 0x9747B28C): 0x5A97808A,
    (b"test", 0): 0xBA6BD213,
    (b"Hello, world!", 0): 0xC0363E43,
    (b"Hello, world!", 0x9747B28C): 0x24884CBA,
    (b"The quick brown fox jumps over the lazy dog", 0): 0x2E4FF723,
    (b"The quick brown fox jumps over the lazy dog", 0x9747B28C): 0x2FA826CD,
}
"""Known values of MurmurHash3_x86_32."""


def test_RQ_12_murmur3_vectors():
    for (key, seed), value in VECTORS.items():
        # Not alone, so that a key must end where the next begins.
        assert murmur3([b"before", key, b"after"], seed)[1] == value, key


def test_RQ_12_routing_keys_go_where_the_clients_send_them():
    # From the tests of the Java and Go clients: partitions invoices-01, -02, -03.
    names = [f"hello{i}" for i in (*range(1, 11), 88)]
    expected = [2, 1, 2, 3, 1, 3, 1, 2, 1, 3, 2]
    assert (partition_of_keys(names, 3) + 1).tolist() == expected
    assert partition_of_keys(names, 1).tolist() == [0] * 11


def stream_of(*visible_s):
    """A topic with a message at each of these times, by partition."""
    all_s = np.concatenate([np.asarray(of, float) for of in visible_s])
    partition = np.repeat(np.arange(len(visible_s), dtype=np.int32), [len(of) for of in visible_s])
    order = np.argsort(all_s, kind="stable").astype(np.int32)
    n = np.arange(all_s.size, dtype=np.int32)
    return Topic.of_records(all_s[order], len(visible_s), n, partition[order], all_s[order])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first", [2, 0]),
        ("next", [5, 2]),
        ("last", [3, 1]),  # the chunk of 30 s; that of 20 s
        ("0", [2, 0]),  # deleted: clamped to the first
        ("4", [4, 2]),
        ("99", [5, 2]),
        ("timestamp:20s", [2, 1]),
        ("timestamp:20001ms", [3, 2]),
        ("10s", [3, 2]),  # 30 s and later
        ("20s", [2, 1]),
        ("1h", [2, 0]),
    ],
)
def test_RQ_12_where_a_consumer_begins(text, expected):
    topic = stream_of([1.0, 10.0, 20.0, 30.0, 30.0, 50.0], [5.0, 20.0])
    topic.log.first[0] = 2
    assert offsets_of(topic, *specification(text), 40.0).tolist() == expected


def starts(created_s, until_s, size_bytes=100, **limits):
    """(s, first offset) after each deletion from a stream of messages alone in their chunks."""
    topic = stream_of(created_s)
    every = {"retention_s": inf, "retention_bytes": inf, "segment_s": inf, "segment_bytes": 500}
    retention = Segments(
        topic,
        np.atleast_1d(np.asarray(size_bytes, np.int32)),
        Limits(**{**every, "check_s": 1.0, **limits}),
    )
    env = Environment([topic])
    env.process(retention.run(env, lambda at_s: None))
    env.run(until_s)
    return [(at_s, int(first[0])) for at_s, first in retention.history]


def test_RQ_12_age_is_looked_at_when_a_segment_is_full_and_the_last_segment_stays():
    # Segments of five. That of offsets 0 to 4 is full when 5 comes, at 5 s, and too old at 14.5 s;
    # it goes at 15 s, when the next one is full. 5 to 9 go at 20 s; nothing comes after 24.
    got = starts(np.arange(25.0), 200.0, retention_s=10.5)
    assert got == [(15.0, 5), (20.0, 10)]
    # An hour after age was looked at last (20 s) it is looked at again. The last segment stays.
    assert starts(np.arange(25.0), 2 * SCHEDULED_S, retention_s=10.5) == [
        *got, (SCHEDULED_S + 20.0, 20),
    ]  # fmt: skip


def test_RQ_12_a_stream_of_one_segment_keeps_everything():
    assert starts(np.arange(5.0), 2 * SCHEDULED_S, retention_s=1.0, retention_bytes=100) == []


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(50, 300), min_size=20, max_size=80), st.integers(300, 2_500))
def test_RQ_12_size_like_a_plain_list_of_segments(sizes, most):
    segments, gone, expected = [[]], 0, []
    for at_s, size in enumerate(sizes):
        if sum(segments[-1]) + size > 500:
            segments.append([])
            segments[-1].append(size)
            before = gone
            while len(segments) > 1 and sum(map(sum, segments)) > most:
                gone += len(segments.pop(0))
            if gone > before:
                expected.append((float(at_s), gone))
        else:
            segments[-1].append(size)
    # A message at every second, and a look at the same time.
    assert starts(np.arange(float(len(sizes))), 100.0, sizes, retention_bytes=most) == expected


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_RQ_12_the_fates_of_all_messages_add_up(seed):
    rng = np.random.default_rng(seed)
    faults = [
        {"at": float(at_s), "fault": "crash", "target": f"*.{name}.*", "restart_after": 5.0}
        for at_s, name in zip(rng.uniform(5.0, 110.0, 2), ["early", "late"], strict=True)
    ]
    offset = str(rng.choice(["first", "last", "next", "17", "10s", "timestamp:30s"]))
    scenario = Scenario.model_validate({
        "name": "streams", "about": "", "seed": int(rng.integers(1_000)), "duration": 120.0,
        "workload": {
            "arrivals": {"profile": [{"for": 120.0, "rate": 50.0}]},
            "keys": {"user": {"count": 20}},
            "size": 1_000,
            "service": {"a": {"per_message": 0.005}, "b": {"per_message": 0.005}},
        },
        "systems": {"stream": {
            "product": "rabbitmq_stream",
            "stream": {
                "partitions": 3, "x-max-length-bytes": int(rng.choice([-1, 300_000])),
                "x-stream-max-segment-size-bytes": 100_000,
            },
            "partition_key": [None, ["user"]][rng.integers(2)],
            "groups": {
                "early": {"consumers": 2, "does": ["a"]},
                "late": {
                    "consumers": 2, "does": ["b"], "joins_at": 60.0, "x-stream-offset": offset,
                    "tracking": "manual", "store_every": 10,
                },
            },
        }},
        "faults": faults,
    })  # fmt: skip
    tables = sim.run(scenario).tables  # which asserts that the fates add up
    summary = tables.summary.set_index("group")
    assert summary.processed["early"] == summary.produced["early"]
    if offset == "first" and scenario.systems["stream"].stream.max_length_bytes < 0:
        assert summary.processed["late"] == summary.processed["early"]
    elif offset == "next":
        assert 0 < summary.processed["late"] < 0.6 * summary.processed["early"]
