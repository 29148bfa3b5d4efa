"""The producer client: against a plain model, then rule by rule with hand numbers."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.death_table import BROKERS, DEATH_TABLE, PARTITIONS, RECORDS, How
from models.plain_client import PlainClient
from models.plain_client import Settings as PlainSettings
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.foundation.errors import LabError
from sim.producer import kafka_client_kernel as k
from sim.producer.kafka_client import JAVA, LIBRDKAFKA, Client, Pipeline

STATUS = ["not sent", "buffered", "acked", "failed", "rejected", "died"]


class PlainVerbs:
    """Verbs of faults, for the plain model."""

    def __init__(self, env, plain):
        self.plain = plain

    def __call__(self, verb, *args):
        plain = self.plain
        match verb:
            case "extra":
                plain.extra_s[args[0]] = args[1]
            case "lose_acks":
                plain.ack_loss[args[0]] = args[1]
            case "fail_appends":
                plain.append_fails[args[0]] = args[1]
            case _:
                getattr(plain, verb)(*args)


class LabVerbs:
    """The same, for the lab's client."""

    def __init__(self, env, client):
        self.env, self.client = env, client

    def __call__(self, verb, *args):
        client, now = self.client, self.env.now
        match verb:
            case "extra":
                client.slow_broker(*args)
            case "lose_acks" | "fail_appends":
                getattr(client, verb)(*args)
            case "sigterm":
                client.sigterm(now, *args)
            case "exit_normally":
                client.exit_normally(now, flush=args[0])
            case "broker_down":
                client.broker_down(args[0], now, reset=args[1])
            case _:
                getattr(client, verb)(*args, now)


def inject(env, faults, verbs):
    def act(at_s, verb, args):
        yield env.timeout(at_s)
        verbs(verb, *args)

    for at_s, verb, *args in faults:
        env.process(act(at_s, verb, args))


def lab_settings(s, notice_s):
    """The plain model's settings as those of the kernel."""
    mode = ["produce", "commit-produce", "produce-flush-commit", "transaction"].index(s.order)
    return k.ClientSettings(
        mode=mode,
        transaction_timeout_s=1e6,
        notice_s=notice_s,
        **{f: getattr(s, f) for f in k.ClientSettings._fields if hasattr(s, f) and f != "notice_s"},
    )


def lab_client(s, columns, pools, grid_s):
    """A client with the settings of the plain model."""
    created_s, partition_of, size_bytes, process_s = columns
    client = Client(
        np.asarray(created_s, float),
        np.asarray(partition_of, np.int32),
        s.partitions,
        np.asarray(size_bytes, np.int32),
        config=replace(JAVA, teardown_ms=0),
        pipeline=Pipeline(),
        process_s=np.asarray(process_s, float),
        brokers=s.brokers,
        grid_s=np.asarray(grid_s, float),
        **{name: np.asarray(draws, float) for name, draws in pools.items()},
    )
    client.state = client.state._replace(settings=lab_settings(s, s.notice_s))
    client.state.app.at[k.AUTO_COMMIT_S] = s.auto_commit_s
    return client


def scenario(rng):
    """Random continuous times throughout: where events tie, either order would be right."""
    java = bool(rng.integers(2))
    order = str(
        rng.choice(["produce", "produce", "commit-produce", "produce-flush-commit", "transaction"])
    )
    acks = int(rng.choice([-1, -1, -1, 0, 1]))
    idempotent = order == "transaction" or (acks == -1 and bool(rng.integers(2)))
    if idempotent:
        acks = -1
    tight = bool(rng.integers(3) == 0)
    request_timeout_s = rng.uniform(0.3, 1.5)
    s = PlainSettings(
        order=order,
        poll_records=int(rng.integers(1, 30)),
        auto_commit_s=rng.uniform(0.2, 2.0),
        commit_s=rng.uniform(0.002, 0.05),
        flush_timeout_s=float(rng.choice([np.inf, rng.uniform(0.05, 1.0)])),
        check_flush=order == "transaction" or bool(rng.integers(4)),
        java=java,
        linger_s=float(rng.choice([0.0, 1.0])) * rng.uniform(0.005, 0.2),
        batch_bytes=int(rng.integers(200, 3_000)),
        batch_records=1 << 60 if java else int(rng.integers(1, 20)),
        buffer_bytes=int(rng.integers(6_000, 12_000)) if tight else 1 << 30,
        buffer_records=1 << 60 if java or not tight else int(rng.integers(5, 40)),
        block_s=float(rng.choice([0.0, rng.uniform(0.05, 1.0), np.inf])),
        acks=acks,
        retries=int(rng.choice([2**31 - 1, 2**31 - 1, 0, 2])) if not idempotent else 2**31 - 1,
        backoff_s=rng.uniform(0.02, 0.2),
        backoff_max_s=rng.uniform(0.2, 1.0),
        request_timeout_s=request_timeout_s,
        delivery_timeout_s=float(rng.choice([1e6, rng.uniform(0.5, 5.0)])),
        max_in_flight=int(rng.choice([1, 2, 5, 5, 5])) if java or idempotent else 1_000,
        idempotent=idempotent,
        in_order=idempotent or not java,
        notice_s=float(rng.choice([0.0, rng.uniform(0.0, 0.5), np.inf])),
        partitions=int(rng.integers(1, 7)),
        brokers=int(rng.integers(1, 4)),
    )
    n = 150
    created_s = np.cumsum(rng.exponential(5.0 / n, n))
    columns = (
        created_s,
        rng.integers(0, s.partitions, n),
        rng.integers(50, 600, n),
        rng.exponential(rng.uniform(0.001, 0.03), n),
    )
    pools = {
        "latency_s": rng.lognormal(np.log(0.02), 1.0, 997),
        "replicate_s": rng.exponential(0.005, 499),
        "uniform": rng.random(1_009),
        "jitter": rng.random(787),
    }
    return s, columns, pools, random_faults(rng, s)


