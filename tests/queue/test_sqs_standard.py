"""The destructive queue: against a plain per-message model, and rule by rule with hand numbers."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.operated import Operated
from helpers.plain_kernel import arrays
from models.plain_queue import PlainQueue, Settings
from sim.engine.environment import Environment
from sim.engine.waits import TimePart, Unsplit
from sim.injection.poison import ALWAYS, Poison
from sim.queue import sqs_standard_codes as k
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.queue.sqs_standard_waits import StandardWaits

WHERE = {"ready": k.READY, "hidden": k.IN_FLIGHT, "deleted": k.DELETED, "dead": k.DEAD}
WHERE |= {"unsent": k.READY, "expired": k.EXPIRED}

ORDERS = {
    "returned-first": k.RETURNED_FIRST,
    "as-visible": k.AS_VISIBLE,
    "fresh-first": k.FRESH_FIRST,
}


def policy_of(s, **changes):
    terms = dict(
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
        order=ORDERS[s.order],
        stale_deletes=int(s.stale_deletes),
    )
    return StandardPolicy(**(terms | changes))


def poisons(spec):
    """`Poison` of ``{message: (kills, times, restart_after_s)}``."""
    at = sorted(spec)
    return Poison(
        np.array(at, np.int64),
        np.array([spec[m][0] for m in at], np.bool_),
        np.array([spec[m][1] for m in at], np.int32),
        np.array([spec[m][2] for m in at], np.float64),
    )


def build(s, created_s, work_s, grid_s=(), servers=1, poison=None, keep_repeats=0, **changes):
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
        keep_repeats=keep_repeats,
        poison=poisons(poison or {}),
    )
    return senders, workers


def run_with_faults(s, created_s, work_s, until_s, faults, factors=(), **options):
    """The lab's stages, driven as the lab does; returns workers and the verbs that were felt."""
    senders, workers = build(s, created_s, work_s, **options)
    env = Environment([senders, workers])
    felt = random_faults.inject(env, faults, Operated(env, workers), factors)
    env.run(until_s)
    workers.settle()
    assert workers.queue.again == np.maximum(arrays(workers.queue).effects.astype(int) - 1, 0).sum()
    return workers, felt


def run_plain(s, created_s, work_s, until_s, faults=(), poison=None):
    env = simpy.Environment()
    plain = PlainQueue(env, s, created_s, np.asarray(work_s, np.float32))
    for message, (kills, times, revive_s) in (poison or {}).items():
        one = plain.messages[message]
        one.poison, one.times, one.revive_s = "kill" if kills else "fail", times, revive_s
    random_faults.inject(env, faults, plain, random_faults.uneven(s.workers))
    env.run(until_s)
    plain.finish()
    return plain


def agrees_why(workers, plain, created_s, delay_s):
    """What each message waited for is what the plain model says."""
    done = [i for i, m in enumerate(plain.messages) if m.effect is not None]
    parts_s = StandardWaits(workers, Unsplit(created_s), 0.0).parts_s(0, len(created_s))
    expected_s = np.zeros_like(parts_s)
    for i in done:
        for part, seconds in plain.parts(plain.messages[i]).items():
            expected_s[TimePart[part], i] = seconds
            plain.seen |= {part} if seconds > 1e-6 else set()
    np.testing.assert_allclose(parts_s[:, done], expected_s[:, done], rtol=0, atol=1e-6)


VERBS = ("crash", "crash", "pause", "slow", "terminate", "terminate", "partition", "partition")


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
    faults = random_faults.draw(rng, rng.integers(9), s.workers, until_s, restart_s, VERBS)
    poison = {
        int(message): (
            bool(rng.integers(2)),
            int(rng.choice([1, 2, ALWAYS])),
            float(rng.choice([rng.uniform(*restart_s), np.inf], p=[0.8, 0.2])),
        )
        for message in rng.choice(n, int(rng.choice([0, 0, 1, 4])), replace=False)
    }
    order = str(rng.choice(["returned-first"] * 3 + list(ORDERS)))
    s = replace(s, order=order, stale_deletes=bool(rng.random() < 0.15))
    return s, created_s, work_s, until_s, faults, poison


