"""Lambda's event source mapping on a stream: hand-computed times, and the plain model of it."""

import numpy as np
import pytest

from models import plain_lambda
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.engine.waits import TimePart, Unsplit
from sim.injection.poison import ALWAYS, Poison
from sim.log import acts, retried
from sim.log.fates import unread
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kinesis_lambda import EventSourceMapping, Invocations
from sim.log.parts import LogWaits
from sim.log.topic import Topic


class Function:
    """A function on a stream whose records are known: [records] part, when they are there."""

    def __init__(self, part, got_s, work_s, s, poison=(), arrived_s=None, parts=None):
        """``poison``: (record, times, kills) of those on which it fails."""
        n = len(got_s)
        parts = parts or int(max(part)) + 1
        got_s = np.asarray(got_s, np.float64)
        rows = np.arange(n, dtype=np.int32)
        part = np.asarray(part, np.int32)
        topic = Topic.of_records(got_s, parts, rows, part, got_s)
        reading = Reading(
            max_poll_records=s.batch, chunk_records=s.batch,
            min_records=s.batch if s.window_s else 1, max_wait_s=s.window_s, fetch_s=0.0,
            per_batch_s=s.invoke_s, auto_commit_s=-1.0, commit_s=0.0, wait=0,
            max_poll_s=s.invoke_s + s.timeout_s, max_age_s=s.age_s,
        )  # fmt: skip
        poison = sorted(poison)
        bad = Poison(
            np.array([m for m, _, _ in poison], np.int64),
            np.array([kills for _, _, kills in poison], np.bool_),
            np.array([times for _, times, _ in poison], np.int32),
            np.full(len(poison), np.inf),
        )
        self.group = Group(
            topic, np.full(n, work_s, np.float32), parts, reading, np.array([0.0]), poison=bad
        )
        if s.age_s < np.inf:
            arrived_s = got_s if arrived_s is None else np.asarray(arrived_s)
            retried.limit_age(self.group, arrived_s[topic.log.message])
        self.env = Environment([topic, self.group])
        self.said = []
        mapping = EventSourceMapping(
            1, s.bisects, s.retries, (s.first_s, s.most_s), s.reports, None, Fate.DEAD_LETTERED
        )
        self.fleet = Invocations(
            self.env, self.group, mapping,
            lambda text: self.said.append((round(self.env.now, 3), text)),
        )  # fmt: skip

    def run(self, until_s):
        self.env.run(until_s)
        return self

    def finished(self, until_s):
        """Run to the end; the invocations until then."""
        self.run(until_s)
        self.group.finish(until_s)
        return self.group.counts.polls

    @property
    def done_s(self):
        """[records] in order of creation."""
        return self.group.topic.to_messages(self.group.done_s, np.inf)

    @property
    def effects(self):
        return self.group.topic.to_messages(self.group.effects, 0, np.add)

    @property
    def given_up(self):
        """Records that were given up and have no effect."""
        rows = unread(self.group)
        if rows is None:
            return []
        fates = self.group.topic.to_messages(rows, 255)
        return np.flatnonzero((fates == Fate.DEAD_LETTERED) & (self.effects == 0)).tolist()


def batch_of_100(bad, *, then=10, **settings):
    """A hundred records at 1 s and ``then`` at 2 s, of 10 ms each; ``bad`` always fails."""
    got_s = [1.0] * 100 + [2.0] * then
    s = plain_lambda.Settings(**settings)
    return Function([0] * (100 + then), got_s, 0.01, s, [(bad, ALWAYS, False)])


def test_KN_06_by_default_a_batch_is_tried_again_for_ever_and_its_shard_stands_still():
    s = plain_lambda.Settings()
    # Records at 1 s, a second apart, in two shards; that of 4 s in shard 0 always fails.
    its = Function([0, 1] * 200, np.repeat(np.arange(1.0, 201.0), 2), 0.01, s, [(6, ALWAYS, False)])
    its.run(150.0)
    done = np.flatnonzero(its.done_s < np.inf)
    assert done[done % 2 == 0].tolist() == [0, 2, 4]
    assert done[done % 2 == 1].size == 149
    # Tried at 4 s, and 1, 2, 4, 8, 16, 32 and 60 s after it failed; 10 ms each.
    retries = [4.01 + sum([1, 2, 4, 8, 16, 32][:n]) + 0.01 * n for n in range(7)] + [127.07]
    assert its.fleet.tried[0] == (4, len([t for t in retries if t <= 150.0]))
    (acted,) = its.group.standing.acts.of[acts.RETRIES].values()
    assert acted.times == 8
    assert (acted.first_s, acted.last_s) == pytest.approx((4.01, 187.08))
    assert its.said == [(4.01, "shard 0: a batch of 1 failed, and is tried again")]
    assert its.fleet.age_s() == pytest.approx(150.0 - 4.0)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_KN_07_attempts_are_one_more_than_the_retries_and_then_the_whole_batch_is_given_up(retries):
    its = batch_of_100(60, retries=retries)
    assert its.finished(60.0) == (retries + 1) + 1  # and the ten behind it
    assert its.given_up == list(range(60, 100))
    assert its.effects[:60].tolist() == [retries + 1] * 60
    waited_s = [0, 1, 1 + 2, 1 + 2 + 4][retries] + 0.61 * (retries + 1)
    assert its.done_s[100] == pytest.approx(max(2.0, 1.0 + waited_s) + 0.01)