def random_faults(rng, s):
    faults = []
    for b in range(s.brokers):
        for verb, at_value, back in (("lose_acks", rng.uniform(0.05, 0.9), 0.0),) * int(
            rng.integers(3)
        ):
            at_s = rng.uniform(0.0, 5.0)
            faults += [(at_s, verb, b, at_value), (at_s + rng.exponential(0.8), verb, b, back)]
        if rng.integers(3) == 0:
            at_s = rng.uniform(0.0, 5.0)
            faults += [
                (at_s, "broker_down", b, bool(rng.integers(2))),
                (at_s + rng.exponential(1.0), "broker_up", b),
            ]
        if rng.integers(3) == 0:
            at_s = rng.uniform(0.0, 5.0)
            faults += [
                (at_s, "extra", b, rng.uniform(0.1, 3.0)),
                (at_s + rng.exponential(1.0), "extra", b, 0.0),
            ]
    for p in range(s.partitions):
        if rng.integers(4) == 0:
            at_s = rng.uniform(0.0, 5.0)
            faults += [
                (at_s, "fail_appends", p, rng.uniform(0.3, 1.0)),
                (at_s + rng.exponential(0.5), "fail_appends", p, 0.0),
            ]
        if rng.integers(4) == 0:
            faults.append((rng.uniform(0.0, 6.0), "move_leader", p, int(rng.integers(s.brokers))))
    for _ in range(int(rng.integers(3))):
        at_s = rng.uniform(0.2, 6.0)
        grace_s = rng.uniform(0.01, 1.0)
        faults.append(
            [
                (at_s, "sigkill"),
                (at_s, "sigterm", grace_s, True),
                (at_s, "sigterm", grace_s, False),
                (at_s, "exit_normally", bool(rng.integers(2))),
            ][int(rng.integers(4))]
        )
        faults.append((at_s + grace_s + rng.uniform(0.01, 0.5), "restart"))
    return faults


def run_lab(s, columns, pools, faults, until_s, grid_s=(), cuts=()):
    client = lab_client(s, columns, pools, grid_s)
    env = Environment([client])
    inject(env, faults, LabVerbs(env, client))
    for at_s in cuts:
        env.timeout(at_s)
    env.run(until_s)
    client.advance(until_s)
    client.finish(until_s)
    return client


def run_plain(s, columns, pools, faults, until_s, grid_s=()):
    env = simpy.Environment()
    plain = PlainClient(env, s, *columns, **pools, grid_s=grid_s)
    inject(env, faults, PlainVerbs(env, plain))
    env.run(until_s)
    return plain


def logs(client):
    """[partitions] list of (append time, row, attempt, visible time) of each record."""
    journal = client.journal
    out = [[] for _ in range(client.state.partitions.first.size)]
    for e in range(journal.append_s.size):
        for row in journal.row[journal.first[e] : journal.first[e] + journal.n[e]]:
            out[journal.partition[e]].append(
                (journal.append_s[e], row, journal.attempt[e], journal.visible_s[e])
            )
    return out


UNTIL_S = 30.0
GRID_S = np.linspace(0.00173, UNTIL_S - 0.1, 173)


def compare(case):
    s, columns, pools, faults = case
    plain = run_plain(s, columns, pools, faults, UNTIL_S, GRID_S)
    client = run_lab(s, columns, pools, faults, UNTIL_S, GRID_S)
    app = client.state.app
    for p, records in enumerate(logs(client)):
        expected = [
            (*entry, visible_s)
            for entry, visible_s in zip(
                plain.partitions[p].log, plain.partitions[p].visible, strict=True
            )
        ]
        assert [r[1:3] for r in records] == [e[1:3] for e in expected]
        np.testing.assert_allclose(
            [(r[0], r[3]) for r in records],
            [(e[0], e[3]) for e in expected],
            rtol=0,
            atol=1e-8,
        )
    assert [STATUS[status] for status in app.status] == plain.status
    np.testing.assert_allclose(app.acked_s, plain.acked_s, rtol=0, atol=1e-8)
    assert app.sent.tolist() == plain.sent
    assert client.committed == plain.committed
    assert client.remaining == plain.remaining
    samples = np.array(plain.samples)
    np.testing.assert_array_equal(app.grid_remaining, samples[:, 0])
    np.testing.assert_array_equal(app.grid_committed, samples[:, 1])
    return plain


def test_agrees_record_by_record_with_a_plain_simpy_model():
    seen = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        plain = compare(scenario(np.random.default_rng(seed)))
        seen.update({"examples"} | set(plain.seen))

    check()
    share = {what: times / seen["examples"] for what, times in seen.items()}
    for what in ("retry", "lost answer", "request timeout", "all in flight", "repeat", "closed"):
        assert share[what] > 0.1, (what, share[what])
    for what in (
        *("append failed", "blocked", "rejected", "expired", "gave up", "flush timeout"),
        *("gap", "new epoch", "sent again", "not leader", "aborted", "stored though failed"),
    ):
        assert share[what] > 0.005, (what, share[what])


def state_hash(client):
    digest = sha256()
    for part in (client.journal, client.state.app, client.state.partitions):
        for array in part:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def hash_of_runs(cuts):
    """Of a few random schedules, each cut into so many more pieces."""
    cuts_s = np.linspace(0.0, 20.0, cuts)
    return [
        state_hash(run_lab(*scenario(np.random.default_rng(seed)), 20.0, GRID_S, cuts_s))
        for seed in range(700, 712)
    ]


def test_a_run_cut_into_pieces_is_the_same_to_the_last_bit():
    assert hash_of_runs(0) == hash_of_runs(977)