def fates(state, effects):
    """Where messages ended; of one processed and then out of time, either end may come first."""
    state = np.where(state == k.OVERDUE, k.IN_FLIGHT, state)
    return np.where((state == k.EXPIRED) & (effects > 0), k.DELETED, state)


def test_agrees_message_by_message_with_a_plain_simpy_model(monkeypatch):
    monkeypatch.setattr("sim.queue.sqs_standard._FIRST_ROOM", 8)  # so that the rings must grow
    seen = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        s, created_s, work_s, until_s, faults, poison = scenario(np.random.default_rng(seed))
        plain = run_plain(s, created_s, work_s, until_s, faults, poison)
        factors = random_faults.uneven(s.workers)
        workers, felt = run_with_faults(
            s, created_s, work_s, until_s, faults, factors, grid_s=[until_s], poison=poison
        )
        queue, messages = arrays(workers.queue), plain.messages
        np.testing.assert_allclose(queue.done_s, [m.done_s for m in messages], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(queue.receives, [m.receives for m in messages])
        np.testing.assert_array_equal(queue.effects, [m.effects for m in messages])
        np.testing.assert_array_equal(
            fates(queue.state, queue.effects),
            fates(np.array([WHERE[m.where] for m in messages]), queue.effects),
        )
        assert queue.grid_in_flight[0] == plain.in_flight
        agrees_why(workers, plain, created_s, s.delay_s)
        seen.update({"examples", s.order} | set(felt) | plain.seen)
        seen.update({m.where for m in messages})
        seen["done twice"] += any(m.effects > 1 for m in messages)

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    for what in ORDERS:
        assert share[what] > 0.1, (what, share[what])
    for what in ("crash", "terminate", "partition", "visibility expired", "in-flight cap"):
        assert share[what] > 0.3, (what, share[what])
    for what in ("pause", "slow", "stale receipt", "done twice", "dead", "expired", "fail", "kill"):
        assert share[what] > 0.1, (what, share[what])
    for what in ("CAPACITY", "CALL", "HELD"):
        assert share[what] > 0.3, (what, share[what])
    for what in ("ATTEMPT", "LOCK", "CEILING", "SLOWED"):
        assert share[what] > 0.1, (what, share[what])
    for what in (
        "NO_OWNER", "ended at once", "ended in grace", "grace over", "answer lost",
        "stale receipt deleted", "came back earlier", "came back later",
    ):  # fmt: skip
        assert share[what] > 0.01, (what, share[what])


def at_zero(n):
    """``n`` messages created at 0, in the queue at 0."""
    return np.zeros(n)


def advance(stages, until_s):
    for stage in stages:
        stage.advance(until_s)


def test_SS_01_receive_hides_and_only_delete_removes():
    # Received at 0.010, processed from 0.020 to 1.020, deleted at 1.030, next receive at 1.050.
    senders, workers = build(
        Settings(batch=10),
        at_zero(12),
        np.full(12, 0.1),
        grid_s=[0.005, 0.015, 1.025, 1.035, 1.055],
    )
    advance((senders, workers), 1.1)
    assert arrays(workers.queue).grid_in_flight.tolist() == [0, 10, 10, 0, 2]
    assert arrays(workers.queue).grid_removed.tolist() == [0, 0, 0, 10, 10]
    np.testing.assert_allclose(
        arrays(workers.queue).done_s[:10], 0.02 + 0.1 * np.arange(1, 11), rtol=1e-6
    )


def test_SS_01_a_batch_holds_at_most_what_was_asked_for():
    senders, workers = build(Settings(batch=3, workers=2), at_zero(10), np.full(10, 5.0))
    advance((senders, workers), 1.0)
    assert list(workers.workers.held_n) == [3, 3]
    assert (arrays(workers.queue).state == k.IN_FLIGHT).sum() == 6


def test_SS_03_a_delete_with_an_old_receipt_does_nothing():
    # Worker 0 receives at 0.010 and is done at 1.520; the message is visible again at 1.010 and
    # worker 1 has it at 1.011, so that worker 0's delete at 1.530 carries an old receipt.
    s = Settings(workers=2, batch=1, visibility_s=1.0)
    senders, workers = build(s, at_zero(1), [1.5])
    advance((senders, workers), 1.6)
    assert workers.queue.state[0] == k.IN_FLIGHT
    assert workers.queue.receives[0] == 2
    assert workers.queue.effects[0] == 1
    # Worker 0 has it again at 2.030, so worker 1's delete at 2.531 does nothing either.
    advance((senders, workers), 2.6)
    assert workers.queue.state[0] == k.IN_FLIGHT
    assert workers.queue.receives[0] == 3
    assert workers.queue.effects[0] == 2
    assert workers.queue.done_s[0] == pytest.approx(1.52)


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_repeats_are_counted_and_as_many_kept_as_was_asked_for(keep):
    # Message 0 is done by worker 0 at 1.520, by worker 1 at 2.521, and by worker 0 again at 3.540.
    s = Settings(workers=2, batch=1, visibility_s=1.0)
    senders, workers = build(s, at_zero(1), [1.5], keep_repeats=keep)
    advance((senders, workers), 3.6)
    queue = arrays(workers.queue)
    assert (queue.effects[0], queue.effects_in_all, queue.again) == (3, 3, 2)
    np.testing.assert_allclose(queue.again_s, [2.521, 3.54, 0.0][:keep], atol=1e-9)
    assert queue.again_message.tolist() == [0] * keep


def test_SS_03_where_an_old_receipt_deletes_the_first_delete_ends_it():
    # As above, but worker 0's delete at 1.530 removes it while worker 1 works on it till 2.521.
    s = Settings(workers=2, batch=1, visibility_s=1.0, stale_deletes=True)
    senders, workers = build(s, at_zero(1), [1.5])
    advance((senders, workers), 1.529)
    assert workers.queue.state[0] == k.IN_FLIGHT and workers.queue.in_flight == 1
    advance((senders, workers), 1.531)
    assert workers.queue.state[0] == k.DELETED and workers.queue.in_flight == 0
    advance((senders, workers), 60.0)
    assert workers.queue.receives[0] == workers.queue.effects[0] == 2
    # Ready again, nobody has taken it when the old receipt comes: it is gone as well.
    s = Settings(workers=3, batch=1, visibility_s=0.5, stale_deletes=True)
    senders, workers = build(s, at_zero(1), [1.7])
    advance((senders, workers), 60.0)
    assert workers.queue.state[0] == k.DELETED
    assert workers.queue.receives[0] == workers.queue.effects[0] == 3


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("returned-first", [1, 2, 3, 0, 4, 5, 6, 7]),
        ("as-visible", [1, 2, 3, 4, 5, 0, 6, 7]),
        ("fresh-first", [1, 2, 3, 4, 5, 6, 7, 0]),
    ],
)
def test_SS_16_where_a_message_that_came_back_is_in_line(order, expected):
    # Worker 0 has message 0 at 0.010 and dies; it is visible again at 1.010. Worker 1 receives at
    # 0.011 and every 0.44 s after: its fourth receive is the next. 6 and 7 come at 1.5.
    s = Settings(workers=2, batch=1, visibility_s=1.0, order=order)
    senders, workers = build(s, [0.0] * 6 + [1.5] * 2, [0.4] * 8)
    advance((senders, workers), 0.1)
    workers.crash(0)
    advance((senders, workers), 60.0)
    assert np.argsort(arrays(workers.queue).done_s).tolist() == expected