@pytest.mark.parametrize(
    ("bad", "failing", "others"),
    [
        # 100, 50, 25, 12, 6, 3, 1: seven fail, six halves do not.
        (0, 7, 6),
        # 100, 50, 25, 13, 7, 4, 2, 1: eight and seven.
        (99, 8, 7),
        # 100, the second 50, its first 25, its first 12, then 6, 3, and the second of 1 and 2, 1.
        (55, 8, 7),
    ],
)
@pytest.mark.parametrize("retries", [0, 2])
def test_KN_08_splitting_isolates_a_record_and_uses_up_no_retries(bad, failing, others, retries):
    its = batch_of_100(bad, then=0, bisects=True, retries=retries)
    assert its.finished(60.0) == failing + retries + others
    assert its.given_up == [bad]
    assert np.delete(its.effects, bad).min() >= 1


def test_KN_08_splitting_alone_lets_the_shard_stand_still():
    its = batch_of_100(60, bisects=True)
    its.run(3_600.0)
    assert its.given_up == [] and np.flatnonzero(its.done_s == np.inf).tolist() == [*range(60, 110)]


def test_KN_09_a_record_is_given_up_at_its_age_and_so_is_what_is_behind_it():
    # Records at 10, 10.5, ... s; that of 12 s fails, for a minute; what is behind it goes on then.
    got_s = 10.0 + 0.5 * np.arange(400)
    its = Function([0] * 400, got_s, 0.01, plain_lambda.Settings(age_s=60.0), [(4, ALWAYS, False)])
    its.finished(300.0)
    assert its.given_up == [4] and its.effects[5] == 1
    assert its.done_s[5] == pytest.approx(72.01)
    assert (72.0, "shard 0: 1 too old, given up") in its.said
    # A pause of two minutes: what comes in its first minute is too old at its end.
    its = Function([0] * 400, got_s, 0.01, plain_lambda.Settings(age_s=60.0))
    its.run(20.2)
    its.fleet.pause(0, 120.0)
    its.finished(300.0)
    too_old = np.flatnonzero((got_s > 20.2) & (got_s + 60.0 <= 140.2)).tolist()
    assert its.given_up == too_old and its.done_s[too_old[-1] + 1] == pytest.approx(140.21)
    assert its.group.counts.handed == its.group.runs.distinct() == 400 - len(too_old)


def test_KN_10_a_function_that_reports_moves_the_checkpoint_to_the_record_that_failed():
    its = batch_of_100(60, reports=True, retries=2)
    assert its.finished(60.0) == 3 + 1
    assert its.effects[:60].tolist() == [1] * 60
    assert its.given_up == list(range(60, 100))
    # With splitting: 100 fails, the 40 from it on fail at once, 20, 10, 5, 2 and 1: seven; then the
    # second halves of 1, 3, 5, 10 and 20, and the ten behind.
    its = batch_of_100(60, reports=True, retries=0, bisects=True)
    assert its.finished(60.0) == 7 + 5 + 1
    assert its.given_up == [60] and np.delete(its.effects, 60).tolist() == [1] * 109


def test_KN_11_an_invocation_that_takes_too_long_fails_and_splitting_works_around_it():
    # A hundred records take a second; 300 ms are allowed: 100, 50 fail; of 25 each, none.
    its = batch_of_100(200, timeout_s=0.3, bisects=True, then=0)
    assert its.finished(60.0) == 3 + 4
    assert its.group.standing.acts.of[acts.TIMEOUT]["shard 0"].times == 3
    assert its.done_s.max() == pytest.approx(1.0 + 3 * 0.3 + 1.0, abs=1e-5)
    its = batch_of_100(200, timeout_s=0.3, then=0)
    its.run(600.0)
    assert np.flatnonzero(its.done_s < np.inf).tolist() == list(range(30))


def test_KN_12_a_batch_leaves_when_it_is_full_or_its_window_is_over():
    s = plain_lambda.Settings(batch=5, window_s=2.0)
    got_s = [1.0, 1.1, 1.2, 1.3, 1.4, 3.0, 9.0]
    its = Function([0] * 7, got_s, 0.01, s)
    its.finished(20.0)
    # Full at 1.4 s; the next window begins when that is done, at 1.45 s; then every 2 s.
    expected = [1.41, 1.42, 1.43, 1.44, 1.45, 3.46, 9.47]
    np.testing.assert_allclose(its.done_s, expected, atol=1e-6)


