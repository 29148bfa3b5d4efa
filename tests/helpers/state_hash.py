"""Hashes of every state array after a run with faults; as a script, prints those of a mechanism.

A file of its own so that a test can run it in a process where nothing is compiled.
"""

import sys
from hashlib import sha256

import numpy as np

from helpers.operated import Operated
from helpers.plain_kernel import columns
from sim.engine.environment import Environment
from sim.injection.poison import Poison
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kafka_assignors import ASSIGNORS
from sim.log.kafka_coordinator import Terms
from sim.log.kafka_rebalance_classic import Cooperative, Eager
from sim.log.kafka_rebalance_kip848 import Reconciling
from sim.log.topic import Topic
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.scenario.products.base import OnFailure

N = 1_500
UNTIL_S = 60.0
SCRATCH = {
    "GroupState.visited", "GroupOffsets.scan",
    "heap_s", "heap_w", "oldest_fresh", "oldest_server", "rounds_after",
    "in_rounds",
}  # fmt: skip
"""How a kernel finds what is next; what it finds does not depend on it."""


def _timed(env, at_s, verb, *args):
    yield env.timeout(at_s)
    verb(*args)


def _cut(env, cuts):
    for at_s in np.linspace(0.0, UNTIL_S, cuts):
        env.process(_timed(env, at_s, lambda: None))


def queue(cuts):
    """A queue with random latencies, short visibility, redrive, an in-flight cap and faults."""
    rng = np.random.default_rng(7)
    latency_s = rng.lognormal(-4.0, 0.8, 64)
    return _queue(cuts, rng, latency_s)


def queue_of_rounds(cuts):
    """One message at a time and receives that take equally long: workers go rounds."""
    rng = np.random.default_rng(7)
    return _queue(cuts, rng, np.array([0.013]), batch=1, max_in_flight=1_000, visibility_s=0.9)


def _queue(cuts, rng, latency_s, **changes):
    senders = Senders(
        np.cumsum(rng.exponential(30.0 / N, N)), threads=3, batch=10, latency_s=latency_s
    )
    terms = dict(
        batch=10,
        per_delete=1,
        per_batch_s=0.01,
        visibility_s=1.2,
        wait_s=0.7,
        max_receives=3,
        max_in_flight=40,
        retention_s=9.0,
        asked=2,
        delay_s=0.1,
    )
    policy = StandardPolicy(**(terms | changes))
    workers = Workers(
        senders.feed,
        rng.exponential(0.11, N).astype(np.float32),
        7,
        policy,
        servers=4,
        receive_latency_s=latency_s[::-1].copy(),
        delete_latency_s=latency_s,
        grid_s=np.linspace(0.0, UNTIL_S, 50),
    )
    env = Environment([senders, workers])
    for w, at_s in enumerate(rng.uniform(1.0, 25.0, 7)):
        for delay_s, verb, *args in (
            (0.0, workers.pause, 0.8),
            (0.3, workers.slow, 1.7),
            (2.0, workers.crash),
            (4.0, workers.restart),
        ):
            act_s = at_s + delay_s
            env.process(_timed(env, act_s, verb, w, *args))
    _cut(env, cuts)
    env.run(UNTIL_S)
    workers.settle()
    assert max(workers.queue.effects) > 1
    return {**columns(senders.state), **columns(senders.feed),
            **columns(workers.queue), **columns(workers.workers)}  # fmt: skip