def test_the_kernel_uncompiled_is_the_same_to_the_last_bit():
    plain = subprocess.run(
        [sys.executable, "-c", "import test_kafka_client as t; print(*t.hash_of_runs(0))"],
        cwd=Path(__file__).parent,
        env={
            **os.environ,
            "NUMBA_DISABLE_JIT": "1",
            "PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[1:3])),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout.split() == hash_of_runs(0)


def healed(s, faults):
    """The same faults, after which all is well again and the application runs."""
    over = [(20.0, "restart")]
    over += [(19.0, verb, b, 0.0) for b in range(s.brokers) for verb in ("extra", "lose_acks")]
    over += [(19.0, "broker_up", b) for b in range(s.brokers)]
    over += [(19.0, "fail_appends", p, 0.0) for p in range(s.partitions)]
    return faults + over


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_every_row_ends_in_the_log_or_lost_and_never_both(seed):
    s, columns, pools, faults = scenario(np.random.default_rng(seed))
    client = run_lab(s, columns, pools, healed(s, faults), 300.0)
    fates, appends = client.fates(), client.appends()
    lost = fates != Fate.UNFINISHED
    assert not (lost & (appends > 0)).any()
    if s.order in ("produce-flush-commit", "transaction") and s.check_flush and s.acks != 0:
        assert not lost.any()  # whatever happened
    if s.order == "transaction":
        assert (appends <= 1).all()
    if not client.settled:
        # A poll that the buffer cannot hold, and no waiting for room: it is tried for ever. Or a
        # gap that is never filled, see KP-10.
        tight = min(s.buffer_records, s.buffer_bytes) < 1 << 20
        assert (tight and s.block_s < np.inf) or client.state.app.n[k.OUT_OF_SEQUENCE] > 0
        return
    assert (lost | (appends > 0)).all()
    app = client.state.app
    if s.acks != 0:
        stored = np.isin(np.arange(lost.size), client.journal.row)
        assert stored[app.acked_s < np.inf].all()
    assert (app.sent >= (app.acked_s < np.inf)).all()


# Rule by rule. One row is one record; times are ms, turned into s by ``build``.


def build(
    created_ms=(0.0,),
    partition_of=None,
    *,
    partitions=1,
    brokers=1,
    config=JAVA,
    process_ms=0.0,
    latency_ms=10.0,
    replicate_ms=0.0,
    size_bytes=100,
    grid_ms=(),
    uniform=(0.5,),
    latency_s=None,
    notice_ms=0.0,
    order="produce",
    pipeline=None,
    **keys,
):
    """A client with the keys given, the rest at the defaults of ``config``."""
    created_s = np.asarray(created_ms, float) / 1e3
    if partition_of is None:
        partition_of = np.zeros(created_s.size)
    return Client(
        created_s,
        np.asarray(partition_of, np.int32),
        partitions,
        np.atleast_1d(np.asarray(size_bytes, np.int32)),
        config=replace(config, **keys),
        pipeline=replace(pipeline or Pipeline(), order=order),
        process_s=np.atleast_1d(np.asarray(process_ms, float)) / 1e3,
        brokers=brokers,
        latency_s=np.array([latency_ms / 1e3]) if latency_s is None else latency_s,
        replicate_s=np.array([replicate_ms / 1e3]),
        uniform=np.asarray(uniform, float),
        ack_loss_notice_s=notice_ms / 1e3,
        grid_s=np.asarray(grid_ms, float) / 1e3,
    )


def rows_in_log(client, partition=0):
    return [int(record[1]) for record in logs(client)[partition]]


def appended_ms(client, partition=0):
    return [float(record[0]) * 1e3 for record in logs(client)[partition]]


def fate_names(client, **kwargs):
    return [Fate(fate).name for fate in client.fates(**kwargs)]


ALONE = {"linger_ms": 0, "batch_size": 0}
"""Each record leaves by itself, at once."""
NOT_IDEMPOTENT = {"enable_idempotence": False}


def test_KP_01_a_batch_leaves_when_it_is_full_or_has_lingered():
    # 300 + 300 B fill 600 B; one alone lingers 5 ms; 400 B do not fit to 300 B, which leave.
    client = build(
        [0, 1, 100, 200, 202], size_bytes=[300, 300, 300, 300, 400], batch_size=600, linger_ms=5
    )
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [6, 6, 110, 207, 212])


def test_KP_01_java_sends_every_batch_of_a_broker_with_the_first_that_is_due():
    # Partitions 0 and 2 on broker 0, 1 on broker 1; that of 0 is due at 5 ms.
    for config, expected in ((JAVA, [10, 13, 10]), (LIBRDKAFKA, [10, 13, 14])):
        client = build([0, 3, 4], [0, 1, 2], partitions=3, brokers=2, config=config)
        client.advance(1.0)
        first_ms = [appended_ms(client, p)[0] for p in range(3)]
        np.testing.assert_allclose(first_ms, expected)


def test_KP_01_a_broker_serves_a_connection_one_request_after_the_other():
    # Sent at 0, 1 and 2 ms, at the broker from 5 ms on, each 20 ms until the replicas have it.
    client = build([0, 1, 2], replicate_ms=20, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 25, 45])
    np.testing.assert_allclose(client.state.app.acked_s, [0.030, 0.050, 0.070])


def test_max_in_flight_limits_the_requests_of_each_connection():
    # Five at 0 ms, the sixth with the first answer.
    client = build(np.zeros(7), process_ms=0.0, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5, 5, 5, 5, 15, 15])
    client = build(np.zeros(7), config=LIBRDKAFKA, **ALONE)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5] * 7)


def test_KP_02_a_batch_that_fails_while_in_flight_may_still_be_stored():
    # Fails at 30 ms, reaches the broker at 35 ms.
    client = build(
        latency_ms=70, config=LIBRDKAFKA, linger_ms=0, delivery_timeout_ms=30, batch_size=0
    )
    client.advance(0.032)
    assert (client.state.app.status[0], client.remaining) == (k.FAILED, 0)
    client.advance(1.0)
    assert rows_in_log(client) == [0]
    assert client.state.app.acked_s[0] == np.inf
    assert fate_names(client) == ["UNFINISHED"]


def test_KP_02_the_delivery_timeout_counts_from_the_creation_of_the_batch():
    # Rows at 0 and 4 ms in one batch: both fail at 40 ms; the broker cannot be reached.
    client = build([0, 4, 50], config=LIBRDKAFKA, linger_ms=5, delivery_timeout_ms=40)
    client.broker_down(0, 0.0)
    for at_s, status in ((0.0399, k.BUFFERED), (0.0401, k.FAILED)):
        client.advance(at_s)
        assert client.state.app.status[:2].tolist() == [status] * 2
    client.advance(1.0)
    assert fate_names(client) == ["LOST_SEND_EXPIRED"] * 3


