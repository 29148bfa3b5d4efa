"""Polls taken one after the other give the same bits as step by step."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.group_lab import Lab
from helpers.log_scenarios import Verbs, coordinator_of, group_of, scenario, topic_of
from helpers.plain_kernel import columns
from sim.engine.environment import Environment
from sim.log.group_state_kernel import Visits

EVERYTHING = ("members", "offsets", "records", "samples", "idle")


def run(seed, visited):
    """Every column of a group at the end, its polls that were visits, and of which kind."""
    rng = np.random.default_rng(seed)
    s, created_s, partition_of, size_bytes, work_s, until_s, faults = scenario(rng)
    polled = int(rng.choice([1, rng.integers(s.partitions, 40)]))
    s = replace(s, bad=(), min_records=1, max_poll_records=polled, chunk_records=9, before=False)
    topic = topic_of(s, created_s, partition_of, size_bytes)
    group = group_of(s, topic, work_s, np.linspace(0.0, until_s, 30))
    if not visited:
        group.state.visits = Visits(0)
    env = Environment([topic, group])
    random_faults.inject(env, faults, Verbs(coordinator_of(s, env, group)))
    env.run(until_s)
    group.finish(until_s)
    state = group.state
    found = {"counts": tuple(group.counts)}
    for part in EVERYTHING:
        found |= {f"{part}.{name}": c for name, c in columns(getattr(state, part)).items()}
    del found["offsets.scan"]
    commits = "client" if s.auto_commit_s >= 0 else "record" if s.per_record else "batch"
    return found, state.visited, f"{commits}, {'one' if polled == 1 else 'several'}"


def test_visits_are_the_steps_to_the_last_bit():
    seen = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        (visited, polls, kind), (stepped, none, _) = run(seed, True), run(seed, False)
        np.testing.assert_equal(visited, stepped)
        assert none == 0
        seen[kind] += polls

    check()
    assert len(seen) == 6 and min(seen.values()) > 100, seen


READINGS = {
    "the client commits": {},
    "after each batch": {"auto_commit_s": -1.0, "commit_s": 0.01},
    "after each batch, and waits": {"auto_commit_s": -1.0, "commit_s": 0.01, "wait": True},
    "after each record": {
        "auto_commit_s": -1.0, "commit_s": 0.01, "wait": True, "per_record": True
    },
    "one record a poll": {"max_poll_records": 1},
}  # fmt: skip


@pytest.mark.parametrize("partitions", [1, 2, 9])
def test_one_record_a_poll_is_a_visit_too_where_several_were_fetched(partitions):
    # Twelve at once, and each poll takes one of them; the run is cut in the middle of them.
    created_s = np.repeat(np.arange(1.0, 11.0) * 4.0, 12)
    lab = Lab(
        created_s, np.arange(120) % partitions, 0.1, partitions, 1, max_poll_records=1,
        auto_commit_s=-1.0, commit_s=0.01,
    )  # fmt: skip
    for cut_s in np.arange(4.5, 45.0, 4.0):
        lab.run(cut_s)
    done_s = lab.run(200.0)
    assert (lab.group.state.visited, lab.group.counts.polls) == (120, 120)
    took_s = np.arange(1, 13) * 0.11 - 0.01
    np.testing.assert_allclose(np.sort(done_s), created_s + np.tile(took_s, 10))


@pytest.mark.parametrize("partitions", [1, 2, 9])
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_where_nothing_happens_every_poll_is_a_visit(partitions, reading):
    """The steps would give the same, ten times as slowly: nothing else would tell."""
    n = 400
    lab = Lab(np.arange(n) * 0.25, np.arange(n) % partitions, 0.1, partitions, 1, **reading)
    done_s = lab.run(200.0)
    assert (lab.group.state.visited, lab.group.counts.polls) == (n, n)
    np.testing.assert_allclose(done_s, np.arange(n) * 0.25 + 0.1)
