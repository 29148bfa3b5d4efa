"""The log and its groups: against a plain per-message model, and rule by rule with hand numbers."""

from collections import Counter

import numpy as np
import random_faults
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_log import PlainLog, Settings

from sim.environment import Environment
from sim.kernels import log as k
from sim.log.coordinator import Coordinator
from sim.log.group import Group
from sim.log.topic import Topic


class Verbs:
    """The faults' verbs of `Coordinator`."""

    def __init__(self, coordinator):
        self.alive = coordinator.group.alive
        self.crash = coordinator.crash
        self.restart = coordinator.restart
        self.pause = coordinator.pause
        self.slow = coordinator.slow


def reading_of(s):
    return k.Reading(
        max_poll_records=s.max_poll_records,
        chunk_records=s.chunk_records,
        min_records=s.min_records,
        max_wait_s=s.max_wait_s,
        fetch_s=s.fetch_s,
        per_batch_s=s.per_batch_s,
        auto_commit_s=s.auto_commit_s,
        commit_s=s.commit_s,
    )


def topic_of(s, created_s, partition_of, size_bytes=300, latency_s=None):
    return Topic(
        np.asarray(created_s, float),
        np.asarray(partition_of, np.int32),
        s.partitions,
        np.atleast_1d(np.asarray(size_bytes, np.int32)),
        linger_s=s.linger_s,
        batch_bytes=s.batch_bytes,
        latency_s=np.array([s.ack_s] if latency_s is None else latency_s),
    )


def group_of(s, topic, work_s, grid_s=()):
    work_s = np.broadcast_to(np.asarray(work_s, np.float32), topic.created_s.shape)
    return Group(topic, work_s, s.members, reading_of(s), np.asarray(grid_s, float))


def coordinator_of(s, env, group, say=lambda text: None):
    return Coordinator(
        env, group, session_timeout_s=s.session_s, rebalance_s=s.rebalance_s, say=say
    )


def run_with_faults(s, created_s, partition_of, size_bytes, work_s, until_s, faults):
    """The lab's stages, driven as the lab does; returns group and the verbs that were felt."""
    topic = topic_of(s, created_s, partition_of, size_bytes)
    group = group_of(s, topic, work_s)
    env = Environment([topic, group])
    verbs = Verbs(coordinator_of(s, env, group))
    felt = random_faults.inject(env, faults, verbs, random_faults.uneven(s.members))
    env.run(until_s)
    return group, felt


def run_plain(s, created_s, partition_of, size_bytes, work_s, until_s, faults):
    env = simpy.Environment()
    plain = PlainLog(env, s, created_s, partition_of, size_bytes, np.asarray(work_s, np.float32))
    felt = random_faults.inject(env, faults, plain, random_faults.uneven(s.members))
    env.run(until_s)
    return plain, felt


def scenario(rng):
    """Random continuous times throughout: where events tie, either order would be right."""
    s = Settings(
        partitions=int(rng.integers(1, 7)),
        linger_s=rng.choice([0.0, 1.0]) * rng.uniform(0.005, 0.3),
        batch_bytes=int(rng.integers(200, 3_000)),
        ack_s=rng.uniform(0.001, 0.05),
        members=int(rng.integers(1, 6)),
        max_poll_records=int(rng.integers(1, 20)),
        chunk_records=int(rng.integers(1, 30)),
        min_records=int(rng.choice([1, 1, 4])),
        max_wait_s=rng.uniform(0.1, 0.6),
        fetch_s=rng.uniform(0.001, 0.01),
        per_batch_s=rng.choice([0.0, 1.0]) * rng.uniform(0.0, 0.1),
        auto_commit_s=float(rng.choice([-1.0, rng.uniform(0.2, 2.0)])),
        commit_s=rng.uniform(0.002, 0.05),
        session_s=rng.uniform(1.6, 2.5),  # longer than any one pause
        rebalance_s=rng.uniform(0.1, 0.5),
    )
    n, until_s = 100, 12.0
    created_s = np.cumsum(rng.exponential(6.0 / n, n))
    partition_of = rng.integers(0, s.partitions, n)
    size_bytes = rng.integers(50, 600, n)
    work_s = rng.exponential(rng.uniform(0.01, 0.06) * s.members, n).astype(np.float32)
    faults = random_faults.draw(rng, rng.integers(6), s.members, 9.0, (0.1, 4.0))
    return s, created_s, partition_of, size_bytes, work_s, until_s, faults


def test_agrees_message_by_message_with_a_plain_simpy_model():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        case = scenario(np.random.default_rng(seed))
        plain, _ = run_plain(*case)
        group, felt = run_with_faults(*case)
        to_messages = group.topic.to_messages
        done_s = to_messages(group.state.done_s, np.inf)
        np.testing.assert_allclose(done_s, plain.done_s, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(to_messages(group.state.effects, 0), plain.effects)
        np.testing.assert_array_equal(group.state.processed, plain.processed)
        np.testing.assert_array_equal(group.state.committed, plain.committed)
        seen.update({"examples"} | set(felt))
        seen["rebalance"] += plain.rebalances > 0
        seen["done twice"] += max(plain.effects) > 1
        seen["all done"] += min(plain.effects) > 0

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    for what in ("crash", "pause", "slow", "rebalance", "done twice", "all done"):
        assert share[what] > 0.25, (what, share[what])