def test_SS_03_the_newest_receipt_deletes_even_after_the_visibility_timeout():
    senders, workers = build(Settings(batch=1, visibility_s=1.0), at_zero(1), [1.5])
    advance((senders, workers), 1.6)
    assert workers.queue.state[0] == k.DELETED
    assert workers.queue.receives[0] == 1


@pytest.mark.parametrize(("work_s", "twice"), [(2.9, 0), (3.5, 10)])
def test_SS_04_a_batch_slower_than_the_timeout_is_delivered_again(work_s, twice):
    # 10 * 2.9 s fits into 30 s; of 10 * 3.5 s, deleted together at 35.03 s, nothing does.
    s = Settings(workers=2, batch=10, visibility_s=30.0, wait_s=20.0)
    senders, workers = build(s, at_zero(10), np.full(10, work_s))
    advance((senders, workers), 70.0)
    assert (arrays(workers.queue).receives >= 2).sum() == twice
    workers.settle()
    assert (arrays(workers.queue).effects >= 2).sum() == twice


def test_SS_04_deleting_one_by_one_spares_all_but_the_tail():
    # The k-th is deleted at 0.02 + 3.5 k + 0.02 (k - 1) + 0.01: the 8th at 28.17, the 9th at 31.69.
    s = Settings(workers=2, batch=10, delete_each=True, visibility_s=30.0, wait_s=20.0)
    senders, workers = build(s, at_zero(10), np.full(10, 3.5))
    advance((senders, workers), 40.0)
    assert arrays(workers.queue).receives.tolist() == [1] * 8 + [2] * 2