def _log(cuts, kind, assignor, verbs, static=False, bad=(), **reading):
    """A topic with random latencies and a group to whose members ``verbs`` happen."""
    rng = np.random.default_rng(8)
    topic = Topic(
        np.cumsum(rng.exponential(30.0 / N, N)),
        rng.integers(0, 7, N).astype(np.int32),
        7,
        rng.integers(50, 900, N).astype(np.int32),
        linger_s=0.05,
        batch_bytes=2_000,
        latency_s=rng.lognormal(-5.0, 1.0, 64),
    )
    group = Group(
        topic,
        rng.exponential(0.05, N).astype(np.float32),
        5,
        Reading(chunk_records=20, max_wait_s=0.5, fetch_s=0.001, per_batch_s=0.01, **reading),
        np.linspace(0.0, UNTIL_S, 50),
        poison=Poison(
            np.array(bad, np.int64),
            np.array(bad, np.int64) % 2 == 0,
            np.full(len(bad), 2, np.int32),
            np.full(len(bad), 1.3),
        ),
    )
    env = Environment([topic, group])
    terms = Terms(
        ASSIGNORS[assignor], session_s=2.0, rebalance_s=0.4, heartbeat_s=0.7, static=static,
        max_poll_s=reading.get("max_poll_s", np.inf), initial_delay_s=0.3, round_trip_s=0.01,
        on_failure=OnFailure(attempts=3, backoff=0.2),
    )  # fmt: skip
    operated = Operated(env, kind(env, group, terms, lambda text: None))
    for m, at_s in enumerate(rng.uniform(1.0, 25.0, 5)):
        for delay_s, verb, *args in verbs:
            act = getattr(operated, verb)
            env.process(_timed(env, at_s + delay_s, act, m, *args))
    _cut(env, cuts)
    env.run(UNTIL_S)
    group.finish(UNTIL_S)
    assert group.effects.max() > 1
    state = group.state
    parts = (state, state.members, state.offsets, state.records, state.samples, state.jumps)
    return {
        f"{type(part).__name__}.{name}": column
        for part in (topic.rows, topic.producer, *parts, state.poison)
        for name, column in columns(part).items()
    }


def log(cuts):
    """Eager rebalances, and Java's automatic commits."""
    verbs = [(0.0, "pause", 0.8), (0.3, "slow", 1.7), (2.0, "crash"), (5.0, "restart")]
    return _log(
        cuts, Eager, "range", verbs,
        max_poll_records=9, min_records=3, auto_commit_s=0.9, commit_s=0.0,
    )  # fmt: skip


def log_calm(cuts):
    """Polls one after the other, and a program that waits for its commits."""
    verbs = [(0.0, "pause", 0.8), (0.3, "slow", 1.7), (2.0, "crash"), (5.0, "restart")]
    return _log(
        cuts, Eager, "range", verbs,
        max_poll_records=12, min_records=1, auto_commit_s=-1.0, commit_s=0.004,
    )  # fmt: skip


def log_singly(cuts):
    """Polls of one record each, and commits by a timer."""
    verbs = [(0.0, "pause", 0.8), (0.3, "slow", 1.7), (2.0, "crash"), (5.0, "restart")]
    return _log(
        cuts, Reconciling, "uniform", verbs,
        max_poll_records=1, min_records=1, auto_commit_s=0.4, commit_s=0.0, background=1,
    )  # fmt: skip


def log_program(cuts):
    """Cooperative rebalances, a program that commits each record, poison, late polls, zombies."""
    verbs = [
        (0.0, "cut_off"), (0.5, "slow", 1.7), (3.0, "reconnect"), (6.0, "pause", 2.9),
        (10.0, "terminate", 0.3), (12.0, "restart"),
    ]  # fmt: skip
    return _log(
        cuts, Cooperative, "cooperative-sticky", verbs, bad=[100, 333, 500, 900, 1_201],
        max_poll_records=12, min_records=1, auto_commit_s=-1.0, commit_s=0.004,
        per_record=1, max_poll_s=0.8,
    )  # fmt: skip


def log_timer(cuts):
    """The consumer protocol with static members, and librdkafka's commits by a timer."""
    verbs = [
        (0.0, "pause", 2.5), (0.5, "cut_off"), (4.0, "reconnect"), (6.0, "crash"),
        (7.0, "restart"), (11.0, "terminate", 5.0), (12.0, "restart"),
    ]  # fmt: skip
    return _log(
        cuts, Reconciling, "uniform", verbs, static=True, bad=[77, 640],
        max_poll_records=1, min_records=1, auto_commit_s=0.4, commit_s=0.0,
        background=1, handed=1,
    )  # fmt: skip


