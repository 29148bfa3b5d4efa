"""The queue kernel against a per-message SimPy model, queueing theory and SS-13 arithmetic."""

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels import queue as k


def build(n, workers, batch, call, room=4_096):
    queue = k.Queue(
        np.zeros(1, np.int64),
        np.zeros(n, np.uint8),
        np.zeros(n, np.uint16),
        np.zeros(n, np.uint16),
        np.full(n, np.inf),
        np.zeros(room),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros(5, np.int64),
    )
    start = np.arange(workers) * 1e-3 + call / 2
    return queue, k.Workers(
        start,
        np.zeros(workers, np.int64),
        np.zeros(workers),
        np.zeros((workers, batch), np.int64),
        np.zeros((workers, batch), np.int64),
        np.zeros(workers, np.int64),
        np.zeros(workers, np.int64),
    )


def plain(enqueued, service, workers, batch, call, per_batch, visibility, limit, until):
    """SimPy, a process a worker and a timer a receive; shares no code with the kernel."""
    env = simpy.Environment()
    ready, receives, gone, done = [], [0] * len(enqueued), set(), np.full(len(enqueued), np.inf)
    dead = set()
    effects = np.zeros(len(enqueued), int)
    returned = []

    def arrivals():
        for i, t in enumerate(enqueued):
            yield env.timeout(t - env.now)
            ready.append(i)

    def hide(i, receipt, expiry):
        yield env.timeout(expiry - env.now)
        if i not in gone and receives[i] == receipt:
            returned.append(i)

    def worker(w):
        yield env.timeout(w * 1e-3 + call / 2)
        while True:
            got = []
            while len(got) < batch and (returned or ready):
                again = bool(returned)
                i = returned.pop(0) if again else ready.pop(0)
                if i in gone:
                    continue
                if again and receives[i] >= limit:
                    dead.add(i)
                    continue
                receives[i] += 1
                got.append((i, receives[i]))
                env.process(hide(i, receives[i], env.now + visibility))
            if not got:
                yield env.timeout(call)
                continue
            yield env.timeout(call / 2 + per_batch)
            for i, _ in got:
                yield env.timeout(float(service[i]))
                done[i] = min(done[i], env.now)
                effects[i] += 1
            yield env.timeout(call / 2)
            gone.update(i for i, r in got if receives[i] == r and i not in dead)
            yield env.timeout(call)

    env.process(arrivals())
    for w in range(workers):
        env.process(worker(w))
    env.run(until)
    return done, np.array(receives), effects, dead


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.integers(1, 10),
    st.sampled_from([0.31, 0.77, 30.0]),
    st.sampled_from([2, 1_000]),
)
def test_SS_01_03_04_10_agree_with_a_per_message_simpy_model(seed, workers, batch, vt, limit):
    rng = np.random.default_rng(seed)
    enqueued = np.cumsum(rng.exponential(0.03, 100))
    service = rng.exponential(0.1, 100).astype(np.float32)
    queue, team = build(100, workers, batch, 0.0213)
    for t in np.sort([*rng.uniform(0, 40, 30), 40.0]):
        assert not k.work(t, enqueued, service, queue, team, 0.017, batch, 0.0213, vt, limit)
    done, receives, effects, dead = plain(
        enqueued, service, workers, batch, 0.0213, 0.017, vt, limit, 40.0
    )
    np.testing.assert_allclose(queue.done_s, done, rtol=1e-9)
    np.testing.assert_array_equal(queue.receives, receives)
    np.testing.assert_array_equal(queue.effects, effects)
    assert set(np.flatnonzero(queue.state == k.DEAD)) == dead


@pytest.mark.parametrize(("work_s", "rate"), [(0.0, 250.0), (0.050, 18.5)])
def test_SS_13_one_thread(work_s, rate):
    n = 20_000
    queue, team = build(n, 1, 10, 0.020)
    service = np.full(n, work_s, np.float32)
    assert not k.work(60.0, np.zeros(n), service, queue, team, 0.0, 10, 0.020, 30.0, 1_000)
    assert (queue.state == k.DELETED).sum() / 60 == pytest.approx(rate, rel=0.01)