def test_SS_05_messages_of_a_crashed_worker_wait_out_the_timeout():
    # Received at 0.010 and lost sight of at 0.5; worker 1's long poll has them at 30.010.
    s = Settings(workers=2, batch=10, visibility_s=30.0, wait_s=20.0)
    faults = [random_faults.Fault(0.5, "crash", 0, 0.0)]
    workers, _ = run_with_faults(s, at_zero(10), np.full(10, 0.9999), 60.0, faults)
    np.testing.assert_allclose(
        arrays(workers.queue).done_s, 30.02 + 0.9999 * np.arange(1, 11), rtol=1e-6
    )
    assert arrays(workers.queue).effects.tolist() == [1] * 10
    assert arrays(workers.queue).receives.tolist() == [2] * 10


def test_SS_05_sigterm_finishes_what_is_held_and_loses_no_time():
    # Received at 0.010, processed until 1.020, deleted at 1.030; SIGTERM at 0.5 changes nothing.
    s = Settings(workers=2, batch=10, visibility_s=30.0, wait_s=20.0)
    faults = [random_faults.Fault(0.5, "terminate", 0, 0.0, grace_s=30.0)]
    workers, _ = run_with_faults(s, at_zero(10), np.full(10, 0.1), 60.0, faults)
    assert arrays(workers.queue).receives.tolist() == [1] * 10
    assert arrays(workers.queue).state.tolist() == [k.DELETED] * 10
    assert not workers.alive(0)
    assert workers.alive(1)


def test_SS_05_sigterm_becomes_sigkill_when_the_grace_is_over():
    # Of ten messages of 1 s each, three are done by 3.5 s; all ten wait until 30.010.
    s = Settings(workers=2, batch=10, visibility_s=30.0, wait_s=20.0)
    faults = [random_faults.Fault(0.5, "terminate", 0, 0.0, grace_s=3.0)]
    workers, _ = run_with_faults(s, at_zero(10), np.full(10, 0.9999), 60.0, faults)
    assert arrays(workers.queue).effects.tolist() == [2] * 3 + [1] * 7
    np.testing.assert_allclose(
        arrays(workers.queue).done_s[3:], 30.02 + 0.9999 * np.arange(4, 11), rtol=1e-6
    )


def test_SS_03_a_delete_held_up_by_the_network_may_come_too_late():
    # Processed by 1.5 s, deleted on reconnection at 3.010; but worker 1 has had it since 2.010.
    s = Settings(workers=2, batch=1, visibility_s=2.0, wait_s=20.0)
    faults = [random_faults.Fault(0.5, "partition", 0, 2.5)]
    workers, _ = run_with_faults(s, at_zero(1), [1.48], 3.4, faults)
    assert workers.queue.receives[0] == 2
    assert workers.queue.effects[0] == 1
    assert workers.queue.state[0] == k.IN_FLIGHT
    # Reconnected in time, it deletes.
    faults = [random_faults.Fault(0.5, "partition", 0, 1.2)]
    workers, _ = run_with_faults(s, at_zero(1), [1.48], 3.4, faults)
    assert workers.queue.receives[0] == 1
    assert workers.queue.state[0] == k.DELETED


