"""The general queue: against a plain per-message model, and rule by rule with hand numbers."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import random_faults
from helpers.queue_cases import (
    ACTED,
    WHERE,
    as_a_quorum,
    fates,
    inject,
    of_jetstream,
    scenario,
    seeking,
    with_ceilings,
    with_few_etas,
    with_heartbeats,
    with_leases,
)
from helpers.queue_lab import PLACES, build
from models.plain_broker import Message, PlainBroker, Settings
from models.plain_broker_times import WatchedEnvironment
from sim.engine.environment import Environment
from sim.engine.waits import TimePart, Unsplit
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker import AFTER_CONTROL, BEFORE_CONTROL
from sim.queue.broker_waits import BrokerWaits


def run(s, came_s, work_s, until_s, faults=(), factors=(), cuts=(), **options):
    """The stage, driven as the lab drives it; returns it and the verbs that were felt."""
    broker = build(s, came_s, work_s, **options)
    env = Environment([broker])
    felt = inject(env, faults, broker, factors)
    for at_s in cuts:
        env.timeout(at_s)
    env.run(until_s)
    return broker, felt


def run_plain(
    s, came_s, work_s, until_s, faults=(), *, lane=None, due_s=None, same=None, bad=None, ttl_s=None
):
    env = WatchedEnvironment()
    messages = [
        Message(float(w), 0 if lane is None else int(lane[i]), 0.0 if due_s is None else due_s[i])
        for i, w in enumerate(np.asarray(work_s, np.float32))
    ]
    for message, number in zip(messages, () if same is None else same, strict=False):
        message.same = int(number)
    for message, own_s in zip(messages, () if ttl_s is None else ttl_s, strict=False):
        message.ttl_s = float(own_s)
    plain = PlainBroker(env, s, came_s, messages, bad)
    env.history = plain.times
    inject(env, faults, plain, random_faults.uneven(s.consumers))
    env.run(until_s)
    return plain


def handing_back(rng):
    """Scenarios with what only Celery and share groups do: hand back, requeue elsewhere, hold."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    alike = s.pick in ("groups", "spans")
    place = "original" if alike else s.place
    holds = columns["due_s"] is not None and s.pick != "groups"  # a FIFO queue does not retry
    s = replace(
        s,
        closes=bool(rng.integers(2)) or s.lock_closes or s.lock_s == float("inf"),
        place=place,
        requeue_place=place if alike else str(rng.choice(["returns", "next", "back"])),
        single_active=False,
        on_failure="retry" if holds else s.on_failure,
        retry_held=holds,
    )
    faults = [f for f in faults if f.verb != "cut"]
    if holds:  # then something is to be tried again
        columns["bad"] = {i: (False, *rest) for i, (_, *rest) in columns["bad"].items()}
    return s, came_s, work_s, until_s, faults, columns


def copies(rng):
    """Scenarios with many copies of a message, where the ack of any counts."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    s = replace(
        s,
        any_copy=s.pick not in ("groups", "spans"),
        counted=(),
        lock_s=rng.uniform(0.1, 0.5),
        lock_closes=False,
        on_failure=s.on_failure if s.pick in ("groups", "spans") else "retry",
        sweep_s=float(rng.choice([0.0, 0.1713])),
        ack="late" if s.ack == "auto" else s.ack,
    )
    return s, came_s, work_s, until_s, faults, columns


def leased(rng):
    """Scenarios in which consumers extend locks, and what comes back has to wait."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    late = s.ack == "late"
    s = replace(
        s,
        lock_s=rng.uniform(0.1, 0.5),
        lock_closes=False,
        extends_s=float(rng.choice([0.0, rng.uniform(0.1, 1.0), 60.0])),
        back_off_s=float(rng.choice([0.0, rng.uniform(0.05, 0.5)])),
        back_off_max_s=0.7,
        max_length=NO_LIMIT,  # what backs off is never refused and sent again
        overflow="drop-head",
        any_copy=s.pick != "spans" and bool(rng.integers(2)),
        on_failure="requeue" if late else "discard",
        place="original" if s.pick == "groups" else s.place,
    )
    if s.ack == "start" and columns["due_s"] is not None:
        # Copies that are due together are begun and acknowledged together: a tie.
        s = replace(s, slots=1)
    s = replace(s, requeue_place=s.place)
    return s, came_s, work_s, until_s, faults, columns


