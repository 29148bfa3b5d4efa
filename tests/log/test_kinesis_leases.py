"""Workers that share out shards by leases, and what faults do to them. Hand-computed times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.operated import Operated
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.injection.poison import ALWAYS, Poison
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kinesis_leases import Leases
from sim.log.topic import Topic


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
        on_failure="skip-batch" if skips_batch else "skip", retry_s=1.0,
        say=lambda text: said.append((round(env.now, 3), text)),
    )  # fmt: skip
    return env, leases, group, said


def poisonous(message, *, kills, times=ALWAYS, restart_s=np.inf):
    return Poison(
        np.array([message]), np.array([kills]), np.array([times], np.int32), np.array([restart_s])
    )


def test_a_dead_workers_leases_are_taken_at_the_second_look_after_and_nobody_else_stops():
    env, leases, group, said = application()
    env.run(60.0)
    leases.crash(0)  # worker 1 looks at 9 s and every 20.05 s: at 49.1, 69.15, 89.2 s
    env.run(100.0)
    assert said == [(89.2, "worker 1 took shard 0"), (89.2, "worker 1 took shard 2")]
    done_s = np.sort(group.done_s[: 400 * 4].reshape(4, -1), axis=1)
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
        assert np.count_nonzero(group.effects > 1) == again


def test_sigterm_does_not_hand_leases_over():
    env, leases, _group, said = application()
    env.run(60.0)
    leases.terminate(0)
    env.run(100.0)
    assert not leases.alive(0)
    assert said[0] == (89.2, "worker 1 took shard 0")


def test_a_worker_that_was_sent_sigterm_takes_no_more_leases_and_ends():
    # It looks at 3 s and every 20.05 s, and has 60 s to work on when it is told to end at 60 s;
    # the leases of the other are free from 83.2 s on.
    env, leases, _group, said = application(shards=2, work_s=60.0)
    env.run(60.0)
    leases.terminate(0)
    leases.terminate(0)
    leases.crash(1)
    env.run(190.0)
    assert said == [] and leases.lives == [1, 1]
    assert not leases.alive(0)


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


def test_a_worker_killed_in_a_pause_renews_nothing_at_its_death():
    taken = []
    for pause_s in (0.0, 500.0):
        env, leases, _group, said = application()
        env.run(60.0)
        if pause_s:
            leases.pause(0, pause_s)
            env.run(75.0)
        leases.crash(0)
        env.run(199.0)
        taken.append(said)
    assert taken[0] == taken[1] and len(taken[0]) == 2


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
    done_s = np.sort(group.done_s[:400])
    assert np.diff(done_s[done_s < 90.0]).max() == pytest.approx(5.0, abs=0.7)


@pytest.mark.parametrize(("skips_batch", "lost"), [(True, range(24, 31)), (False, [24])])
def test_a_record_that_fails_is_skipped_with_the_rest_of_its_batch_or_alone(skips_batch, lost):
    env, leases, group, said = application(
        shards=1,
        work_s=0.4,
        poison=poisonous(24, kills=False),
        skips_batch=skips_batch,
    )
    env.run(10.0)
    leases.pause(0, 5.0)  # in the middle of record 20, so that 21 to 30 are one batch
    env.run(14.0)
    env.run(100.0)
    processed = group.effects[:190]
    assert np.flatnonzero(processed == 0).tolist() == list(lost)
    assert (processed <= 1).all()
    assert group.poisoned.passed == {(0, record): Fate.LOST_REJECTED for record in lost}
    # 21, 22 and 23 take 0.4 s each from 15.41 s on, and the work on 24 is in vain.
    words = "skipped a batch from a record on" if skips_batch else "skipped a record"
    assert said == [(17.01, f"worker 0 {words}")]
    assert group.committed[0] > 180


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
    assert (group.effects.reshape(2, -1)[:, :370] >= 1).all()
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
    assert (group.effects.reshape(2, -1)[:, :300] >= 1).all()


def test_a_worker_killed_by_a_record_is_back_and_takes_its_shard_again():
    env, leases, group, said = application(
        shards=1, workers=1, poison=poisonous(50, kills=True, times=1, restart_s=1.0)
    )
    env.run(190.0)
    assert said[0] == (25.1, "worker 0 killed by a record")
    assert said[1:] == [(pytest.approx(26.1 + leases.look_every_s), "worker 0 took shard 0")]
    assert leases.alive(0)
    assert (group.effects[:350] >= 1).all()


def test_a_slow_worker_is_slow_on_shards_that_it_takes():
    env, leases, group, _said = application()
    env.run(60.0)
    leases.slow(1, 2.0)
    leases.crash(0)
    env.run(100.0)
    assert np.asarray(group.state.members.factor).tolist() == [2.0] * 4


def test_a_new_process_is_as_fast_as_any_though_the_one_before_was_slow():
    env, leases, group, _ = application(workers=1)
    leases.slow(0, 3.0)
    leases.crash(0)
    leases.restart(0)
    env.run(30.0)
    assert len(leases.leases(0)) == 4
    assert np.asarray(group.state.members.factor).tolist() == [1.0] * 4


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
    assert (group.effects > 0).all()
    assert all(owner >= 0 for owner in leases.owner)
    held = [len(leases.leases(worker)) for worker in range(3)]
    assert max(held) - min(held) <= 1, "the leases are shared evenly again"