def test_SS_10_a_poisonous_message_fails_alone_and_goes_to_the_dead_letter_queue():
    # Received at 0.010, 5.0xx and 10.0xx; instead of a fourth receive it is moved.
    s = Settings(batch=10, visibility_s=5.0, wait_s=20.0, max_receives=3)
    poison = {1: (False, ALWAYS, np.inf)}
    senders, workers = build(s, at_zero(4), np.full(4, 0.1), poison=poison)
    advance((senders, workers), 1.0)
    assert arrays(workers.queue).state.tolist() == [k.DELETED, k.IN_FLIGHT, k.DELETED, k.DELETED]
    advance((senders, workers), 30.0)
    assert arrays(workers.queue).state.tolist() == [k.DELETED, k.DEAD, k.DELETED, k.DELETED]
    assert arrays(workers.queue).receives.tolist() == [1, 3, 1, 1]
    assert arrays(workers.queue).effects.tolist() == [1, 0, 1, 1]


def test_SS_10_a_message_that_kills_takes_the_rest_of_its_batch_along():
    # It dies at 0.220 with one message done and one not begun; all are received again at 5.010.
    s = Settings(batch=10, visibility_s=5.0, wait_s=20.0, max_receives=2)
    poison = {1: (True, ALWAYS, 0.5)}
    senders, workers = build(s, at_zero(3), np.full(3, 0.1), poison=poison)
    advance((senders, workers), 4.0)
    assert arrays(workers.queue).effects.tolist() == [1, 0, 0]
    assert workers.deaths(0) == [0]
    assert workers.queue.poison.death_s[0] == pytest.approx(0.22)
    advance((senders, workers), 30.0)
    # The second death costs the third message its last receive: good messages go there too.
    assert arrays(workers.queue).effects.tolist() == [2, 0, 0]
    assert arrays(workers.queue).state.tolist() == [k.DEAD] * 3


def test_poison_that_wears_off_is_processed_in_the_end():
    s = Settings(batch=10, visibility_s=5.0, wait_s=20.0)
    senders, workers = build(s, at_zero(2), np.full(2, 0.1), poison={1: (False, 2, np.inf)})
    advance((senders, workers), 30.0)
    assert arrays(workers.queue).receives.tolist() == [1, 3]
    assert arrays(workers.queue).effects.tolist() == [1, 1]


def test_backlog_age_and_busy_workers_are_those_of_the_moment():
    s = Settings(workers=3, batch=1, delay_s=1.0)
    senders, workers = build(s, [0.0, 0.5, 0.5, 2.0], np.full(4, 1.9))
    seen = []
    for now_s in (0.9, 1.2, 1.6, 2.5, 3.2, 6.0):
        advance((senders, workers), now_s)
        seen.append((workers.backlog(), round(workers.age_s(), 3), workers.busy()))
    # Visible at 1.0, 1.5, 1.5 and 3.0; each is deleted some 1.93 s after it was received.
    assert seen == [(0, 0, 0), (1, 0.2, 1), (3, 0.6, 3), (3, 1.5, 3), (3, 1.7, 3), (0, 0, 0)]


def test_SS_07_a_short_poll_asks_some_servers_and_a_long_poll_all():
    held = {}
    for wait_s in (0.0, 20.0):
        s = Settings(batch=10, wait_s=wait_s)
        senders, workers = build(s, at_zero(8), np.full(8, 1.0), servers=8, asked=2)
        advance((senders, workers), 0.015)
        held[wait_s] = int(workers.workers.held_n[0])
    assert held == {0.0: 2, 20.0: 8}