def test_KP_03_without_idempotence_a_lost_answer_stores_the_record_twice():
    for keys, expected in ((NOT_IDEMPOTENT, [0, 0]), ({}, [0])):
        client = build(**ALONE, **keys)
        client.lose_acks(0, 1.0)
        client.advance(0.008)
        client.lose_acks(0, 0.0)
        client.advance(1.0)
        assert rows_in_log(client) == expected
        # Answer due at 10 ms, backoff 100 ms, round trip 10 ms.
        assert client.state.app.acked_s[0] == pytest.approx(0.120)


def test_a_lost_answer_is_noticed_at_the_request_timeout_when_nothing_breaks():
    client = build(notice_ms=np.inf, request_timeout_ms=500, **ALONE)
    client.lose_acks(0, 1.0)
    client.advance(0.008)
    client.lose_acks(0, 0.0)
    client.advance(10.0)
    assert client.state.app.acked_s[0] == pytest.approx(0.610)


@pytest.mark.parametrize("reset", [True, False])
def test_an_unreachable_broker_costs_the_answers_on_their_way(reset):
    # Row 0 is stored at 5 ms, row 1 never; away from 7 ms on, back at 50: found then, or at once.
    client = build([0, 4], **ALONE, **NOT_IDEMPOTENT)
    client.advance(0.007)
    client.broker_down(0, 0.007, reset=reset)
    client.advance(0.050)
    client.broker_up(0, 0.050)
    client.advance(1.0)
    assert sorted(rows_in_log(client)) == [0, 0, 1]
    from_ms = 7 if reset else 50
    np.testing.assert_allclose(client.state.app.acked_s, [(from_ms + 110) / 1e3] * 2)


def test_a_broker_that_stays_away_is_noticed_at_the_request_timeout():
    # From 500 ms on there is no connection, and what comes waits without being tried.
    client = build([0, 1_000], request_timeout_ms=500, **ALONE)
    client.broker_down(0, 0.0)
    client.advance(60.0)
    assert client.state.app.n[k.REQUESTS] == 1
    client.broker_up(0, 60.0)
    client.advance(100.0)
    np.testing.assert_allclose(appended_ms(client), [60_005, 60_005])


def test_the_backoff_doubles_up_to_its_limit():
    # Refused at 5, 115, 325, 735, 1545, 2555 ms: backoffs 100, 200, 400, 800, 1000, 1000.
    client = build(**ALONE)
    client.fail_appends(0, 1.0)
    client.advance(2.6)
    client.fail_appends(0, 0.0)
    client.advance(10.0)
    assert client.state.app.n[k.RETRIES] == 6
    np.testing.assert_allclose(appended_ms(client), [3565])


def test_retries_are_limited():
    client = build(retries=2, **ALONE, **NOT_IDEMPOTENT)
    client.fail_appends(0, 1.0)
    client.advance(100.0)
    assert fate_names(client) == ["LOST_SEND_EXPIRED"]
    assert client.state.app.n[k.RETRIES] == 2


def test_KP_04_java_blocks_and_then_rejects():
    # Memory for two batches of two; nothing is answered; rows 4 and 5 wait 200 ms each.
    client = build(
        np.zeros(6),
        size_bytes=500,
        batch_size=1_000,
        buffer_memory=2_000,
        max_block_ms=200,
        grid_ms=[100, 300],
    )
    client.broker_down(0, 0.0)
    for at_s, rejected in ((0.199, 0), (0.201, 1), (0.399, 1), (0.401, 2)):
        client.advance(at_s)
        assert (client.state.app.status == k.REJECTED).sum() == rejected
    client.finish(0.4)
    assert client.state.app.grid_remaining.tolist() == [4, 4]
    assert fate_names(client)[4:] == ["LOST_REJECTED"] * 2


def test_KP_04_java_takes_memory_a_batch_at_a_time():
    # Two small records on two partitions fill a buffer of two and a half batches.
    client = build(
        np.zeros(3), [0, 1, 2], partitions=3, batch_size=1_000, buffer_memory=2_500,
        linger_ms=1_000, max_block_ms=200, latency_ms=50,
    )  # fmt: skip
    client.advance(0.01)
    assert client.state.app.status.tolist() == [k.BUFFERED, k.BUFFERED, k.NOT_SENT]
    # Short of memory, Java sends at once what lingers: answered at 50 ms.
    client.advance(0.2)
    np.testing.assert_allclose(client.state.app.acked_s[:2], [0.05, 0.05])
    assert client.state.app.status[2] == k.BUFFERED


def test_KP_04_librdkafka_does_not_hurry_when_it_is_full():
    # Two of three fit; they leave after a linger of 50 ms, and the third when they are answered.
    client = build(
        np.zeros(3), config=LIBRDKAFKA, queue_buffering_max_messages=2, linger_ms=50,
        pipeline=Pipeline(retry_rejected=True),
    )  # fmt: skip
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [55, 55, 115])


def test_KP_01_librdkafka_also_counts_the_records_of_a_batch():
    client = build(np.zeros(5), config=LIBRDKAFKA, batch_num_messages=2, linger_ms=50)
    client.advance(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5, 5, 5, 55])


def test_KP_04_librdkafka_raises_at_once_unless_the_application_tries_again():
    for retry, expected in ((False, [0, 1, 2, 3]), (True, [0, 1, 2, 3, 4, 5])):
        client = build(
            np.zeros(6), config=LIBRDKAFKA, queue_buffering_max_messages=4,
            pipeline=Pipeline(retry_rejected=retry),
        )  # fmt: skip
        client.advance(0.001)
        assert client.position == (4 if retry else 6)
        client.advance(1.0)
        assert rows_in_log(client) == expected
    assert client.settled is False  # committed by time, at 5 s
    client.advance(6.0)
    assert client.settled


def test_KP_05_with_acks_0_a_drop_is_silent():
    client = build([0, 100], acks=0, linger_ms=0)
    client.broker_down(0, 0.0)
    client.advance(0.05)
    client.broker_up(0, 0.05)
    client.advance(1.0)
    np.testing.assert_allclose(client.state.app.acked_s, [0.0, 0.1])
    assert rows_in_log(client) == [1]
    assert client.state.app.n[k.RETRIES] == 0
    assert fate_names(client) == ["LOST_BROKER_FAILOVER", "UNFINISHED"]


