"""The lab against queueing theory, in the limit where theory has closed forms.

``theory_reference.csv`` holds closed-form values (Erlang C, Pollaczek-Khinchine, ...), each
computed from its formula, none simulated; its unit of time is one mean service. The queue is an
ideal one: calls take no
time, one message a receive, long polls at one server, and nothing ever becomes visible again.
The log is read one record a poll. Every run starts empty and drops its first tenth.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from helpers.plain_kernel import arrays
from sim.engine.waits import TimePart, Unsplit
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.parts import LogWaits
from sim.log.topic import Topic
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.queue.sqs_standard_waits import StandardWaits

REPLICATIONS = 20
ROWS = list(csv.DictReader((Path(__file__).parent / "data" / "theory_reference.csv").open()))
IDEAL = StandardPolicy(
    batch=1,
    per_delete=1,
    per_batch_s=0.0,
    visibility_s=1e12,
    wait_s=1e9,
    max_receives=1_000,
    max_in_flight=1_000_000,
    retention_s=1e12,
    asked=1,
    delay_s=0.0,
)
ONE_BY_ONE = Reading(
    max_poll_records=1,
    chunk_records=1,
    min_records=1,
    max_wait_s=0.5,
    fetch_s=0.0,
    per_batch_s=0.0,
    auto_commit_s=1e3,
    commit_s=0.0,
)


def cases(*models):
    """The rows of some models as test parameters: servers, rho, quantity and its value."""
    return [
        pytest.param(
            int(row["servers"]),
            float(row["rho"]),
            row["quantity"],
            float(row["value_in_units_of_mean_service"]),
            id=f"{row['model']}, {row['servers']} servers, rho {row['rho']}: {row['quantity']}",
        )
        for row in ROWS
        if row["model"] in models
    ]


def assert_close(estimates, expected):
    """Mean of the replications within 1 % of theory, or theory within their 99 % interval.

    An interval wider than a tenth of the value would accept too much.
    """
    mean = np.mean(estimates)
    half_width = stats.t.ppf(0.995, len(estimates) - 1) * stats.sem(estimates)
    assert half_width < expected / 10, (mean, half_width, expected)
    assert abs(mean - expected) <= max(half_width, 0.01 * expected), (mean, half_width, expected)


def messages(rho):
    """More for the busier systems, which forget more slowly; a multiple of 10."""
    return 10 * round(2_500 + 1_200 / (1 - rho))


def work(rng, scv, n):
    """Service times of mean 1 and squared coefficient of variation ``scv``."""
    if scv == 0:
        return np.ones(n, np.float32)
    if scv == 1:
        return rng.exponential(1.0, n).astype(np.float32)
    return rng.gamma(1 / scv, scv, n).astype(np.float32)


def arrivals(rng, rho, servers, together=1):
    times = np.cumsum(rng.exponential(together / (rho * servers), messages(rho) // together))
    return np.repeat(times, together)


def queue_run(created_s, work_s, servers, grid_s=()):
    """Through senders, queue and workers; returns the workers."""
    latency_s = np.zeros(1)
    senders = Senders(created_s, threads=1, batch=1, latency_s=latency_s)
    workers = Workers(
        senders.feed,
        work_s,
        servers,
        IDEAL,
        servers=1,
        receive_latency_s=latency_s,
        delete_latency_s=latency_s,
        grid_s=np.asarray(grid_s, float),
    )
    senders.advance(created_s[-1])
    workers.advance(created_s[-1] * 10)
    return workers


def estimate(seed, servers, rho, quantity, scv=1, together=1):
    """One replication of a quantity, through the queue."""
    rng = np.random.default_rng([seed, servers, round(100 * rho), scv, together])
    created_s = arrivals(rng, rho, servers, together)
    work_s = work(rng, scv, created_s.size)
    steady = slice(created_s.size // 10, None)
    grid_s = np.arange(created_s[steady.start], created_s[-1], 0.5) if quantity == "Lq" else ()
    workers = queue_run(created_s, work_s, servers, grid_s)
    queue = arrays(workers.queue)
    sojourn_s = (queue.done_s - created_s)[steady]
    wait_s = sojourn_s - work_s[steady]
    if quantity == "Wq":
        return wait_s.mean()
    if quantity == "P_wait(ErlangC)":
        return (wait_s > 1e-6).mean()
    if quantity == "sojourn_p99":
        return np.quantile(sojourn_s, 0.99)
    assert quantity == "Lq"
    sent = np.searchsorted(created_s, grid_s, side="right")
    return (sent - queue.grid_removed - queue.grid_in_flight).mean()


def replications(*args, **kwargs):
    return [estimate(seed, *args, **kwargs) for seed in range(REPLICATIONS)]


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("M/M/1", "M/M/c"))
def test_queue_is_m_m_c(servers, rho, quantity, value):
    assert_close(replications(servers, rho, quantity), value)


SCV = {"M/M/1": 1, "M/D/1": 0, "M/G/1 scv=4 (PK)": 4, "M/G/1 scv=10 (PK)": 10}


@pytest.mark.parametrize(("model", "scv"), SCV.items())
def test_where_calls_take_no_time_a_message_waits_for_a_worker_and_for_nothing_else(model, scv):
    for row in ROWS:
        if row["model"] != model or row["quantity"] != "Wq":
            continue
        estimates = []
        for seed in range(REPLICATIONS):
            rng = np.random.default_rng([seed, round(100 * float(row["rho"])), scv])
            created_s = arrivals(rng, float(row["rho"]), 1)
            work_s = work(rng, scv, created_s.size)
            workers = queue_run(created_s, work_s, 1)
            workers.settle()
            parts_s = StandardWaits(workers, Unsplit(created_s), 0.0).parts_s(0, created_s.size)
            some = {part for part in TimePart if parts_s[part].any()}
            assert some == {TimePart.CAPACITY, TimePart.WORK}
            np.testing.assert_allclose(parts_s[TimePart.WORK], work_s, rtol=0, atol=1e-9)
            estimates.append(parts_s[TimePart.CAPACITY][created_s.size // 10 :].mean())
        assert_close(estimates, float(row["value_in_units_of_mean_service"]))


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("M/D/1"))
def test_queue_is_m_d_1(servers, rho, quantity, value):
    assert_close(replications(servers, rho, quantity, scv=0), value)


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("M/G/1 scv=4 (PK)"))
def test_queue_is_m_g_1(servers, rho, quantity, value):
    assert_close(replications(servers, rho, quantity, scv=4), value)


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("M/G/1 scv=10 (PK)"))
def test_queue_is_m_g_1_with_a_heavier_tail(servers, rho, quantity, value):
    assert_close(replications(servers, rho, quantity, scv=10), value)


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("M^[5]/M/1 fixed batch"))
def test_queue_is_batch_m_m_1(servers, rho, quantity, value):
    assert_close(replications(servers, rho, quantity, together=5), value)


@pytest.mark.parametrize(("servers", "rho", "quantity", "value"), cases("fork-join n=2 M/M/1"))
def test_SS_12_two_queues_on_one_feed_are_a_fork(servers, rho, quantity, value):
    estimates = []
    for seed in range(REPLICATIONS):
        rng = np.random.default_rng([seed, round(100 * rho)])
        created_s = arrivals(rng, rho, 1)
        ends = [
            np.asarray(queue_run(created_s, work(rng, 1, created_s.size), 1).queue.done_s)
            for _ in range(servers)
        ]
        estimates.append((np.maximum(*ends) - created_s)[created_s.size // 10 :].mean())
    assert_close(estimates, value)


@pytest.mark.parametrize(
    ("servers", "rho", "quantity", "value"),
    cases("4 x M/M/1 (keyed random split)", "12 x M/M/1 (keyed random split)"),
)
def test_each_partition_of_a_log_is_m_m_1(servers, rho, quantity, value):
    """And the wait in one of them is behind others where another's server is idle, else not.

    Queues are independent, so the others are all busy for rho**(servers - 1) of any wait.
    """
    assert quantity == "Wq"
    estimates = []
    for seed in range(REPLICATIONS):
        rng = np.random.default_rng([seed, servers, round(100 * rho)])
        created_s = arrivals(rng, rho, servers)
        topic = Topic(
            created_s,
            rng.integers(0, servers, created_s.size).astype(np.int32),
            servers,
            np.full(1, 300, np.int32),
            linger_s=0.0,
            batch_bytes=16_384,
            latency_s=np.zeros(1),
        )
        work_s = work(rng, 1, created_s.size)
        group = Group(topic, work_s, servers, ONE_BY_ONE, np.zeros(0))
        group.assign([[m] for m in range(servers)], 0.0)
        topic.advance(created_s[-1])
        group.advance(created_s[-1] * 10)
        done_s = topic.to_messages(group.done_s, np.inf)
        kept = slice(created_s.size // 10, None)
        parts_s = LogWaits(group, topic).parts_s(0, created_s.size)[:, kept].mean(axis=1)
        waited_s = (done_s - created_s - work_s)[kept].mean()
        estimates.append((waited_s, parts_s[TimePart.CAPACITY], parts_s[TimePart.HEAD_OF_LINE]))
        assert parts_s.sum() == pytest.approx((done_s - created_s)[kept].mean())
    all_busy = rho ** (servers - 1)
    expected = value, value * all_busy, value * (1 - all_busy)
    if all_busy < 0.1:  # too rare to be measured
        estimates, expected = [(waited_s,) for waited_s, *_ in estimates], (value,)
    for estimated, theory in zip(zip(*estimates, strict=True), expected, strict=True):
        assert_close(estimated, theory)