@pytest.mark.parametrize(("batch", "held"), [(1, [0]), (2, [0, 7])])
def test_SS_08_a_short_poll_begins_with_the_oldest_of_the_servers_that_it_asks(batch, held):
    # Message m is on server m; the first call asks servers 7 and 0.
    senders, workers = build(Settings(batch=batch), at_zero(8), np.ones(8), servers=8, asked=2)
    advance((senders, workers), 0.015)
    assert np.asarray(workers.workers.held)[0, :batch].tolist() == held


def test_SS_08_each_short_poll_hands_out_the_oldest_of_the_servers_that_it_asks():
    # Message m is on server m % 8. Call c asks three servers in a row, from Knuth's scramble of c.
    servers, asked, n = 8, 3, 60
    senders, workers = build(
        Settings(batch=1, visibility_s=1e4), at_zero(n), np.full(n, 0.1), servers=servers,
        asked=asked,
    )  # fmt: skip
    advance((senders, workers), 1e4)
    queue = arrays(workers.queue)
    heads, expected, call = list(range(servers)), [], 0
    while len(expected) < n:
        call += 1
        first = (call * 2_654_435_761 >> 16 & 0xFFFF) % servers
        head, server = min(
            (heads[(first + i) % servers], (first + i) % servers) for i in range(asked)
        )
        if head < n:
            expected.append(head)
            heads[server] += servers
    assert np.argsort(queue.done_s).tolist() == expected
    assert expected != sorted(expected)


def test_SS_07_short_polls_miss_a_message_and_a_later_one_finds_it():
    s = Settings(batch=10, workers=16)
    senders, workers = build(s, at_zero(1), [0.0], servers=8, asked=2)
    advance((senders, workers), 5.0)
    assert workers.settled() == workers.queue.state.size
    assert workers.queue.empty_receives > 0


def test_SS_07_a_long_poll_waits_its_time_and_ends_empty():
    # Asked at 0.010, empty at 2.010, answered at 2.020, asked again at 2.030 until 4.030, …
    senders, workers = build(Settings(wait_s=2.0), [100.0], [0.0])
    advance((senders, workers), 10.0)
    assert workers.queue.empty_receives == 4
    assert workers.queue.receive_calls == 5


def test_SS_09_nothing_is_handed_out_at_the_in_flight_cap():
    grid_s = np.linspace(0.0, 20.0, 400)
    for wait_s, refused in ((0.0, True), (20.0, False)):
        s = Settings(workers=3, batch=4, max_in_flight=5, wait_s=wait_s)
        senders, workers = build(s, at_zero(40), np.full(40, 0.3), grid_s=grid_s)
        advance((senders, workers), 20.0)
        queue = arrays(workers.queue)
        assert queue.grid_in_flight.max() == 5
        assert workers.settled() == workers.queue.state.size
        assert queue.effects.tolist() == [1] * 40
        assert (queue.empty_receives > 0) == refused
        assert queue.over_limit > 0


def test_SS_10_a_message_goes_to_the_dead_letter_queue_instead_of_a_third_receive():
    # Received at 0.010 and 1.011, out of sight until 2.011; found again by the poll at 2.012.
    s = Settings(workers=3, batch=1, visibility_s=1.0, max_receives=2)
    grid_s = [1.9, 2.0115, 2.02]
    senders, workers = build(s, at_zero(1), [5.0], grid_s=grid_s)
    advance((senders, workers), 2.02)
    assert workers.queue.state[0] == k.DEAD
    assert workers.queue.receives[0] == 2
    assert arrays(workers.queue).grid_in_flight.tolist() == [1, 0, 0]
    assert arrays(workers.queue).grid_removed.tolist() == [0, 0, 1]
    # Both finish all the same, and the second one's delete does not bring it back.
    advance((senders, workers), 20.0)
    assert workers.queue.state[0] == k.DEAD
    assert workers.queue.effects[0] == 2