def at_the_head(rng):
    """Scenarios in which messages, with times to live of their own, expire once they are first."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    if rng.random() < 0.4:
        s, came_s, work_s, until_s, faults, columns = with_ceilings(rng)
    pick = s.pick if s.pick == "priority" else "one"
    if pick == "one":
        columns["lane"] = None
    columns["due_s"] = columns["same"] = None
    n = len(came_s)
    short_s = rng.exponential(rng.uniform(0.05, 0.5), n)
    columns["ttl_s"] = np.where(rng.random(n) < 0.5, short_s, float(rng.choice([2.0, np.inf])))
    s = replace(
        s,
        pick=pick,
        at_head=True,
        retention_s=float(rng.choice([rng.uniform(0.3, 2.0), np.inf])),
        on_failure=s.on_failure if s.on_failure != "retry" else "requeue",
        retry_held=False,
        dedup_s=0.0,
        max_receives=1_000_000,
        delay_s=0.0,
    )
    if s.ack != "late":
        s = replace(s, on_failure="discard")
    return s, came_s, work_s, until_s, faults, columns


def polling(rng):
    """Scenarios of consumers that ask a database, at intervals or when they are notified."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    columns["due_s"] = None
    closes = bool(rng.integers(2))
    if closes:  # then what a connection held comes back when it is seen to be gone
        faults = [f for f in faults if f.verb != "cut"]
    s = replace(
        s,
        push=False,
        ack="late",
        slots=1,
        single_active=False,
        closes=closes,
        closes_after_s=float(rng.choice([0.0, rng.uniform(0.0, 1.0)])),
        retry_degree=int(rng.integers(3)),
        retry_base_s=float(rng.choice([0.0, rng.uniform(0.0, 0.3)])),
        lock_closes=False,
        wait_s=0.0,
        retry_held=False,
        every_s=float(rng.choice([0.0, rng.uniform(0.05, 0.8)])),
        every_least_s=float(rng.choice([0.0, rng.uniform(0.0, 0.2)])),
        poll_s=float(rng.choice([0.0, rng.uniform(0.05, 0.8)])),
        notify=bool(rng.integers(2)),
        notified_s=float(rng.choice([0.0, rng.uniform(0.0, 0.3)])),
    )
    faults = [f for f in faults if f.verb != "disconnect"]
    return s, came_s, work_s, until_s, faults, columns


def snapshots(rng):
    """The same, of a table of which snapshots are held now and then."""
    s, came_s, work_s, until_s, faults, columns = polling(rng)
    edges_s = np.sort(rng.uniform(0.0, until_s, 2 * int(rng.integers(1, 3))))
    s = replace(
        s,
        calls_per_s=float("inf"),  # a quota of SQS alone; it would see slow calls overtaken
        held_s=tuple(zip(edges_s[::2].tolist(), edges_s[1::2].tolist(), strict=True)),
        dead_row_s=rng.uniform(1e-4, 5e-3),
        dead_taken=int(rng.integers(2)),
        dead_done=int(rng.integers(1, 3)),
        any_copy=s.pick == "one" and bool(rng.integers(2)),
    )
    return s, came_s, work_s, until_s, faults, columns


def row_locks(rng):
    """The same, of a table in which rows that others have are passed, or waited for."""
    s, came_s, work_s, until_s, faults, columns = polling(rng)
    columns["lane"] = columns["same"] = None
    waits = bool(rng.integers(2))
    s = replace(
        s,
        pick="one",
        place="original",
        requeue_place="original",
        row_waits=waits,
        passed_s=0.0 if waits else rng.uniform(1e-3, 2e-2),
        on_failure=str(rng.choice(["requeue", "requeue", "discard", "leave"])),
        back_off_s=0.0,
        # No queue in a table that is waited for counts what it hands over.
        max_receives=1_000_000 if waits else s.max_receives,
        lock_s=float("inf") if waits else s.lock_s,
        sweep_s=0.0 if waits else s.sweep_s,
        closes=waits or s.closes,
        calls_per_s=float("inf"),
        max_length=1_000_000,
        overflow="drop-head",
    )
    if waits:
        faults = [f for f in faults if f.verb != "cut"]
    return s, came_s, work_s, until_s, faults, columns


