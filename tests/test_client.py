"""The producer client: against a plain model, then rule by rule with hand numbers."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_client import PlainClient
from plain_client import Settings as PlainSettings

from sim.environment import Environment
from sim.kernels import client as k
from sim.log.client import JAVA, LIBRDKAFKA, Client, Pipeline

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
    return k.Settings(
        mode=mode,
        transaction_timeout_s=1e6,
        notice_s=notice_s,
        **{f: getattr(s, f) for f in k.Settings._fields if hasattr(s, f) and f != "notice_s"},
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
    print(seen)