def test_an_environment_that_dies_fails_its_batch_and_another_is_there_at_once():
    its = batch_of_100(200, then=0)
    its.run(1.505)
    its.fleet.crash(0)
    its.fleet.restart(0)
    assert its.fleet.alive(0) and its.fleet.life(0) == 1
    its.fleet.terminate(0)
    assert not its.fleet.alive(0)  # who waits for its end, need not
    its.fleet.restart(0)
    assert its.fleet.alive(0)
    its.finished(60.0)
    assert its.effects.tolist() == [2] * 50 + [1] * 50
    assert its.done_s[99] == pytest.approx(1.505 + 1.0 + 1.0)
    assert its.said[0] == (1.505, "shard 0: a batch of 100 died, and is tried again")


@pytest.mark.parametrize("paused", [False, True])
def test_a_new_environment_is_neither_slow_nor_paused(paused):
    its = batch_of_100(200, then=0)
    its.run(0.5)
    its.fleet.slow(0, 3.0)
    its.run(1.305)  # ten records are done
    if paused:
        its.fleet.pause(0, 30.0)
    its.fleet.crash(0)
    its.finished(60.0)
    assert its.effects.tolist() == [2] * 10 + [1] * 90
    assert its.done_s[99] == pytest.approx(1.305 + 1.0 + 1.0)


# Random scenarios, against the plain model.


def drawn(seed):
    """A random function and its part of a stream, for the lab and for the plain model."""
    rng = np.random.default_rng(seed)
    parts, n = int(rng.integers(1, 4)), int(rng.integers(20, 200))
    until_s = 300.0
    arrived_s = (
        np.sort(rng.uniform(1.0, 120.0, n))
        if rng.random() < 0.5
        else np.sort(rng.choice(rng.uniform(1.0, 120.0, 8), n))
    )
    got_s = arrived_s + 0.25
    part = rng.integers(0, parts, n)
    s = plain_lambda.Settings(
        batch=int(rng.choice([1, 3, 10, 100])),
        window_s=float(rng.choice([0.0, 0.0, 2.0])),
        retries=int(rng.choice([-1, 0, 1, 4])),
        bisects=bool(rng.random() < 0.5),
        reports=bool(rng.random() < 0.4),
        age_s=float(rng.choice([np.inf, 60.0, 62.5])),
        timeout_s=float(rng.choice([np.inf, 0.701])),
        invoke_s=float(rng.choice([0.0, 0.01])),
        first_s=float(rng.choice([0.5, 1.0])),
        most_s=float(rng.choice([2.0, 60.0])),
    )
    work_s = float(np.float32(rng.choice([0.003, 0.05, 0.1])))
    bad = sorted(set(rng.integers(0, n, rng.integers(0, 4)).tolist()))
    poison = [(m, int(rng.choice([1, 2, 5, ALWAYS])), bool(rng.random() < 0.3)) for m in bad]
    crashes = [(float(rng.uniform(1.0, 200.0)), int(rng.integers(0, parts))) for _ in range(3)]
    return s, part, arrived_s, got_s, work_s, poison, crashes, until_s, parts


@pytest.mark.parametrize("seed", range(150))
def test_KN_05_06_07_08_09_10_11_12_as_the_plain_model_message_by_message(seed):
    s, part, arrived_s, got_s, work_s, poison, crashes, until_s, parts = drawn(seed)
    its = Function(part, got_s, work_s, s, poison, arrived_s, parts)
    for at_s, which in sorted(crashes):
        its.run(at_s)
        its.fleet.crash(which)
    its.run(until_s)
    fails = {m: (np.inf if times == ALWAYS else times, kills) for m, times, kills in poison}
    records = [
        plain_lambda.Record(arrived_s[m], got_s[m], work_s, *fails.get(m, (0, False)))
        for m in range(len(got_s))
    ]
    plain = [
        plain_lambda.Part(
            [records[m] for m in np.flatnonzero(part == p)],
            s,
            [at_s for at_s, which in crashes if which == p],
            until_s,
        )
        for p in range(parts)
    ]
    assert its.group.counts.polls == sum(p.invocations for p in plain)
    assert its.effects.tolist() == [len(r.effects) for r in records]
    expected_s = [r.effects[0] if r.effects else np.inf for r in records]
    np.testing.assert_allclose(its.done_s, expected_s, atol=1e-6)
    lost = [m for m, r in enumerate(records) if r.given_up and not r.effects]
    assert its.given_up == lost

    idle = plain_lambda.union([stretch for p in plain for stretch in p.idle])
    waits = LogWaits(its.group, Unsplit(got_s)).parts_s(0, len(got_s))
    tracked = parts > 1 or (s.window_s > 0 and s.batch > 1)
    for m, record in enumerate(records):
        if not record.effects:
            continue
        asks = s.window_s > 0 and s.batch > 1
        expected = plain_lambda.parts_of(record, plain[part[m]], idle if tracked else [], s, asks)
        found = {TimePart(k).name: v for k, v in enumerate(waits[:, m].tolist())}
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-6), (m, name, expected, found)
        assert sum(found.values()) == pytest.approx(expected_s[m] - got_s[m], abs=1e-6)
    its.group.finish(until_s)