def test_KP_06_what_an_election_cuts_off_is_lost_though_acknowledged():
    client = build([0, 100, 200], acks=1, linger_ms=0)
    client.advance(1.0)
    assert (client.state.app.acked_s < np.inf).all()
    kept = client.journal.append_s < 0.150
    assert fate_names(client, kept=kept) == ["UNFINISHED", "UNFINISHED", "LOST_BROKER_FAILOVER"]


def test_KP_06_after_a_move_of_the_leader_the_batch_goes_to_the_new_one():
    client = build(brokers=2, **ALONE)
    client.advance(0.001)
    client.move_leader(0, 1, 0.001)
    client.advance(1.0)
    # Refused at 5 ms by the old leader, again at 110 ms.
    np.testing.assert_allclose(appended_ms(client), [115])


@pytest.mark.parametrize(
    ("config", "until_ms", "expected"),
    [
        (JAVA, 5.5, [1, 2, 0]),  # those in flight overtake the batch that failed
        (JAVA, 6.5, [2, 1, 0]),  # two that failed come back swapped
        (LIBRDKAFKA, 5.5, [1, 2, 0]),
        (LIBRDKAFKA, 6.5, [2, 0, 1]),  # it puts them back by number
    ],
)
def test_KP_08_a_retry_reorders(config, until_ms, expected):
    client = build([0, 1, 2, 50], config=config, **ALONE, **NOT_IDEMPOTENT)
    client.fail_appends(0, 1.0)
    client.advance(until_ms / 1e3)
    client.fail_appends(0, 0.0)
    client.advance(1.0)
    # The record of 50 ms waits behind the batch in backoff.
    assert rows_in_log(client) == [*expected, 3]


def test_KP_08_a_broken_connection_brings_back_what_is_in_flight():
    # Rows 0 to 2 are stored, then the first answer breaks the connection; 3 is lost on its way.
    client = build([0, 1, 2, 9.5], **ALONE, **NOT_IDEMPOTENT)
    client.lose_acks(0, 1.0)
    client.advance(0.0055)
    client.lose_acks(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3, 2, 1, 0]


def random_loss(seed, config, errors=False, **keys):
    """Records one by one into three partitions, while answers are lost now and then."""
    rng = np.random.default_rng(seed)
    n = 120
    created_ms = np.concatenate([np.zeros(3), 100 + np.sort(rng.uniform(0, 3_000, n))])
    partition_of = np.concatenate([np.arange(3), rng.integers(0, 3, n)])
    client = build(
        created_ms, partition_of, partitions=3, brokers=2, config=config, uniform=rng.random(997),
        notice_ms=float(rng.choice([0.0, 50.0, np.inf])), request_timeout_ms=700,
        latency_s=rng.lognormal(np.log(0.01), 1.0, 499), batch_size=int(rng.choice([0, 300])),
        linger_ms=float(rng.choice([0.0, 10.0])), **keys,
    )  # fmt: skip
    for at_s in np.sort(rng.uniform(0.0, 3.0, 8)):
        client.advance(at_s)
        client.lose_acks(int(rng.integers(2)), float(rng.choice([0.0, 0.3, 0.9])))
        if errors and at_s > 0.09:
            client.fail_appends(int(rng.integers(3)), float(rng.choice([0.0, 0.5])))
    for b in range(2):
        client.lose_acks(b, 0.0)
    for p in range(3):
        client.fail_appends(p, 0.0)
    client.advance(100.0)
    assert client.settled
    return [rows_in_log(client, p) for p in range(3)]


@pytest.mark.parametrize("config", [JAVA, LIBRDKAFKA], ids=lambda config: config.library)
def test_KP_10_an_idempotent_producer_neither_repeats_nor_reorders(config):
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.booleans())
    def check(seed, in_flight, errors):
        logs = random_loss(seed, config, errors, enable_idempotence=True, max_in_flight=in_flight)
        assert all(log == sorted(set(log)) for log in logs)
        assert sum(map(len, logs)) == 123

    check()


@pytest.mark.parametrize("config", [JAVA, LIBRDKAFKA], ids=lambda config: config.library)
def test_KP_08_without_idempotence_both_repeats_and_reorders_occur(config):
    repeats = reorders = 0
    for seed in range(20):
        for log in random_loss(seed, config, errors=True, enable_idempotence=False):
            repeats += len(log) > len(set(log))
            first = list(dict.fromkeys(log))
            reorders += first != sorted(first)
    assert repeats > 10
    assert reorders > 3


def test_KP_09_with_one_request_in_flight_order_holds_and_repeats_remain():
    repeats = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        client = build(
            np.sort(rng.uniform(0, 1_000, 40)), max_in_flight=1, uniform=rng.random(499),
            **ALONE, **NOT_IDEMPOTENT,
        )  # fmt: skip
        client.lose_acks(0, 0.3)
        client.advance(100.0)
        rows = rows_in_log(client)
        assert rows == sorted(rows)
        assert set(rows) == set(range(40))
        repeats += len(rows) > 40
    assert repeats > 10


def test_KP_09_a_partition_is_muted_until_the_answer_wherever_its_leader_is():
    # The first is on its way to the old leader when the second is sent; it comes back at 110 ms.
    client = build([0, 2], brokers=2, max_in_flight=1, **ALONE, **NOT_IDEMPOTENT)
    client.advance(0.001)
    client.move_leader(0, 1, 0.001)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1]
    np.testing.assert_allclose(appended_ms(client), [115, 125])


def test_KP_10_a_gap_is_refused_until_the_batch_before_is_there():
    client = build([0, 100, 101, 102], **ALONE)
    client.advance(0.1)
    client.fail_appends(0, 1.0)
    client.advance(0.1055)
    client.fail_appends(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3]
    assert client.state.app.n[k.OUT_OF_SEQUENCE] == 2
    # A batch to be tried again waits until it is the oldest: one after the other, from 210 ms.
    np.testing.assert_allclose(appended_ms(client), [5, 215, 225, 235])


