"""The destructive queue: against a plain per-message model, and rule by rule with hand numbers."""

from collections import Counter

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

import random_faults
from plain_queue import PlainQueue, Settings
from sim.environment import Environment
from sim.kernels import queue as k
from sim.queue.senders import Senders
from sim.queue.workers import Workers

WHERE = {"ready": k.READY, "hidden": k.IN_FLIGHT, "deleted": k.DELETED, "dead": k.DEAD}
WHERE |= {"unsent": k.READY, "expired": k.EXPIRED}


class Verbs:
    """The faults' verbs of `Workers`, at the present time of the environment."""

    def __init__(self, env, workers):
        self.env, self.workers, self.alive = env, workers, workers.alive

    def crash(self, w):
        self.workers.crash(w, self.env.now)

    def restart(self, w):
        self.workers.restart(w, self.env.now)

    def pause(self, w, for_s):
        self.workers.pause(w, self.env.now, for_s)

    def slow(self, w, factor):
        self.workers.slow(w, self.env.now, factor)


def policy_of(s, **changes):
    policy = k.Policy(
        batch=s.batch,
        per_delete=1 if s.delete_each else s.batch,
        per_batch_s=s.per_batch_s,
        visibility_s=s.visibility_s,
        wait_s=s.wait_s,
        max_receives=s.max_receives,
        max_in_flight=s.max_in_flight,
        retention_s=s.retention_s,
        asked=1,
        delay_s=s.delay_s,
    )
    return policy._replace(**changes)


def build(s, created_s, work_s, grid_s=(), servers=1, **changes):
    """Senders and workers of the settings ``s``."""
    senders = Senders(
        np.asarray(created_s, float),
        threads=s.threads,
        batch=s.send_batch,
        latency_s=np.array([s.send_s]),
    )
    workers = Workers(
        senders.feed,
        np.asarray(work_s, np.float32),
        s.workers,
        policy_of(s, **changes),
        servers=servers,
        receive_latency_s=np.array([s.receive_s]),
        delete_latency_s=np.array([s.delete_s]),
        grid_s=np.asarray(grid_s, float),
    )
    return senders, workers


def run_with_faults(s, created_s, work_s, until_s, faults, **options):
    """The lab's stages, driven as the lab does; returns workers and the verbs that were felt."""
    senders, workers = build(s, created_s, work_s, **options)
    env = Environment([senders, workers])
    felt = random_faults.inject(env, faults, Verbs(env, workers), s.workers)
    env.run(until_s)
    workers.settle(until_s)
    return workers, felt


def run_plain(s, created_s, work_s, until_s, faults=()):
    env = simpy.Environment()
    plain = PlainQueue(env, s, created_s, np.asarray(work_s, np.float32))
    random_faults.inject(env, faults, plain, s.workers)
    env.run(until_s)
    plain.finish()
    return plain


def scenario(rng):
    """Random continuous times throughout: where events tie, either order would be right."""
    call = rng.uniform(0.005, 0.05, 3)
    s = Settings(
        threads=int(rng.integers(1, 4)),
        send_batch=int(rng.integers(1, 11)),
        send_s=call[0],
        workers=int(rng.integers(1, 6)),
        batch=int(rng.integers(1, 11)),
        delete_each=bool(rng.integers(2)),
        per_batch_s=rng.choice([0.0, 1.0]) * rng.uniform(0.0, 0.1),
        visibility_s=float(rng.choice([rng.uniform(0.2, 1.5), rng.uniform(2.0, 4.0)])),
        wait_s=rng.choice([0.0, 1.0]) * rng.uniform(0.3, 2.0),
        max_receives=int(rng.choice([1, 2, 3, 1_000])),
        max_in_flight=int(rng.choice([3, 12, 120_000])),
        retention_s=float(rng.choice([rng.uniform(1.0, 4.0), 345_600.0])),
        delay_s=rng.choice([0.0, 1.0]) * rng.uniform(0.0, 0.5),
        receive_s=call[1],
        delete_s=call[2],
    )
    n, until_s = 70, 8.0
    created_s = np.cumsum(rng.exponential(3.5 / n, n))
    work_s = rng.exponential(rng.uniform(0.02, 0.2), n).astype(np.float32)
    # A new process does not start while a delete sent by the old one is still on its way.
    restart_s = (s.delete_s, 2.0)
    faults = random_faults.draw(rng, rng.integers(9), s.workers, until_s, restart_s)
    return s, created_s, work_s, until_s, faults


def fates(state, effects):
    """Where messages ended; of one processed and then out of time, either end may come first."""
    state = np.where(state == k.OVERDUE, k.IN_FLIGHT, state)
    return np.where((state == k.EXPIRED) & (effects > 0), k.DELETED, state)


def test_agrees_message_by_message_with_a_plain_simpy_model():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        s, created_s, work_s, until_s, faults = scenario(np.random.default_rng(seed))
        plain = run_plain(s, created_s, work_s, until_s, faults)
        workers, felt = run_with_faults(s, created_s, work_s, until_s, faults, grid_s=[until_s])
        queue, messages = workers.queue, plain.messages
        np.testing.assert_allclose(queue.done_s, [m.done_s for m in messages], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(queue.receives, [m.receives for m in messages])
        np.testing.assert_array_equal(queue.effects, [m.effects for m in messages])
        np.testing.assert_array_equal(
            fates(queue.state, queue.effects),
            fates(np.array([WHERE[m.where] for m in messages]), queue.effects),
        )
        assert queue.grid_in_flight[0] == plain.in_flight
        seen.update({"examples"} | set(felt) | plain.seen)
        seen.update({m.where for m in messages})
        seen["done twice"] += any(m.effects > 1 for m in messages)

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    for what in ("crash", "pause", "slow", "visibility expired", "done twice"):
        assert share[what] > 0.3, (what, share[what])
    for what in ("stale receipt", "in-flight cap", "dead", "expired", "deleted"):
        assert share[what] > 0.1, (what, share[what])