def test_SS_10_crashes_count_as_receives():
    s = Settings(batch=1, visibility_s=1.0, max_receives=3)
    faults = [random_faults.Fault(t, "crash", 0, 1.0) for t in (0.5, 2.5, 4.5)]
    workers, _ = run_with_faults(s, at_zero(1), [1.5], 10.0, faults)
    assert workers.queue.state[0] == k.DEAD
    assert workers.queue.effects[0] == 0
    assert workers.queue.deliveries == 3


def test_SS_11_retention_deletes_what_nobody_read():
    # The first is 61 s old when the worker is back at 61.0 s; the second is 56 s old.
    s = Settings(retention_s=60.0)
    faults = [random_faults.Fault(0.0, "crash", 0, 61.0)]
    workers, _ = run_with_faults(s, [0.5, 5.0], [0.1, 0.1], 70.0, faults, grid_s=[60.4, 60.6])
    assert arrays(workers.queue).state.tolist() == [k.EXPIRED, k.DELETED]
    assert arrays(workers.queue).effects.tolist() == [0, 1]
    assert arrays(workers.queue).grid_removed.tolist() == [0, 1]


def test_SS_11_a_hidden_message_does_not_shield_those_behind_it():
    # Worker 0 is busy with the first until 100 s; the others run out of time at 61 and 62 s.
    s = Settings(workers=2, batch=1, visibility_s=1_000.0, retention_s=60.0)
    faults = [random_faults.Fault(0.0, "crash", 1, 80.0)]
    workers, _ = run_with_faults(s, [0.5, 1.0, 2.0], [99.0, 0.1, 0.1], 150.0, faults)
    assert arrays(workers.queue).state.tolist() == [k.DELETED, k.EXPIRED, k.EXPIRED]
    assert arrays(workers.queue).effects.tolist() == [1, 0, 0]


def test_SS_11_a_hidden_message_past_retention_expires_when_it_would_be_visible():
    s = Settings(batch=1, visibility_s=100.0, retention_s=60.0)
    faults = [random_faults.Fault(1.0, "crash", 0, 1.0)]
    workers, _ = run_with_faults(s, [0.5], [30.0], 150.0, faults, grid_s=[99.0, 101.0])
    assert arrays(workers.queue).state.tolist() == [k.EXPIRED]
    assert arrays(workers.queue).grid_in_flight.tolist() == [1, 0]
    assert arrays(workers.queue).grid_removed.tolist() == [0, 1]


def test_SS_12_fan_out_needs_a_queue_for_each_reader():
    n = 500
    rng = np.random.default_rng(12)
    created_s = np.cumsum(rng.exponential(0.02, n))
    fast, slow = rng.exponential(0.03, n), rng.exponential(0.5, n)
    s = Settings(workers=4)
    senders, one = build(s, created_s, fast)
    alone = [build(s, created_s, work_s) for work_s in (fast, slow)]
    other = Workers(
        senders.feed,
        slow.astype(np.float32),
        s.workers,
        policy_of(s),
        servers=1,
        receive_latency_s=np.array([s.receive_s]),
        delete_latency_s=np.array([s.delete_s]),
        grid_s=np.zeros(0),
    )
    for until_s in np.linspace(0.0, 100.0, 23):
        advance((senders, one, other), until_s)
        for stages in alone:
            advance(stages, until_s)
    for both, (_, single) in zip((one, other), alone, strict=True):
        assert arrays(both.queue).effects.tolist() == [1] * n  # competing workers share one copy
        np.testing.assert_array_equal(arrays(both.queue).done_s, arrays(single.queue).done_s)


@pytest.mark.parametrize(("work_s", "rate"), [(0.0, 250.0), (0.050, 18.5)])
def test_SS_13_one_thread_at_20_ms_a_call(work_s, rate):
    n = 20_000
    senders, workers = build(Settings(send_s=0.0), at_zero(n), np.full(n, work_s))
    advance((senders, workers), 60.0)
    assert (arrays(workers.queue).state == k.DELETED).sum() / 60 == pytest.approx(rate, rel=0.005)