def test_KP_10_the_broker_remembers_five_batches():
    # Seven unanswered batches of a partition: only a client without the limit would send them.
    client = build(np.arange(5), notice_ms=100, **ALONE)
    client.lose_acks(0, 1.0)
    client.advance(0.0095)
    client.lose_acks(0, 0.0)
    client.advance(10.0)
    assert rows_in_log(client) == [0, 1, 2, 3, 4]
    assert client.state.app.n[k.DUPLICATES_REFUSED] == 5


@pytest.mark.parametrize("order", ["produce", "transaction"])
def test_KP_10_a_producer_that_is_not_known_may_begin_anywhere(order):
    # Row 0 is refused for want of replicas and row 1 opens the sequence: row 0 does not fit any
    # more and fails after 120 s. Not so in a transaction.
    client = build(
        [0, 0, 200_000], uniform=[0.4] + [0.9] * 99, order=order,
        pipeline=Pipeline(flush_every=2), **ALONE,
    )  # fmt: skip
    client.fail_appends(0, 0.5)
    client.advance(300.0)
    if order == "produce":
        assert rows_in_log(client) == [1, 2]
        assert fate_names(client)[0] == "LOST_SEND_EXPIRED"
    else:
        assert rows_in_log(client) == [0, 1, 2]


def test_KP_10_a_sequence_with_a_batch_given_up_begins_anew():
    # Row 1 is stored, but its answer is lost and it fails before its retry: rows 2 and 3 go on.
    client = build(
        [0, 100, 400, 401], config=LIBRDKAFKA, enable_idempotence=True, delivery_timeout_ms=80,
        **ALONE,
    )  # fmt: skip
    client.advance(0.1)
    client.lose_acks(0, 1.0)
    client.advance(0.108)
    client.lose_acks(0, 0.0)
    client.advance(1.0)
    assert rows_in_log(client) == [0, 1, 2, 3]
    assert client.state.app.status[1] == k.FAILED
    assert client.state.partitions.epoch[0] == 1


def test_KP_11_idempotence_ends_with_the_session():
    # Stored and not committed; the next process is another producer to the broker.
    client = build(**ALONE)
    client.advance(0.006)
    client.sigkill(0.006)
    client.restart(0.050)
    client.advance(10.0)
    assert rows_in_log(client) == [0, 0]
    assert client.journal.session.tolist() == [1, 2]
    assert client.state.app.sent[0] == 2


def test_KP_12_idempotence_is_disabled_silently_or_refused():
    assert JAVA.idempotent()
    assert not replace(JAVA, acks=1).idempotent()
    assert not replace(JAVA, retries=0).idempotent()
    assert not replace(JAVA, enable_idempotence=False, max_in_flight=10).idempotent()
    assert not LIBRDKAFKA.idempotent()
    assert LIBRDKAFKA.idempotent(transactional=True)
    for refused in (
        replace(JAVA, max_in_flight=6),
        replace(JAVA, enable_idempotence=True, acks=0),
        replace(JAVA, enable_idempotence=True, retries=0),
        replace(LIBRDKAFKA, enable_idempotence=True, max_in_flight=6),
        replace(LIBRDKAFKA, enable_idempotence=True, acks=1),
    ):
        with pytest.raises(LabError, match="idempoten"):
            refused.idempotent()
    with pytest.raises(LabError, match=r"transactional\.id"):
        replace(JAVA, enable_idempotence=False).idempotent(transactional=True)
    assert LIBRDKAFKA.in_flight(False) == 1_000_000
    assert LIBRDKAFKA.in_flight(True) == JAVA.in_flight(False) == 5


def test_java_refuses_a_delivery_timeout_shorter_than_linger_and_request():
    with pytest.raises(LabError, match=r"delivery\.timeout\.ms"):
        replace(JAVA, delivery_timeout_ms=30_000).delivery_timeout_s()
    assert replace(JAVA, request_timeout_ms=130_000).delivery_timeout_s() == 130.005
    assert replace(LIBRDKAFKA, delivery_timeout_ms=0).delivery_timeout_s() == np.inf


FLUSHED = Pipeline(flush_every=10, flush_timeout_s=10.0, commit_s=0.004)
UNCHECKED = replace(FLUSHED, check_flush=False)


def test_KP_13_flush_sends_at_once_and_ends_when_all_is_answered():
    # Sent at 0 ms instead of after a linger of 5 s; flushed at 10 ms; committed half of 4 ms later.
    client = build(
        [0, 0], linger_ms=5_000, request_timeout_ms=1_000, order="produce-flush-commit",
        pipeline=FLUSHED, grid_ms=[1, 11.9, 12.1],
    )  # fmt: skip
    client.advance(1.0)
    client.finish(1.0)
    np.testing.assert_allclose(appended_ms(client), [5, 5])
    assert client.state.app.grid_remaining.tolist() == [2, 0, 0]
    assert client.state.app.grid_committed.tolist() == [0, 0, 2]


@pytest.mark.parametrize("check", [True, False])
def test_KP_13_a_flush_that_returns_has_not_delivered_what_failed(check):
    # The record fails at 40 ms, at which the flush returns with nothing remaining.
    client = build(
        config=LIBRDKAFKA, delivery_timeout_ms=40, order="produce-flush-commit",
        pipeline=FLUSHED if check else UNCHECKED,
    )  # fmt: skip
    client.broker_down(0, 0.0)
    client.advance(0.1)
    assert client.remaining == (1 if check else 0)  # sent again
    assert client.committed == (0 if check else 1)
    client.broker_up(0, 0.1)
    client.advance(1.0)
    assert fate_names(client) == ["UNFINISHED" if check else "LOST_SEND_EXPIRED"]
    assert rows_in_log(client) == ([0] if check else [])


def test_KP_16_a_transaction_becomes_visible_with_its_offset():
    # Sent at 0, acknowledged at 10 ms, committed half of 4 ms later.
    client = build([0, 0], order="transaction", pipeline=FLUSHED, grid_ms=[11.9, 12.1])
    client.advance(0.011)
    assert client.journal.visible_s.tolist() == [np.inf]
    assert client.appends().tolist() == [0, 0]
    client.advance(1.0)
    client.finish(1.0)
    np.testing.assert_allclose(client.journal.visible_s, [0.012])
    assert client.state.app.grid_committed.tolist() == [0, 2]