def as_a_stream(rng):
    """Scenarios of consumers of a stream, who take over what others have pending (RT-…)."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    columns["due_s"] = columns["same"] = columns["lane"] = None
    noack = rng.random() < 0.15
    trims = rng.random() < 0.4
    s = replace(
        s,
        push=False,
        pick="one",
        ack="auto" if noack else "late",
        slots=1,
        wait_s=float(rng.choice([0.0, rng.uniform(0.1, 1.0), np.inf])),
        poll_s=float(rng.choice([0.01, rng.uniform(0.05, 0.4)])),
        single_active=False,
        closes=False,
        lock_s=float("inf"),
        sweep_s=0.0,
        lock_closes=False,
        any_copy=True,
        counted=(),
        late_ack=False,
        on_failure="leave" if noack else str(rng.choice(["leave", "leave", "discard", "rejected"])),
        on_kill="die",
        stop_batch=False,
        max_length=1_000_000,
        overflow="drop-head",
        max_in_flight=1_000_000,
        retention_s=float("inf"),
        delay_s=0.0,
        max_returns=1_000_000,
        dead_letters=True,
        max_receives=int(rng.choice([1, 2, 3, 1_000_000])),
        claim_s=float(rng.choice([rng.uniform(0.03, 0.5), rng.uniform(0.03, 0.5), np.inf])),
        claim_every_s=float(rng.choice([0.0, rng.uniform(0.05, 1.0)])),
        claim_count=int(rng.integers(1, 6)),
        own_first=bool(rng.integers(2)),
        keep_rows=int(rng.integers(1, 20)) if trims else 1_000_000,
        keep_whole=int(rng.choice([1, 1, 4])),
        keep_s=float(rng.choice([np.inf, rng.uniform(0.3, 2.0)])) if trims else float("inf"),
    )
    if s.wait_s and not noack and rng.random() < 0.4:  # one process does all of it
        s = replace(
            s, publish_s=rng.uniform(0.002, 0.03), deliver_s=rng.uniform(0.002, 0.03),
            call_s=rng.uniform(0.0, 0.03), deliveries_first=bool(rng.integers(2)),
            calls_per_s=float("inf"),
        )  # fmt: skip
    for i in rng.choice(len(came_s), 3, replace=False):
        columns["bad"].setdefault(int(i), (False, int(rng.choice([1, 2, NO_LIMIT])), float("inf")))
    columns["bad"] = dict(sorted(columns["bad"].items()))
    faults = [f for f in faults if f.verb != "disconnect"]
    return s, came_s, work_s, until_s, faults, columns


def agree_on_waits(broker, plain, came_s, seen):
    """What each message waited for, and how often limits acted."""
    waits = BrokerWaits(broker, Unsplit(np.asarray(came_s)))
    parts_s = waits.parts_s(0, len(came_s))
    for i, message in enumerate(plain.messages):
        if message.effects:
            expected = plain.times.parts(i)
            found = {p.name: parts_s[p, i] for p in TimePart if abs(parts_s[p, i]) > 1e-9}
            assert found == pytest.approx(expected, abs=1e-8), i
            assert sum(found.values()) == pytest.approx(message.done_s - came_s[i], abs=1e-8)
            seen.update(f"part {part}" for part in found)
    times = np.asarray(broker.state.limits.times)
    assert {what: times[code] for what, code in ACTED.items()} == {
        what: plain.times.acted[what] for what in ACTED
    }
    seen.update(f"acted {what}" for what in ACTED if plain.times.acted[what])
    # Of a message of which there are copies, one may be lost though another takes effect.
    lost = sum(m.where == "lost" and not (m.effects or m.sought) for m in plain.messages)
    copied = sum(m.receives > 1 and m.effects > 0 for m in plain.messages)
    assert lost <= times[codes.LIMIT_LOST] <= lost + copied
    struck = np.asarray(broker.state.limits.times_of).sum(axis=1)
    assert struck[codes.KILLED] == plain.times.acted["killed"]


def agree(seed, seen, drawn=scenario):
    rng = np.random.default_rng(seed)
    s, came_s, work_s, until_s, faults, columns = drawn(rng)
    plain = run_plain(s, came_s, work_s, until_s, faults, **columns)
    broker, felt = run(
        s, came_s, work_s, until_s, faults, random_faults.uneven(s.consumers),
        cuts=rng.uniform(0.0, until_s, 20), grid_s=[until_s], **columns,
    )  # fmt: skip
    queue, messages = broker.queue, plain.messages
    np.testing.assert_allclose(queue.done_s, [m.done_s for m in messages], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(queue.receives, [m.receives for m in messages])
    np.testing.assert_array_equal(queue.effects, [m.effects for m in messages])
    np.testing.assert_array_equal(
        fates(queue.state, queue.effects),
        fates(np.array([WHERE[m.where] for m in messages]), queue.effects),
    )
    agree_on_waits(broker, plain, came_s, seen)
    has = np.asarray(broker.state.deliveries.has)
    assert ((has >= 0) & (has < 2 * codes.LATER)).all()
    letters = broker.state.letters
    noted = np.asarray(letters.message)[: letters.n]
    died_s = np.array([m.dead_s for m in messages])
    if s.keeps_s is None:
        assert sorted(noted) == np.flatnonzero(died_s < np.inf).tolist()
    # What is too old or too much is looked at later.
    timed = [messages[m].dead_by not in ("expired", "maxlen") for m in noted]
    times_s = np.asarray(letters.at_s)[: letters.n][timed]
    np.testing.assert_allclose(times_s, died_s[noted[timed]], rtol=0, atol=1e-9)
    seen["timed"] += times_s.size
    where = Counter(m.where for m in messages)
    assert broker.state.samples.ready[0] == where["ready"]
    assert broker.state.samples.in_flight[0] == where["flight"] + where["waiting"]
    seen.update({"examples", s.pick, s.place, s.ack} | set(felt) | plain.seen | set(where))
    seen["push"] += s.push
    seen["done twice"] += any(m.effects > 1 for m in messages)


def test_agrees_message_by_message_with_a_plain_simpy_model(monkeypatch):
    monkeypatch.setattr("sim.queue.broker_state._FIRST_ROOM", 8)  # so that it must grow
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen)

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    for what in ("crash", "pause", "slow", "terminate", "cut", "poison", "push", "auto"):
        assert share[what] > 0.05, (what, share[what])
    for what in (*PLACES, "groups", "priority", "fair", "spans", "dead", "dropped", "expired"):
        assert share[what] > 0.05, (what, share[what])
    assert seen["timed"] > 20, "dead letters, and when"


def test_agrees_also_where_messages_are_handed_back_requeued_elsewhere_and_held():
    seen = Counter()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, handing_back)

    check()
    for what in ("handed back", "retry held", "back by failure", "back by close"):
        assert seen[what] > 2, (what, seen[what])


def test_PB_02_PB_05_agrees_also_where_locks_are_extended_and_what_comes_back_has_to_wait():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    @example(7028)  # taken back, and its back-off over, before its ETA
    @example(7973)  # the first of a tenant is acknowledged late, and the next one is older
    def check(seed):
        agree(seed, seen, leased)

    check()
    for what in ("extended", "backed off", "back by lock", "group blocked"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["too old to return"] > 2


def test_CE_11_SS_03_agrees_also_where_the_ack_of_any_copy_counts():
    seen = Counter()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, copies)

    check()
    for what in ("ack of another copy", "late ack", "stale ack", "done twice"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["republished copy"] > 1


def test_RQ_11_RQ_19_agrees_also_where_what_comes_back_waits_and_goes_before_priorities():
    seen = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, as_a_quorum)

    check()
    for what in (
        "linear by close", "linear by failure", "before all priorities", "expired at the head",
        "head dropped", "refused", "closed by lock",
    ):  # fmt: skip
        assert seen[what] > 10, (what, seen[what])
    for what in ("linear by lock", "had its turn", "back with another's lock"):
        assert seen[what] > 2, (what, seen[what])


def test_CE_14_agrees_also_where_a_worker_holds_only_so_many_for_their_eta():
    seen = Counter()

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, with_few_etas)

    check()
    for what in ("holds as many as it may", "retry held", "part HEAD_OF_LINE", "back by close"):
        assert seen[what] > 20, (what, seen[what])


def test_PG_01_PG_02_agrees_also_where_consumers_ask_at_intervals_or_are_notified():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, polling)

    check()
    for what in ("slept", "notified", "crash", "pause", "terminate", "cut", "back by lock"):
        assert seen[what] > 20, (what, seen[what])


def test_PG_05_agrees_also_where_calls_pass_the_dead_rows_of_a_snapshot():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, snapshots)

    check()
    for what in ("dead rows", "crash", "pause", "cut", "back by lock", "poison"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["late ack"] > 5


def test_PG_06_PG_07_agrees_also_where_calls_pass_rows_that_others_have_or_wait_for_them():
    seen = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, row_locks)

    check()
    for what in ("some passed", "waited for a row", "saw none", "came later"):
        assert seen[what] > 15, (what, seen[what])
    for what in ("slept", "notified", "crash", "pause", "terminate", "cut", "poison"):
        assert seen[what] > 20, (what, seen[what])
    for what in ("back by close", "back by lock", "back by failure"):
        assert seen[what] > 20, (what, seen[what])


def test_RT_01_RT_02_RT_03_RT_04_agrees_also_where_pending_entries_are_taken_over():
    seen = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, as_a_stream)

    check()
    for what in ("taken over", "own taken over", "trimmed", "gone when taken over", "buried"):
        assert seen[what] > 5, (what, seen[what])
    for what in ("ack of another copy", "done twice", "crash", "pause", "terminate", "cut"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["auto"] > 20


def test_RQ_13_CE_12_agrees_also_where_a_process_can_do_only_so_much():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, with_ceilings)

    check()
    for what in ("crash", "pause", "terminate", "cut", "back by close", "expired", "refused"):
        assert seen[what] > 5, (what, seen[what])
    for what in ("loop busy", "ack waited", "ack lost"):
        assert seen[what] > 5, (what, seen[what])


def test_RQ_17_agrees_also_where_messages_expire_at_the_head_of_the_queue():
    seen = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, at_the_head)

    check()
    for what in ("expired at the head", "dead", "expired", "crash", "poison", "priority"):
        assert seen[what] > 20, (what, seen[what])


def test_BM_01_BM_02_SK_01_agrees_also_where_locks_are_renewed_or_processes_lose_what_they_hold():
    seen = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    @example(3204)  # sent into a network that is cut while another one is cut and comes back
    def check(seed):
        agree(seed, seen, with_leases)

    check()
    for what in ("renewed", "stalled", "refused ack", "stalled too often", "lost in hand"):
        assert seen[what] > 10, (what, seen[what])
    for what in ("nobody checked", "took too long", "done twice", "crash", "pause", "cut"):
        assert seen[what] > 10, (what, seen[what])
    assert seen["part CEILING"] > 20


def altered(rng):
    """Scenarios in which attributes of a queue are set anew."""
    s, came_s, work_s, until_s, faults, columns = with_heartbeats(rng)
    faults = list(faults)
    s = replace(s, beat_s=float(rng.choice([s.beat_s, np.inf])))
    for _ in range(int(rng.integers(1, 4))):
        verb, value = [
            ("alter lock_s", rng.uniform(0.05, 1.0)),
            ("alter max_receives", int(rng.integers(1, 4))),
            ("alter retention_s", rng.uniform(0.3, 3.0)),
        ][rng.integers(3)]
        faults.append(random_faults.Fault(rng.uniform(0.05, until_s), verb, 0, value))
    return s, came_s, work_s, until_s, faults, columns


def one_at_a_time(rng):
    """Scenarios in which a consumer asks for a message when it has a free place for it."""
    s, came_s, work_s, until_s, faults, columns = scenario(rng)
    s = replace(
        s,
        push=True,
        batch=1,
        ack="start",
        ack_every=1,
        until_done=True,
        slots=int(rng.integers(1, 4)),
        lock_closes=False,
        single_active=False,
        pick=s.pick if s.pick not in ("groups", "spans") else "one",
        on_failure=str(rng.choice(["discard", "retry"])),
        on_kill=str(rng.choice(["die", "discard"])),
        stop_batch=False,
        per_batch_s=0.0,
    )
    if s.pick == "one":
        columns["lane"] = None
    again = s.on_failure == "retry" or s.republish_s < float("inf")
    place = "next" if again and s.place == "original" else s.place
    s = replace(s, prefetch=s.slots, place=place, requeue_place=place)
    # What is due together is begun together: a tie.
    s = replace(s, slots=1, prefetch=1) if columns["due_s"] is not None else s
    return s, came_s, work_s, until_s, faults, columns


def test_CE_13_agrees_also_where_consumers_ask_when_they_have_a_free_place():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, one_at_a_time)

    check()
    for what in ("asked again", "crash", "pause", "cut", "terminate", "poison", "done twice"):
        assert seen[what] > 10, (what, seen[what])


def test_SS_17_agrees_also_where_attributes_are_set_anew():
    seen = Counter()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, altered)

    check()
    for what in ("altered lock_s", "altered max_receives", "altered retention_s"):
        assert seen[what] > 20, (what, seen[what])
    for what in ("expired", "dead", "back by lock", "given back", "heartbeat"):
        assert seen[what] > 20, (what, seen[what])


def test_SS_06_agrees_also_where_consumers_extend_locks_by_heartbeats():
    seen = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    @example(627)  # killed in a pause, and anew before its end
    def check(seed):
        agree(seed, seen, with_heartbeats)

    check()
    for what in ("heartbeat", "given back", "back by lock", "late ack", "done twice", "dead"):
        assert seen[what] > 20, (what, seen[what])
    for what in ("crash", "pause", "cut", "terminate", "group blocked"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["acted most"] > 10, seen["acted most"]


def test_NJ_01_agrees_also_where_clients_of_JetStream_fetch_or_are_sent_what_they_asked_for():
    seen = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, of_jetstream)

    check()
    for what in ("heartbeat", "given back", "back by lock", "late ack", "done twice", "dead"):
        assert seen[what] > 20, (what, seen[what])
    for what in ("crash", "pause", "cut", "terminate", "push", "acted expired", "acted returns"):
        assert seen[what] > 20, (what, seen[what])
    assert seen["handed back"] == 0


def test_PB_08_PB_09_seeks_agree_message_by_message_with_a_plain_model():
    seen = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        agree(seed, seen, seeking)

    check()
    for what in ("acked", "lost", "dead", "past ready", "past flight", "past waiting"):
        assert seen[f"sought {what}"] > 5, (what, seen)
    for what in ("crash", "pause", "poison", "back by lock", "backed off", "groups", "done twice"):
        assert seen[what] > 20, (what, seen[what])


def at_the_process(came_s, until_s, **settings):
    """A queue whose process takes 0.2 s for a message and 0.3 s for a delivery, and one reader."""
    s = Settings(
        push=True, slots=100, publish_s=0.2, deliver_s=0.3, receive_s=0.0, ack_s=0.0,
        **settings,
    )  # fmt: skip
    return run(s, came_s, np.zeros(len(came_s)), until_s)[0]


def test_RQ_13_a_queue_is_a_process_that_does_one_thing_at_a_time():
    # Taken in from 1.0 to 1.2, delivered; from 1.5, when it is free again, the second; and so on.
    broker = at_the_process([1.0, 1.1, 1.2, 3.0], 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.2, 1.7, 2.2, 3.2])
    # The second waits from 1.1 to 1.5, the third from 1.2 to 2.0.
    assert broker.state.full_from_s == pytest.approx(1.2)
    assert broker.state.full_until_s == pytest.approx(2.0)


def test_RQ_13_at_more_than_its_rate_a_backlog_grows_in_front_of_it():
    # D/D/1: 0.5 s a message where one comes each 0.4 s.
    broker = at_the_process(0.4 * np.arange(100), 1e3)
    np.testing.assert_allclose(broker.queue.done_s, 0.2 + 0.5 * np.arange(100))


def test_RQ_13_without_readers_it_only_takes_in():
    s = Settings(consumers=1, push=True, publish_s=0.2, deliver_s=0.3, prefetch=1, ack_s=100.0)
    broker, _ = run(s, [0.0, 0.0, 0.0], np.zeros(3), 10.0, grid_s=[0.1, 0.3, 0.5, 0.7])
    assert np.asarray(broker.state.samples.came).tolist() == [0, 1, 2, 3]


def test_RQ_13_the_process_is_an_m_d_1_queue():
    """Pollaczek-Khinchine: with constant service, the mean wait is rho / (2 (1 - rho)) of it."""
    rng, n, rho = np.random.default_rng(3), 400_000, 0.8
    came_s = np.cumsum(rng.exponential(0.5 / rho, n))
    broker = at_the_process(came_s, came_s[-1] + 1e3, ack="auto")
    waits_s = broker.queue.done_s - came_s - 0.2
    assert np.mean(waits_s[n // 10 :]) == pytest.approx(0.5 * rho / (2 * (1 - rho)), rel=0.02)


@pytest.mark.parametrize(
    ("first", "in_s"),
    [
        # From 2.05 s on a delivery, 0.3 s, then a message, 0.2 s; or all ten deliveries first.
        (False, (2.55, 3.05)),
        (True, (5.25, 5.75)),
    ],
)
def test_RQ_14_readers_of_a_backlog_starve_publishers_or_take_turns_with_them(first, in_s):
    """Ten messages are there when a reader comes, and two more are published a moment later."""
    s = Settings(
        consumers=0, push=True, publish_s=0.2, deliver_s=0.3, receive_s=0.0, ack_s=0.0,
        deliveries_first=first,
    )  # fmt: skip
    around_s = np.array([[at_s - 0.01, at_s + 0.01] for at_s in in_s]).ravel()
    broker = build(s, [0.0] * 10 + [2.1, 2.1], np.zeros(12), capacity=1, grid_s=around_s)
    broker.advance(2.05)
    broker.restart(0)
    broker.advance(60.0)
    assert np.asarray(broker.state.samples.came).tolist() == [10, 11, 11, 12]
    assert broker.queue.state.tolist() == [codes.ACKED] * 12


def test_CE_12_a_main_loop_fetches_and_acknowledges_one_by_one():
    # Round trips of 0.2 s. The first arrives at 0.1, has 0.2 s of its second trip and 0.05 s of
    # work behind it at 0.35; then the loop asks, until 0.55, and so on: 0.45 s a message.
    s = Settings(
        push=True, slots=9, receive_s=0.2, ack_s=0.2, loop_s=0.05, fetch_trips=2, ack_trips=1,
    )  # fmt: skip
    broker, _ = run(s, [1.0, 1.0, 1.0], np.zeros(3), 60.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.35, 1.80, 2.25])
    assert broker.queue.state.tolist() == [codes.ACKED] * 3


def test_where_the_head_is_dropped_the_next_is_handed_out_at_once():
    """The window keeps message 1 back; when it goes, message 0 behind it can be tried again."""
    s = Settings(
        slots=2, push=True, prefetch=2, pick="spans", span=1, requeue_place="back",
        on_failure="requeue", max_length=1, receive_s=0.1, ack_s=0.1,
    )  # fmt: skip
    broker, _ = run(s, [0.2, 0.3], [1.0, 1.0], 10.0, bad={0: (False, 1, np.inf)})
    # Begun at 0.25, given back at 1.3, there again at 1.35.
    np.testing.assert_allclose(broker.queue.done_s, [2.35, np.inf])
    assert broker.queue.state.tolist() == [codes.ACKED, codes.DROPPED]


def test_latencies_are_taken_in_turn_and_calls_counted():
    # Received in 0.1 s and done at once; the acks take 0.2, 0.4, 0.6 and 0.2 s.
    broker = build(Settings(receive_s=0.1), np.zeros(4), np.zeros(4))
    broker.state.acks.latency_s = np.array([0.2, 0.4, 0.6])
    broker.advance(3.0)
    np.testing.assert_allclose(broker.queue.done_s, [0.1, 0.4, 0.9, 1.6])
    assert broker.state.acks.made == 4


def one_consumer(**options):
    """A queue of three messages of a second each, and one consumer that is sent all of them."""
    s = Settings(push=True, prefetch=3, closes=True, receive_s=0.02, ack_s=0.02)
    return build(s, np.zeros(3), np.ones(3), heartbeat_s=10.0, **options)


def test_a_connection_is_closed_once_nothing_was_heard_for_longer_than_the_heartbeat():
    broker = one_consumer()
    broker.advance(0.5)
    broker.cut_off(0)
    broker.advance(10.5)
    assert broker.connection(0) == 0, "control may still mend the network at this time"
    broker.advance(10.6)
    assert broker.connection(0) == -1
    assert broker.queue.state.tolist() == [codes.READY] * 3


def test_what_is_on_its_way_to_a_consumer_that_is_cut_off_comes_when_the_network_is_back():
    broker = one_consumer()
    broker.advance(0.015)  # sent at 0.01, it would arrive at 0.02
    broker.cut_off(0)
    broker.advance(1.0)
    broker.reconnect(0)
    broker.advance(9.0)
    np.testing.assert_allclose(broker.queue.done_s, [2.01, 3.01, 4.01])
    assert broker.queue.receives.tolist() == [1, 1, 1]


def test_an_answer_on_its_way_to_a_consumer_that_is_cut_off_is_lost():
    # Asked at 0, answered at 0.05, lost at 0.07; asked again at 0.5, when two messages are locked
    # until 1.04; these are found at 1.05 by the third call after it, and done one after the other.
    s = Settings(batch=2, lock_s=0.99, receive_s=0.1, ack_s=0.1)
    broker = build(s, np.zeros(3), np.full(3, 0.1))
    broker.advance(0.07)
    assert broker.queue.receives.tolist() == [1, 1, 0]
    broker.cut_off(0)
    broker.advance(0.5)
    broker.reconnect(0)
    broker.advance(0.7)
    assert broker.queue.receives.tolist() == [1, 1, 1]
    broker.advance(9.0)
    assert broker.queue.receives.tolist() == [2, 2, 1]
    assert broker.queue.effects.tolist() == [1, 1, 1]
    np.testing.assert_allclose(broker.queue.done_s, [1.2, 1.4, 0.7])


def test_of_what_a_failure_stops_nothing_is_left_in_hand():
    # The first of three fails at 0.11; the rest of the batch is let go, and all are locked until
    # 1.005. One after the other, each needs a call of its own.
    s = Settings(batch=3, lock_s=1.0, stop_batch=True, on_failure="leave", receive_s=0.01)
    broker = build(s, np.zeros(3), np.full(3, 0.1), bad={0: (False, 1, np.inf)})
    broker.advance(0.5)
    assert broker.queue.effects.tolist() == [0, 0, 0]
    broker.advance(9.0)
    assert broker.queue.effects.tolist() == [1, 1, 1]
    assert broker.state.deliveries.used == 0


def test_a_network_mended_as_the_heartbeat_ends_is_mended_in_time():
    broker = one_consumer()
    broker.advance(0.5)
    broker.cut_off(0)
    broker.advance(10.5)
    broker.reconnect(0)
    broker.advance(20.0)
    assert broker.connection(0) == 0
    assert broker.queue.receives.tolist() == [1, 1, 1]


def test_a_pause_is_missed_only_if_it_is_longer_than_the_heartbeat():
    for for_s, closed in ((10.0, False), (10.1, True)):
        broker = one_consumer()
        broker.advance(0.5)
        broker.pause(0, for_s)
        broker.advance(10.55)
        assert (broker.connection(0) == -1) == closed, for_s


def test_a_cold_shutdown_gives_back_before_a_sigkill_of_the_same_time():
    s = Settings(push=True, prefetch=3, receive_s=0.02, ack_s=0.02)
    # Killed instead, it leaves the broker waiting for acks for ever: no lock of these ends.
    for cold_after_s, state in ((1.2, codes.READY), (np.inf, codes.IN_FLIGHT)):
        broker = build(s, np.zeros(3), np.full(3, 9.0), cold_after_s=cold_after_s)
        broker.advance(0.5)
        broker.terminate(0)
        broker.advance(1.7)
        broker.crash(0)
        broker.advance(5.0)
        assert not broker.alive(0)
        assert broker.queue.state.tolist() == [state] * 3


def test_what_is_due_is_done_in_order_and_at_its_time():
    broker, done = one_consumer(), []
    for after_s in (3.0, 1.0, 2.0, np.inf):
        broker.later(after_s, AFTER_CONTROL, lambda: done.append(broker.now_s))
    broker.later(2.0, BEFORE_CONTROL, lambda: done.append(-broker.now_s))
    broker.advance(2.0)
    assert done == [1.0, -2.0]
    broker.advance(9.0)
    assert done == [1.0, -2.0, 2.0, 3.0] and broker.now_s == 9.0


def renewing(came_s, work_s, until_s, consumers=2, faults=(), **settings):
    """Consumers that renew locks of 30 s each 7.5 s; a check each 30 s."""
    s = Settings(
        consumers=consumers, push=True, prefetch=1, place="next", receive_s=0.0, ack_s=0.0,
        lease_s=30.0, renew_s=7.5, check_s=30.0, check_twice=True, **settings,
    )  # fmt: skip
    broker = build(s, came_s, work_s)
    for at_s, verb, *value in faults:
        broker.advance(at_s)
        getattr(broker, verb)(0, *value)
    broker.advance(until_s)
    return broker


@pytest.mark.parametrize(
    ("killed_s", "back_s"),
    [
        (5.0, 60.0),  # the lock of 1.0 has ended at 31.0; seen at 30.0, and taken back at 60.0
        (20.0, 60.0),  # renewed at 15.0 last (after 8.5: 7.5 is too soon); it ends at 45.0
        (32.0, 90.0),  # renewed at 30.0: at 60.0 the lock has just ended, but it was not seen yet
        (40.0, 90.0),  # renewed at 37.5: ends at 67.5
    ],
)
def test_BM_01_BM_02_what_a_killed_worker_has_comes_back_at_the_second_check(killed_s, back_s):
    broker = renewing([1.0], [100.0], 300.0, faults=[(killed_s, "crash")])
    np.testing.assert_allclose(broker.queue.done_s, [back_s + 100.0])
    assert broker.queue.receives.tolist() == [2]
    assert broker.queue.state.tolist() == [codes.ACKED]


@pytest.mark.parametrize(
    ("came_s", "pauses", "killed_s", "back_s"),
    [
        # The timer fires at 10.0 for what it missed, and from there each 7.5 s: the pause at 26.0
        # misses nothing. Renewed at 32.5 last, not at 27.0: at 60.0 the lock has not ended.
        (1.0, [(2.0, 8.0), (26.0, 1.0)], 33.0, 90.0),
        # The timer fires at 31.0, 3 s after the job was taken, which is too soon to renew.
        (28.0, [(29.0, 2.0)], 32.0, 60.0),
    ],
)
def test_BM_01_after_a_pause_a_timer_fires_at_once_only_if_it_missed_its_time(
    came_s, pauses, killed_s, back_s
):
    faults = [*((at_s, "pause", for_s) for at_s, for_s in pauses), (killed_s, "crash")]
    broker = renewing([came_s], [100.0], 300.0, faults=faults)
    np.testing.assert_allclose(broker.queue.done_s, [back_s + 100.0])


def test_BM_01_a_worker_that_is_alive_keeps_its_lock_however_long_it_works():
    broker = renewing([1.0], [500.0], 600.0)
    assert broker.queue.receives.tolist() == [1]
    assert broker.queue.effects.tolist() == [1]


def test_BM_03_BM_04_work_that_blocks_the_loop_is_done_twice_and_given_up():
    # Taken at 1.0; the lock ends at 31.0. Seen at 30.0, taken back at 60.0 by the other one, which
    # has it until 160.0; its lock ends at 90.0, and at 120.0 it has stalled twice.
    broker = renewing([1.0], [100.0], 300.0, blocks=True, max_stalls=1, dead_letters=True)
    assert broker.queue.receives.tolist() == [2]
    assert broker.queue.effects.tolist() == [2]
    np.testing.assert_allclose(broker.queue.done_s, [101.0])
    assert broker.queue.state.tolist() == [codes.DEAD]
    assert broker.state.limits.times[codes.LIMIT_STALLS] == 1


def test_BM_05_so_many_begin_in_a_span_that_begins_with_the_first():
    s = Settings(
        push=True, slots=9, prefetch=9, rate_max=2, rate_s=10.0, receive_s=0.0, ack_s=0.0,
    )  # fmt: skip
    broker, _ = run(s, [1.0, 1.5, 2.0, 3.0, 4.0, 30.0], np.ones(6), 60.0)
    np.testing.assert_allclose(broker.queue.done_s, [2.0, 2.5, 12.0, 12.0, 22.0, 31.0])
    assert broker.state.limits.times[codes.LIMIT_RATE] == 2
    waits = BrokerWaits(broker, Unsplit(np.array([1.0, 1.5, 2.0, 3.0, 4.0, 30.0])))
    np.testing.assert_allclose(waits.parts_s(0, 6)[TimePart.CEILING], [0, 0, 9, 8, 17, 0])


def test_BM_06_a_wait_doubles_and_part_of_it_is_random():
    s = Settings(
        push=True, on_failure="retry", retry_s=1.0, retry_growth=2.0, retry_spread=0.5,
        max_returns=2, receive_s=0.0, ack_s=0.0,
    )  # fmt: skip
    broker, _ = run(
        s, [1.0], [1.0], 60.0, bad={0: (False, 2, np.inf)}, jitter=np.array([0.0, 0.25])
    )
    # Fails at 2.0, waits 0.5; fails at 3.5, waits 1 to 2 s: 1.25 s; is done at 5.75.
    np.testing.assert_allclose(broker.queue.done_s, [5.75])


def test_SK_01_what_a_killed_process_has_in_hand_is_lost_but_not_where_it_leaves():
    s = Settings(consumers=2, push=True, slots=2, prefetch=2, loses=True, receive_s=0.0, ack_s=0.0)
    for verb, lost in (("crash", 2), ("leave", 0)):
        broker = build(s, np.linspace(1.0, 1.3, 4), np.full(4, 9.0))
        broker.advance(5.0)
        getattr(broker, verb)(0)
        broker.advance(60.0)
        assert np.count_nonzero(broker.queue.state == codes.LOST) == lost
        assert np.count_nonzero(broker.queue.effects) == 4 - lost