def test_a_paused_worker_sends_no_receive():
    # The answer to its delete arrives at 0.140, in the middle of a pause from 0.135 to 5.
    senders, workers = build(Settings(batch=1), at_zero(2), np.full(2, 0.1))
    advance((senders, workers), 0.135)
    workers.pause(0, 4.865)
    advance((senders, workers), 4.9)
    assert arrays(workers.queue).receives.tolist() == [1, 0]
    advance((senders, workers), 6.0)
    np.testing.assert_allclose(arrays(workers.queue).done_s, [0.12, 5.12], rtol=1e-6)


def test_a_delete_already_sent_survives_the_crash_and_the_successor_can_crash_too():
    # Done at 0.120; the delete is on its way until 0.130.
    senders, workers = build(Settings(batch=1), at_zero(2), np.full(2, 0.1))
    for at_s, verb in ((0.122, workers.crash), (0.124, workers.restart), (0.126, workers.crash)):
        advance((senders, workers), at_s)
        verb(0)
        assert workers.alive(0) == (verb == workers.restart), at_s
    advance((senders, workers), 5.0)
    assert arrays(workers.queue).state.tolist() == [k.DELETED, k.READY]
    workers.restart(0)
    advance((senders, workers), 6.0)
    np.testing.assert_allclose(arrays(workers.queue).done_s, [0.12, 5.12], rtol=1e-6)


def test_late_effects_count_after_the_last_message_is_gone():
    # Worker 0 works until 3.020 on what worker 1 has received at 1.011 and deletes at 2.031.
    senders, workers = build(
        Settings(workers=2, batch=1, visibility_s=1.0), at_zero(1), [1.0], max_receives=2
    )
    workers.slow(0, 3.0)
    advance((senders, workers), 10.0)
    assert workers.settled() == workers.queue.state.size
    assert arrays(workers.queue).effects.tolist() == [2]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_every_message_is_somewhere_and_held_once_within_its_visibility(seed):
    rng = np.random.default_rng(seed)
    s, created_s, work_s, until_s, faults, poison = scenario(rng)
    grid_s = np.sort(rng.uniform(0.0, until_s, 40))
    servers = int(rng.integers(1, 9))
    senders, workers = build(
        s, created_s, work_s, grid_s, servers, poison, asked=int(rng.integers(1, servers + 1))
    )
    workers.queue.receive_latency_s = rng.lognormal(-4, 1, 64)
    workers.queue.delete_latency_s = rng.lognormal(-4, 1, 64)
    team = workers.workers
    env = Environment([senders, workers])
    random_faults.inject(env, faults, Operated(env, workers))

    def watch():
        for at_s in np.sort(rng.uniform(0.0, until_s, 40)):
            yield env.timeout(at_s - env.now)
            hidden = [
                message
                for w in range(s.workers)
                if team.kind[w] == k.DELETE and env.now < team.received_s[w] + s.visibility_s
                for message in team.held[w, : team.held_n[w]]
            ]
            assert len(hidden) == len(set(hidden))
            assert (arrays(workers.queue).state[hidden] != k.READY).all()

    env.process(watch())
    env.run(until_s)
    workers.settle()
    queue = arrays(workers.queue)
    in_flight = np.isin(queue.state, (k.IN_FLIGHT, k.OVERDUE))
    removed = np.isin(queue.state, (k.DELETED, k.DEAD, k.EXPIRED))
    assert queue.in_flight == in_flight.sum()
    assert queue.removed == removed.sum()
    assert queue.deliveries == queue.receives.sum()
    assert (queue.effects <= queue.receives).all()
    assert (np.isfinite(queue.done_s) == (queue.effects > 0)).all()
    assert (queue.effects[queue.state == k.DELETED] > 0).all()
    enqueued = np.searchsorted(senders.visible_s(s.delay_s)[senders.feed.message], grid_s, "right")
    assert (queue.grid_in_flight <= s.max_in_flight).all()
    assert (queue.grid_in_flight + queue.grid_removed <= enqueued).all()
    assert (np.diff(queue.grid_removed) >= 0).all()