def test_KP_16_a_transaction_longer_than_its_timeout_is_aborted():
    client = build(
        order="transaction", pipeline=FLUSHED, transaction_timeout_ms=300, request_timeout_ms=100
    )
    client.broker_down(0, 0.0)
    client.advance(0.4)
    client.broker_up(0, 0.4)
    client.advance(5.0)
    assert client.state.app.n[k.ABORTED] == 1
    assert client.appends().tolist() == [1]
    assert rows_in_log(client) == [0, 0]


# How processes end.


def test_LP_01_remaining_counts_what_is_neither_acknowledged_nor_failed():
    # Sent at 5 ms, acknowledged at 15 ms; then six more behind a broker that cannot be reached.
    created_ms = [0, 0, 0, 100, 110, 120, 130, 140, 150]
    client = build(created_ms, grid_ms=[0, 14.9, 15, 105, 145, 155, 1_000])
    client.advance(0.05)
    client.broker_down(0, 0.05)
    client.advance(1.0)
    client.finish(1.0)
    assert client.state.app.grid_remaining.tolist() == [3, 3, 0, 1, 5, 6, 6]
    assert client.remaining == 6


def end_as(row):
    """The model's process that ended as a row of the table says; records in the log after it."""
    client = build(
        np.zeros(RECORDS),
        np.arange(RECORDS) % PARTITIONS,
        partitions=PARTITIONS,
        brokers=BROKERS,
        config=LIBRDKAFKA,
        process_ms=0.0005,  # as fast as Python calls produce()
        latency_ms=0.2,
        linger_ms=row.linger_ms,
        teardown_ms=row.teardown_ms,
    )
    at_s = RECORDS * 0.5e-6 + 1e-9 + row.kill_after_ms / 1e3
    client.advance(at_s)
    assert client.position == RECORDS
    match row.how:
        case How.EXIT:
            client.exit_normally(at_s)
        case How.EXIT_ATEXIT_FLUSH:
            client.exit_normally(at_s, atexit_flush=True)
        case How.FLUSH_EXIT:
            client.exit_normally(at_s, flush=True)
        case How.SIGTERM | How.SIGTERM_ATEXIT_FLUSH:
            client.sigterm(at_s, 30.0, handlers=False)
        case How.SIGTERM_HANDLER_FLUSH:
            client.sigterm(at_s, 30.0, handlers=True)
        case How.SIGKILL:
            client.sigkill(at_s)
    client.advance(60.0)
    assert not client.alive
    return int(client.appends().sum())


@pytest.mark.parametrize("row", DEATH_TABLE, ids=str)
def test_LP_04_what_a_process_leaves_in_the_log_when_it_ends(row):
    in_log = end_as(row)
    assert row.min_in_log <= in_log <= row.max_in_log
    assert in_log in (0, RECORDS)


def test_LP_04_a_normal_exit_of_java_sends_nothing_more():
    client = build(np.zeros(10), linger_ms=5)
    client.advance(0.001)
    client.exit_normally(0.001)
    client.advance(1.0)
    assert client.appends().sum() == 0


def test_LP_04b_the_time_of_a_kill_decides_what_is_in_the_log():
    # The first batch begins with its first record and leaves 5 ms later; half of 2 ms on its way.
    # By then 2,500 of 6,000 records are made, one every 2 us; the next leaves 5 ms later.
    def in_log(at_ms):
        client = build(
            np.zeros(6_000), config=LIBRDKAFKA, process_ms=0.002, latency_ms=2, linger_ms=5
        )
        client.advance(at_ms / 1e3)
        client.sigkill(at_ms / 1e3)
        client.advance(1.0)
        return int(client.appends().sum())

    found = [in_log(at_ms) for at_ms in (4, 5.9, 6.1, 10.9, 11.1, 12)]
    np.testing.assert_allclose(found, [0, 0, 2_500, 2_500, 5_000, 5_000], atol=1)


def loss_of_a_kill(unreachable_ms):
    """Of 10,000 records a second, committed every 100 ms; killed at 5 s, back at 6 s."""
    client = build(np.arange(100_000) * 0.1, latency_ms=4, pipeline=Pipeline(auto_commit_s=0.1))
    down_s = 5.0 - unreachable_ms / 1e3
    client.advance(down_s)
    if unreachable_ms:
        client.broker_down(0, down_s)
    client.advance(5.0)
    client.sigkill(5.0)
    client.broker_up(0, 5.0)
    client.advance(6.0)
    client.restart(6.0)
    client.advance(20.0)
    assert client.settled
    lost = client.fates() == Fate.LOST_PRODUCER_BUFFER
    assert (lost | (client.appends() > 0)).all()
    return int(lost.sum())


def test_LP_04b_a_crash_costs_linger_and_round_trip_and_a_backlog_costs_all_of_it():
    # At most 10,000/s x (5 + 4 ms); with a broker unreachable for 2 s, all but what was sent since
    # the last commit, which the next process reads again.
    assert 0 <= loss_of_a_kill(0) <= 90
    assert 20_000 - 1_000 <= loss_of_a_kill(2_000) <= 20_000 + 90


def test_LP_06_sigterm_with_a_handler_saves_what_fits_into_the_grace_period():
    # The broker answers after 2 s: within a grace period of 3 s, not of 1.5 s.
    for grace_s, in_log, committed in ((3.0, 100, 100), (0.5, 0, 0)):
        client = build(np.zeros(100), latency_ms=2_000)
        client.advance(0.001)
        client.sigterm(0.001, grace_s, handlers=True)
        client.advance(10.0)
        assert not client.alive
        assert client.appends().sum() == in_log
        assert client.committed == committed


def test_sigterm_finishes_what_was_polled_and_polls_no_more():
    # Polls of 4 rows, 1 ms each, at 0 and 4 ms; the signal at 5.5 ms; flushed from 8 ms on.
    client = build(
        np.zeros(20), process_ms=1, pipeline=Pipeline(max_poll_records=4, commit_s=0.002)
    )
    client.advance(0.0055)
    client.sigterm(0.0055, 30.0, handlers=True)
    client.advance(0.0185)
    assert client.committed == 0
    client.advance(0.0195)
    assert (client.position, client.committed, client.alive) == (8, 8, True)
    client.advance(1.0)
    assert (client.position, client.committed, client.alive) == (8, 8, False)
    assert fate_names(client) == ["UNFINISHED"] * 20


