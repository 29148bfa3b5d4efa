"""Kinesis: what a shard accepts and hands out, which shard a key is in, and who reads it."""

from collections import Counter
from hashlib import md5

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.operated import Operated
from models.plain_stream import PlainShard
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.injection.poison import ALWAYS, Poison
from sim.log import kinesis_shards_kernel as k
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kinesis_leases import Leases
from sim.log.topic import Topic
from sim.systems.kinesis import shard_of_key


def put(created_s, ready_s, sizes, trip_s, putting):
    n = len(created_s)
    outcome, arrived_s, visible_s = np.zeros(n, np.uint8), np.zeros(n), np.zeros(n)
    refused = k.put(
        np.arange(n, dtype=np.int32), np.asarray(created_s, float), np.asarray(sizes, np.int32),
        np.zeros(n, np.int64), np.asarray(ready_s, float), np.array([trip_s]), putting,
        outcome, arrived_s, visible_s,
    )  # fmt: skip
    return outcome, arrived_s, visible_s, refused


def test_a_shard_accepts_refuses_and_expires_like_a_plain_simpy_model():
    seen = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        rng = np.random.default_rng(seed)
        n = 60
        created_s = np.cumsum(rng.exponential(rng.choice([0.02, 0.08]), n))
        ready_s = created_s + rng.uniform(0.0, 0.1)
        sizes = rng.integers(1_000, 120_000, n)
        putting = k.Putting(
            buffered_s=rng.uniform(0.05, 0.3),
            ttl_s=float(rng.choice([rng.uniform(0.5, 2.0), 30.0])),
            limit=float(rng.choice([1.5, 0.8, 4.0])),
            retries=bool(rng.random() < 0.85),
        )
        trip_s = rng.uniform(0.01, 0.06)
        outcome, arrived_s, visible_s, refused = put(created_s, ready_s, sizes, trip_s, putting)
        env = simpy.Environment()
        plain = PlainShard(env, created_s, ready_s, sizes, trip_s=trip_s, **putting._asdict())
        env.run()
        appended = np.flatnonzero(outcome == k.APPENDED)
        assert set(np.flatnonzero(outcome == k.GIVEN_UP)) == plain.given_up
        assert appended[np.argsort(arrived_s[appended], kind="stable")].tolist() == plain.order
        assert visible_s[appended] == pytest.approx([plain.visible_s[i] for i in appended])
        assert refused == plain.refused
        seen["refused"] += refused
        seen["given up"] += len(plain.given_up)
        seen["overtaken"] += plain.order != sorted(plain.order)

    check()
    assert min(seen[what] for what in ("refused", "given up", "overtaken")) > 10, seen


def test_a_shard_accepts_a_thousand_records_a_second_and_no_more():
    rate, seconds = 3_000, 20
    created_s = np.arange(rate * seconds) / rate
    putting = k.Putting(buffered_s=0.1, ttl_s=5.0, limit=1.5, retries=True)
    outcome, arrived_s, _, _ = put(created_s, created_s + 0.1, [100], 0.02, putting)
    arrived_s = np.sort(arrived_s[outcome == k.APPENDED])
    for second in range(2, seconds):
        assert np.count_nonzero((arrived_s >= second) & (arrived_s < second + 1)) == pytest.approx(
            1_000, abs=2
        )
    assert np.count_nonzero(outcome == k.GIVEN_UP) == pytest.approx(
        (rate - 1_000) * seconds, rel=0.3
    )


@pytest.mark.parametrize(
    ("created_s", "count", "limit_bytes", "calls"),
    [
        ([0.0, 0.05, 0.2], 500, 10**6, [(0, 0.1), (0, 0.1), (1, 0.3)]),  # lingering
        ([0.0, 0.01, 0.02], 2, 10**6, [(0, 0.01), (0, 0.01), (1, 0.12)]),  # full by records
        ([0.0, 0.01, 0.02], 500, 250, [(0, 0.02), (0, 0.02), (1, 0.12)]),  # full by bytes
    ],
)
def test_records_leave_in_calls_that_are_full_or_have_lingered(
    created_s, count, limit_bytes, calls
):
    n = len(created_s)
    call, ready_s = np.zeros(n, np.int64), np.zeros(n)
    k.collect(
        np.array(created_s), np.array([100], np.int32), 0.1, count, limit_bytes, call, ready_s
    )
    assert list(zip(call.tolist(), ready_s.tolist(), strict=True)) == [
        (number, pytest.approx(at)) for number, at in calls
    ]