def _broker(cuts, policy, **options):
    rng = np.random.default_rng(9)
    latency_s = rng.lognormal(-4.0, 0.8, 64)
    senders = Senders(
        np.cumsum(rng.exponential(30.0 / N, N)), threads=3, batch=10, latency_s=latency_s
    )
    bad = np.sort(rng.choice(N, 20, replace=False))
    broker = Broker(
        senders.feed,
        rng.exponential(0.11, N).astype(np.float32),
        7,
        policy,
        receive_latency_s=latency_s[::-1].copy(),
        ack_latency_s=latency_s,
        grid_s=np.linspace(0.0, UNTIL_S, 50),
        columns=Columns(lane=rng.integers(0, 9, N).astype(np.int32), lanes=9),
        poison=poisonous_messages(bad, bad % 2, np.full(20, 3), np.full(20, 0.7)),
        jitter=rng.random(64),
        **options,
    )
    env = Environment([senders, broker])
    for c, at_s in enumerate(rng.uniform(1.0, 25.0, 7)):
        for delay_s, verb, *args in (
            (0.0, broker.pause, 0.8),
            (0.3, broker.slow, 1.7),
            (1.0, broker.cut_off),
            (1.9, broker.reconnect),
            (2.0, broker.crash),
            (4.0, broker.restart),
            (7.0, broker.terminate),
            (9.0, broker.restart),
        ):
            env.process(_timed(env, at_s + delay_s, verb, c, *args))
    _cut(env, cuts)
    env.run(UNTIL_S)
    assert broker.queue.receives.max() > 1
    state = broker.state
    return {
        f"{type(part).__name__}.{name}": column
        for part in (
            state, state.messages, state.lanes, state.deliveries, state.consumers, state.events,
            state.poison, state.receives, state.acks, state.samples,
        )
        for name, column in columns(part).items()
    }  # fmt: skip


def pushing(cuts):
    """A broker that pushes tasks acknowledged early, with priorities, retries and a full queue."""
    policy = broker_policy(
        push=1, prefetch=6, ack=codes.ON_START, closes=1, reopen_s=0.3, place=codes.ORIGINAL,
        pick=codes.PRIORITY, on_failure=codes.RETRY, retry_s=2.0, retry_growth=2.0, retry_whole=1,
        max_returns=3, max_length=300, overflow=codes.REJECT, republish_s=0.4,
    )  # fmt: skip
    return _broker(cuts, policy, slots=2)


def pulling(cuts):
    """Consumers that pull from message groups, under quotas, locks, redrive and retention."""
    policy = broker_policy(
        batch=10, wait_s=0.7, ack_every=4, per_batch_s=0.01, lock_s=1.2, place=codes.ORIGINAL,
        pick=codes.GROUPS, look_ahead=200, max_receives=3, dead_letters=1, stop_batch=1,
        calls_per_s=60.0, max_in_flight=40, retention_s=9.0, delay_s=0.1,
    )  # fmt: skip
    return _broker(cuts, policy)


def fairly(cuts):
    """Consumers that pull from tenants, some of them noisy; late acks, and of any copy, count."""
    policy = broker_policy(
        batch=3, wait_s=0.7, ack_every=2, lock_s=0.6, late_ack=1, any_copy=1, place=codes.BACK,
        pick=codes.FAIR, noisy_share=0.2, noisy_least=3, recent_s=1.7, max_receives=6,
        dead_letters=1,
    )  # fmt: skip
    return _broker(cuts, policy)


def sharing(cuts):
    """Members of a share group, that is a window on each partition, with acks of whole polls."""
    policy = broker_policy(
        batch=5, wait_s=0.4, ack_every=5, ack_waits=0, lock_s=0.9, sweep_s=0.25, closes=1,
        place=codes.ORIGINAL, pick=codes.SPANS, span=12, max_returns=4, on_failure=codes.REQUEUE,
        counted=codes.BY_CLOSE | codes.BY_LOCK | codes.BY_FAILURE,
    )  # fmt: skip
    return _broker(cuts, policy)


MECHANISMS = {
    each.__name__: each
    for each in (
        queue,
        queue_of_rounds,
        log,
        log_calm,
        log_singly,
        log_program,
        log_timer,
        pushing,
        pulling,
        fairly,
        sharing,
    )
}


def hashes(mechanism, cuts):
    """Name of each state array to its hash, after a run cut into ``cuts`` more pieces."""
    arrays = MECHANISMS[mechanism](cuts)
    return {
        name: sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in arrays.items()
        if name not in SCRATCH
    }


if __name__ == "__main__":
    for name, digest in hashes(sys.argv[1], 0).items():
        print(name, digest)