@pytest.mark.parametrize("handlers", [True, False])
def test_sigint_runs_the_hooks_of_atexit(handlers):
    client = build(np.zeros(10), config=LIBRDKAFKA, linger_ms=1_000)
    client.advance(0.001)
    client.sigint(0.001, handlers, atexit_flush=True)
    client.advance(5.0)
    assert not client.alive
    assert client.appends().sum() == 10
    assert client.committed == (10 if handlers else 0)  # the hook knows nothing of offsets


# The ledger order table: consume c, produce o, flush f, commit k, with the crash at the mark.


def crash_and_restart(client, at_s, down_s=1.0, until_s=60.0):
    client.advance(at_s)
    client.sigkill(at_s)
    client.advance(at_s + down_s)
    client.restart(at_s + down_s)
    client.advance(until_s)
    assert client.settled
    return client


def test_order_o_k_crash_f_loses_what_was_committed_and_not_sent():
    # 100 rows of 1 ms each, a linger of 1 s, a commit at the first poll after 50 ms.
    client = build(
        np.arange(100), linger_ms=1_000, pipeline=Pipeline(auto_commit_s=0.05, max_poll_records=10)
    )
    client.advance(0.06)
    committed = client.committed
    assert 45 <= committed <= 55
    crash_and_restart(client, 0.06)
    lost = client.fates() == Fate.LOST_PRODUCER_BUFFER
    assert lost.tolist() == [row < committed for row in range(100)]
    assert (client.appends() == ~lost).all()


def test_order_k_o_crash_loses_what_was_polled():
    # Committed at 2 ms; killed at 5.5 ms with three of ten sent, which linger.
    client = build(
        np.zeros(20), process_ms=1, order="commit-produce",
        pipeline=Pipeline(max_poll_records=10, commit_s=0.002), linger_ms=5,
    )  # fmt: skip
    crash_and_restart(client, 0.0055)
    assert (
        fate_names(client)[:10]
        == ["LOST_PRODUCER_BUFFER"] * 3 + ["LOST_ACKED_BEFORE_PROCESSING"] * 7
    )
    assert client.appends().tolist() == [0] * 10 + [1] * 10


def test_order_o_f_crash_k_repeats():
    # Flushed at 10 ms, the commit would count at 12 ms; killed at 11 ms.
    client = build(np.zeros(20), order="produce-flush-commit", pipeline=FLUSHED)
    crash_and_restart(client, 0.011)
    assert client.appends().tolist() == [2] * 10 + [1] * 10
    assert fate_names(client) == ["UNFINISHED"] * 20


@pytest.mark.parametrize("check", [True, False])
def test_order_o_f_remaining_k_loses_unless_it_is_checked(check):
    # The flush gives up after 100 ms with ten remaining; killed at 150 ms.
    pipeline = replace(FLUSHED if check else UNCHECKED, flush_timeout_s=0.1)
    client = build(np.zeros(10), order="produce-flush-commit", pipeline=pipeline)
    client.broker_down(0, 0.0)
    client.advance(0.15)
    assert (client.remaining, client.committed) == (10, 0 if check else 10)
    client.sigkill(0.15)
    client.broker_up(0, 0.15)
    client.restart(1.0)
    client.advance(60.0)
    assert client.settled
    assert fate_names(client) == ["UNFINISHED" if check else "LOST_PRODUCER_BUFFER"] * 10
    assert client.appends().sum() == (10 if check else 0)


@pytest.mark.parametrize("order", ["produce-flush-commit", "transaction"])
def test_order_transaction_is_neither_or_both_wherever_it_is_killed(order):
    repeats = 0
    for at_ms in np.arange(0.1, 40.0, 0.7):
        client = build(
            np.zeros(20), np.arange(20) % 3, partitions=3, brokers=2, process_ms=0.1, order=order,
            pipeline=FLUSHED,
        )  # fmt: skip
        crash_and_restart(client, at_ms / 1e3)
        assert (client.fates() == Fate.UNFINISHED).all()
        appends = client.appends()
        assert (appends > 0).all()
        repeats += int((appends > 1).any())
    assert (repeats > 0) == (order == "produce-flush-commit")


def test_a_flush_for_each_record_costs_a_round_trip_each():
    # 0.1 ms of work, 4 ms round trip, 3 ms commit: 7.1 ms a record; a flush of every 100 spreads
    # the 7 ms over them; without, only the work counts, and once the linger and the round trip.
    n = 1_000

    def taken_s(order, flush_every):
        client = build(
            np.zeros(n), process_ms=0.1, latency_ms=4, order=order,
            pipeline=Pipeline(flush_every=flush_every, commit_s=0.003),
        )  # fmt: skip
        client.advance(60.0)
        assert rows_in_log(client) == list(range(n))
        return client.state.app.acked_s.max()

    assert taken_s("produce-flush-commit", 1) == pytest.approx(n * 7.1e-3 - 3e-3)
    assert taken_s("produce-flush-commit", 100) == pytest.approx(n * 0.17e-3 - 3e-3)
    assert n * 0.1e-3 + 4e-3 <= taken_s("produce", 1) <= n * 0.1e-3 + 9e-3
    ratio = taken_s("produce-flush-commit", 1) / taken_s("produce", 1)
    assert ratio == pytest.approx(71, rel=0.1)


def test_a_backlog_of_any_size_finds_room():
    # A broker is away for a minute; 200,000 records wait for it, and each one is a batch.
    n = 200_000
    client = build(
        np.arange(n) * 0.1, np.arange(n) % 5, partitions=5, brokers=3, config=LIBRDKAFKA,
        batch_size=0, queue_buffering_max_messages=n, request_timeout_ms=5_000, latency_ms=1,
    )  # fmt: skip
    client.broker_down(0, 0.0)
    client.advance(60.0)
    assert client.remaining == n * 2 // 5
    client.broker_up(0, 60.0)
    client.advance(120.0)
    assert client.remaining == 0
    assert (client.appends() == 1).all()