def polled(visible_s, size, first_s, idle_s, max_records=10_000, bytes_per_s=2.0 * 2**20):
    got_s = np.zeros(len(visible_s))
    k.poll(
        np.asarray(visible_s, float), np.array([size], np.int32), first_s, idle_s, 0.01,
        max_records, bytes_per_s, got_s,
    )  # fmt: skip
    return got_s


def test_a_poll_hands_over_at_its_next_call():
    visible_s = np.sort(np.random.default_rng(1).uniform(0, 30, 200))
    got_s = polled(visible_s, 300, first_s=0.4, idle_s=1.0)
    expected = 0.4 + np.ceil(visible_s - 0.4) + 0.01
    assert got_s == pytest.approx(np.maximum(expected, 0.41))


def test_a_backlog_is_polled_at_two_mebibytes_a_second():
    got_s = polled(np.zeros(100), 2**20, first_s=0.0, idle_s=0.2)
    # 10 MiB a call, and 5 s to the next.
    assert got_s.tolist() == [pytest.approx(5.0 * (i // 10) + 0.01) for i in range(100)]
    got_s = polled(np.zeros(100), 300, first_s=0.0, idle_s=0.2, max_records=30)
    assert got_s.tolist() == [pytest.approx(0.2 * (i // 30) + 0.01) for i in range(100)]


def test_a_push_has_two_mebibytes_a_second():
    got_s = np.zeros(4)
    k.push(np.array([0.0, 0.0, 0.0, 5.0]), np.array([2**20], np.int32), 0.07, got_s)
    assert got_s.tolist() == pytest.approx([0.57, 1.07, 1.57, 5.57])


@given(st.text(max_size=20), st.integers(1, 50))
def test_a_key_is_in_the_shard_whose_range_holds_its_md5(key, shards):
    number = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
    ranges = [(-(-i * 2**128 // shards), -(-(i + 1) * 2**128 // shards)) for i in range(shards)]
    (expected,) = [i for i, (first, stop) in enumerate(ranges) if first <= number < stop]
    assert shard_of_key(key, shards) == expected


class Looks:
    """A generator that makes worker 0 look first at 3 s, worker 1 at 9 s, and so on."""

    def __init__(self):
        self.first_s = 3.0

    def uniform(self, low, high):
        self.first_s += 6.0
        return self.first_s - 6.0

    def permutation(self, values):
        return np.asarray(values)


def application(
    shards=4, workers=2, work_s=0.1, rate=2.0, until_s=200.0, poison=None, skips_batch=True
):
    """Records at a steady rate in every shard, read by workers with a failover time of 10 s."""
    n = int(shards * rate * until_s)
    visible_s = np.arange(n) / (shards * rate)
    shard_of = np.arange(n, dtype=np.int32) % shards
    topic = Topic.of_records(visible_s, shards, np.arange(n, dtype=np.int32), shard_of, visible_s)
    reading = Reading(
        max_poll_records=10_000, chunk_records=10_000, min_records=1, max_wait_s=0.0, fetch_s=0.0,
        per_batch_s=0.0, auto_commit_s=-1.0, commit_s=0.01,
    )  # fmt: skip
    group = Group(
        topic, np.full(n, work_s, np.float32), shards, reading, np.array([0.0, 1.0]), poison=poison
    )
    env = Environment([topic, group])
    said = []
    leases = Leases(
        env, group, workers, workers, failover_s=10.0, most_stolen=1, rng=Looks(),
        skips_batch=skips_batch, say=lambda text: said.append((round(env.now, 3), text)),
    )  # fmt: skip
    return env, leases, group, said


def test_a_dead_workers_leases_are_taken_at_the_second_look_after_and_nobody_else_stops():
    env, leases, group, said = application()
    env.run(60.0)
    leases.crash(0)  # worker 1 looks at 9 s and every 20.05 s: at 49.1, 69.15, 89.2 s
    env.run(100.0)
    assert said == [(89.2, "worker 1 took shard 0"), (89.2, "worker 1 took shard 2")]
    done_s = np.sort(group.state.done_s[: 400 * 4].reshape(4, -1), axis=1)
    for shard in (1, 3):  # those of the other worker
        assert np.diff(done_s[shard][done_s[shard] < 95.0]).max() < 1.0
    for shard in (0, 2):
        gap_s = np.diff(done_s[shard][done_s[shard] < 95.0]).max()
        assert gap_s == pytest.approx(89.2 - 60.0, abs=0.7)


def test_what_was_not_checkpointed_is_processed_again_after_a_crash_and_not_after_sigterm():
    for verb, again in (("crash", 1), ("terminate", 0)):
        env, leases, group, _said = application(shards=1, workers=2, work_s=0.4, rate=2.0)
        env.run(60.405)  # the record of 60 s is done since 60.4 s, and checkpointed at 60.41 s
        getattr(leases, verb)(0)
        env.run(120.0)
        assert leases.owner == [1]
        assert np.count_nonzero(group.state.effects > 1) == again


def test_sigterm_does_not_hand_leases_over():
    env, leases, _group, said = application()
    env.run(60.0)
    leases.terminate(0)
    env.run(100.0)
    assert not leases.alive(0)
    assert said[0] == (89.2, "worker 1 took shard 0")


def test_a_new_process_steals_one_lease_at_a_look():
    env, leases, _group, _said = application(shards=6)
    env.run(60.0)
    leases.crash(0)
    env.run(95.0)
    assert leases.leases(1) == [0, 1, 2, 3, 4, 5]
    leases.restart(0)
    env.run(96.0)
    assert len(leases.leases(0)) == 1
    env.run(95.0 + 20.05 + 1)
    assert len(leases.leases(0)) == 2
    env.run(199.0)
    assert [len(leases.leases(w)) for w in (0, 1)] == [3, 3]


def test_a_pause_shorter_than_the_failover_keeps_its_leases_and_a_long_one_loses_them():
    env, leases, _group, said = application()
    env.run(60.0)
    leases.pause(0, 9.0)
    env.run(120.0)
    assert not said
    leases.pause(0, 70.0)
    env.run(180.0)
    assert {text for _, text in said} == {"worker 1 took shard 0", "worker 1 took shard 2"}
    env.run(199.9)
    assert leases.leases(0), "it steals one back when it is awake again"


def test_a_worker_that_is_cut_off_loses_its_leases_and_what_it_does_with_them_is_done_again():
    env, leases, group, said = application()
    env.run(60.0)
    leases.cut_off(0)
    env.run(100.0)
    assert {text for _, text in said} == {"worker 1 took shard 0", "worker 1 took shard 2"}
    leases.reconnect(0)
    env.run(195.0)
    assert leases.leases(0), "it steals one back when it can be heard of again"
    # A cut shorter than the failover costs nothing but the wait.
    env, leases, group, said = application()
    env.run(60.0)
    leases.cut_off(0)
    env.run(65.0)
    leases.reconnect(0)
    env.run(199.0)
    assert not said and leases.backlog() <= 4
    done_s = np.sort(group.state.done_s[:400])
    assert np.diff(done_s[done_s < 90.0]).max() == pytest.approx(5.0, abs=0.7)


def poisonous(message, *, kills, times=ALWAYS, restart_s=np.inf):
    return Poison(
        np.array([message]), np.array([kills]), np.array([times], np.int32), np.array([restart_s])
    )


@pytest.mark.parametrize(("skips_batch", "lost"), [(True, range(24, 31)), (False, [24])])
def test_a_record_that_fails_is_skipped_with_the_rest_of_its_batch_or_alone(skips_batch, lost):
    env, leases, group, said = application(
        shards=1, work_s=0.4, poison=poisonous(24, kills=False), skips_batch=skips_batch
    )
    env.run(10.0)
    leases.pause(0, 5.0)  # in the middle of record 20, so that 21 to 30 are one batch
    env.run(14.0)
    env.run(100.0)
    processed = group.state.effects[:190]
    assert np.flatnonzero(processed == 0).tolist() == list(lost)
    assert (processed <= 1).all()
    assert group.poisoned.passed == {(0, record): Fate.LOST_REJECTED for record in lost}
    # 21, 22 and 23 take 0.4 s each from 15.41 s on, and the work on 24 is in vain.
    words = "skipped a batch from a record on" if skips_batch else "skipped a record"
    assert said == [(17.01, f"worker 0 {words}")]
    assert group.state.committed[0] > 180


def test_a_record_that_kills_kills_whoever_takes_its_shard_over():
    env, leases, group, said = application(
        shards=2, workers=3, poison=poisonous(100, kills=True, times=2)
    )
    env.run(190.0)
    killed = [(at_s, words) for at_s, words in said if words.endswith("killed by a record")]
    assert [words for _, words in killed] == [f"worker {w} killed by a record" for w in (0, 1)]
    assert killed[0][0] == pytest.approx(100 / 4 + 0.1)
    # From then on nobody renews the lease: it can be taken after two looks.
    assert 10.0 < killed[1][0] - killed[0][0] < 2 * leases.look_every_s
    assert (group.state.effects.reshape(2, -1)[:, :370] >= 1).all()
    assert group.poisoned.bad == {}
    assert [leases.alive(worker) for worker in range(3)] == [False, False, True]


def test_two_records_at_once_kill_a_process_once():
    both = Poison(
        np.array([80, 81]), np.array([True, True]), np.array([1, 1], np.int32), np.array([1.0, 1.0])
    )
    env, leases, group, said = application(shards=2, workers=1, poison=both)
    env.run(19.9)
    leases.pause(0, 10.0)  # both shards' processors poll again at 29.9 s
    env.run(190.0)
    killed = [at_s for at_s, words in said if words == "worker 0 killed by a record"]
    assert killed[0] == 30.0
    assert len(killed) == 2 and killed[1] > 40.0, "the other record had its turn later"
    assert (group.state.effects.reshape(2, -1)[:, :300] >= 1).all()


def test_a_worker_killed_by_a_record_is_back_and_takes_its_shard_again():
    env, leases, group, said = application(
        shards=1, workers=1, poison=poisonous(50, kills=True, times=1, restart_s=1.0)
    )
    env.run(190.0)
    assert said[0] == (25.1, "worker 0 killed by a record")
    assert said[1:] == [(pytest.approx(26.1 + leases.look_every_s), "worker 0 took shard 0")]
    assert leases.alive(0)
    assert (group.state.effects[:350] >= 1).all()


def test_a_slow_worker_is_slow_on_shards_that_it_takes():
    env, leases, group, _said = application()
    env.run(60.0)
    leases.slow(1, 2.0)
    leases.crash(0)
    env.run(100.0)
    assert group.state.factor.tolist() == [2.0] * 4


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_whatever_happens_to_workers_every_record_is_processed(seed):
    rng = np.random.default_rng(seed)
    env, leases, group, _said = application(shards=5, workers=3, work_s=0.05, rate=1.0, until_s=100)
    leases.rng = rng
    for at_s in np.sort(rng.uniform(0, 90, 6)):
        env.run(float(at_s) + 1e-6)
        worker = int(rng.integers(3))
        verb = rng.choice(
            ["crash", "restart", "pause", "slow", "terminate", "cut_off", "reconnect"]
        )
        value = {"pause": (15.0,), "slow": (1.5,), "terminate": (5.0,)}.get(str(verb), ())
        getattr(Operated(env, leases), verb)(worker, *value)
    env.run(100.0)
    for worker in range(3):
        leases.reconnect(worker)
        leases.restart(worker)
    env.run(300.0)
    assert leases.backlog() == 0
    assert (group.state.effects > 0).all()
    assert all(owner >= 0 for owner in leases.owner)
    held = [len(leases.leases(worker)) for worker in range(3)]
    assert max(held) - min(held) <= 1, "the leases are shared evenly again"
