"""What became of records that were not processed: whatever happens, each has one fate (KB-09)."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.log_scenarios import Verbs, coordinator_of, reading_of, scenario, topic_of
from helpers.reader import Reader
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.log.fates import told, unread
from sim.log.group import Group
from sim.log.retention import Limits, Retention


def storm(seed):
    """A group under random faults, deletions and seeks, looked at again and again, to its end."""
    rng = np.random.default_rng(seed)
    s, created_s, partition_of, size_bytes, work_s, until_s, faults = scenario(rng)
    s = replace(s, before=False, handed=False)  # at least once
    topic = topic_of(s, created_s, partition_of, size_bytes)
    reading = reading_of(s)._replace(reset=int(rng.integers(3)), reset_s=rng.uniform(0.1, 3.0))
    group = Group(topic, work_s, s.members, reading, np.zeros(0), committed=bool(rng.integers(2)))
    limits = Limits(
        retention_s=rng.uniform(0.3, 5.0),
        retention_bytes=np.inf,
        segment_s=rng.uniform(0.1, 1.0),
        segment_bytes=1 << 30,
        check_s=rng.uniform(0.2, 1.0),
    )
    retention = Retention(topic, size_bytes.astype(np.int32), limits)
    env = Environment([topic, group])
    coordinator = coordinator_of(s, env, group)
    random_faults.inject(env, faults, Verbs(coordinator))
    env.process(retention.run(env, group.deleted))

    def seek():
        for at_s in np.sort(rng.uniform(0.0, 10.0, rng.integers(3))):
            yield env.timeout(at_s - env.now)
            coordinator.seek(float(rng.choice([-np.inf, np.inf, rng.uniform(0.0, at_s)])))

    committed, jumped = group.committed.copy(), 0
    jumps = group.state.jumps

    def watch():
        nonlocal jumped
        for at_s in np.sort(rng.uniform(0.0, until_s, 40)):
            yield env.timeout(at_s - env.now)
            back = np.flatnonzero(group.committed < committed)
            sought = {jumps.partition[i] for i in range(jumped, jumps.n) if jumps.sought[i]}
            assert set(back) <= sought  # only a seek moves it back
            jumped = jumps.n
            assert (group.committed <= group.processed).all()
            assert (group.processed <= group.position).all()
            assert (group.position <= topic.log.end).all()
            assert (topic.log.first <= topic.readable(env.now)).all()
            committed[:] = group.committed

    env.process(seek())
    env.process(watch())
    env.run(until_s)
    group.finish(until_s)
    return topic, group


def test_KB_09_under_faults_and_seeks_every_record_is_processed_or_lost_or_still_to_come():
    seen = Counter()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        topic, group = storm(seed)
        jumps = group.state.jumps
        where = [
            (jumps.partition[i], jumps.source[i], jumps.to[i], jumps.log_start[i])
            for i in range(jumps.n)
        ]
        fate = unread(group)
        fate = np.zeros(group.effects.size, np.uint8) if fate is None else fate
        in_hand = {
            (p, offset)
            for zombie in group.zombies.values()
            for p, low, high in zombie.in_hand()
            for offset in range(low, high)
        }
        for p, base in enumerate(topic.log.start[:-1]):
            mine = [span for q, *span in where if q == p]
            for offset in range(topic.log.end[p]):
                said = Fate(int(fate[base + offset]))
                if group.effects[base + offset] or (p, offset) in in_hand:
                    continue
                seen[said.label] += 1
                if said is Fate.LOST_RETENTION:
                    assert offset < topic.log.first[p]
                elif said is Fate.LOST_OFFSET_RESET:
                    assert any(max(frm, first) <= offset < to for frm, to, first in mine)
                else:
                    assert said is Fate.UNFINISHED
                    assert offset >= min(max(group.committed[p], 0), max(group.processed[p], 0))
        assert int((group.effects > 0).sum()) <= group.runs.distinct() <= group.counts.handed
        seen["resets"] += bool((np.asarray(jumps.sought)[: jumps.n] == 0).any())
        seen["seeks"] += bool((np.asarray(jumps.sought)[: jumps.n] == 1).any())

    check()
    assert min(seen["resets"], seen["seeks"]) > 25, seen
    assert min(seen[fate.label] for fate in (Fate.LOST_RETENTION, Fate.LOST_OFFSET_RESET)) > 100


def test_what_a_group_missed_is_told_by_episode():
    # Each takes 10 s. Done with 2 at 30, it finds those before 20 gone and goes on with 31, which
    # comes at 31; done at 41, it finds those from 32 to 35 gone, and at 52 those from 43 to 44.
    reader = Reader().delete(25.0, before=20).delete(39.0, before=36).delete(49.0, before=45)
    reader.run(55.0)
    assert list(told(reader.group, "group", 1.0)) == [
        (30.0, 30.0, "group: 17 gone before they were read, 11 skipped"),
        (41.0, 41.0, "group: 4 gone before they were read, 6 skipped"),
        (52.0, 52.0, "group: 2 gone before they were read, 8 skipped"),
    ]
    ((_, _, words),) = told(reader.group, "group", 10.0)
    assert words == "group: 23 gone before they were read, 25 skipped"
