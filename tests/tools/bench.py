"""Benchmarks (`make bench`): how fast the kernels and whole runs are on this machine.

Prints the least, the median and the greatest of several repeats: of whole commands, of kernels, and
of the lab beside other simulators (`bench_rivals.py`, extra `bench`). Never run as a test.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from sim.lab import run
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kafka_assignors import assign_range
from sim.log.topic import Topic
from sim.log.topic_kernel import gather
from sim.measure import waits_kernel
from sim.measure.waits import Spent
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.scenario.load import load

REPEATS = 5
GRID_S = np.arange(600) * 6.0
NONE_S = np.zeros(1)


def rates(messages: int, prepare: Callable[[], Callable[[], None]]) -> list[float]:
    """Million messages per second of each repeat; what ``prepare`` does is not timed."""
    prepare()()  # compiles
    out = []
    for _ in range(REPEATS):
        go = prepare()
        began = time.perf_counter()
        go()
        out.append(messages / (time.perf_counter() - began) / 1e6)
    return out


def report(what: str, values: list[float], unit: str) -> None:
    low, mid, high = min(values), statistics.median(values), max(values)
    print(f"{what:64} min {low:8.2f}  median {mid:8.2f}  max {high:8.2f}  {unit}", flush=True)


def queue_kernel(n: int, workers: int, batch: int) -> Callable[[], Callable[[], None]]:
    """A backlog of ``n`` messages and workers that receive ``batch`` at a time."""
    rng = np.random.default_rng(1)
    service = rng.exponential(0.001, n).astype(np.float32)
    latency = rng.lognormal(np.log(0.012), 0.8, 1 << 16)

    def prepare() -> Callable[[], None]:
        feed = Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.full(1, n, np.int64))
        policy = StandardPolicy(batch, batch, 0.0, 30.0, 0.0, 1 << 60, 120_000, 4e5, 4, 0.0)
        stage = Workers(
            feed, service, workers, policy,
            servers=8, receive_latency_s=latency, delete_latency_s=latency, grid_s=GRID_S,
        )  # fmt: skip
        return lambda: stage.advance(1e9)

    return prepare


def general_kernel(n: int, knobs: dict[str, Any], lanes: int = 1, slots: int = 1):  # type: ignore[no-untyped-def]
    """The same backlog through the general queue, with 64 consumers."""
    rng = np.random.default_rng(1)
    service = rng.exponential(0.001, n).astype(np.float32)
    latency = rng.lognormal(np.log(0.012), 0.8, 1 << 16)
    lane = rng.integers(0, lanes, n).astype(np.int32)

    def prepare() -> Callable[[], None]:
        feed = Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.full(1, n, np.int64))
        stage = Broker(
            feed, service, 64, broker_policy(**knobs),
            receive_latency_s=latency, ack_latency_s=latency, grid_s=GRID_S,
            slots=slots, columns=Columns(lane=lane, lanes=lanes),
        )  # fmt: skip
        return lambda: stage.advance(1e9)

    return prepare


def topic(n: int, partitions: int, over_s: float) -> Topic:
    """A topic filled evenly over ``over_s`` seconds."""
    rng = np.random.default_rng(2)
    return Topic(
        np.sort(rng.uniform(0, over_s, n)),
        rng.integers(0, partitions, n, dtype=np.int32),
        partitions,
        np.array([300], np.int32),
        linger_s=0.005,
        batch_bytes=16_384,
        latency_s=rng.lognormal(np.log(0.003), 0.9, 1 << 16),
    )


def log_kernel_rates(
    n: int, partitions: int, members: int, pieces: int, over_s: float
) -> list[float]:
    """A group that polls 500 records at a time and needs an hour, advanced in ``pieces``."""
    rng = np.random.default_rng(3)
    full = topic(n, partitions, over_s)
    full.advance(np.inf)
    service = rng.exponential(0.7 * 3_600 * members / n, n).astype(np.float32)
    reading = Reading(500, 3_495, 1, 0.5, 0.001, 0.0, 5.0, 0.003)

    def prepare() -> Callable[[], None]:
        group = Group(full, service, members, reading, GRID_S)
        group.assign(assign_range(partitions, [[]] * members), 0.0)
        gather(full.rows, group.gathered, service, group.state.records.service_s)

        def go() -> None:
            for at_s in np.linspace(0, 8_000, pieces):
                group.advance(at_s)

        return go

    return rates(n, prepare)


def plain_simpy(n: int) -> list[float]:
    """A SimPy store with 64 workers, an event a message: what the kernels replace."""

    def prepare() -> Callable[[], None]:
        env = simpy.Environment()
        store = simpy.Store(env)
        store.items = list(range(n))

        def worker():  # type: ignore[no-untyped-def]
            while True:
                yield store.get()
                yield env.timeout(0.001)

        for _ in range(64):
            env.process(worker())
        return lambda: env.run(n / 64 * 0.001 * 1.01)

    return rates(n, prepare)


def command(
    what: str, arguments: Sequence[str], repeats: int = 5, stored: bool = True
) -> list[float]:
    """Seconds of wall clock and of CPU, and memory, of a command in a process of its own.

    Returns the seconds of CPU of each repeat.

    Args:
        what: it does, for people.
        arguments: after ``sim``.
        repeats: how often it is run.
        stored: whether it writes results: into a folder of its own, then.
    """
    walls_s, cpus_s, peaks = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            out = ["--out", folder] if stored else []
            began = time.perf_counter()
            pid = os.fork()
            if pid == 0:
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, 1)
                os.execv(Path(sys.executable).parent / "sim", ["sim", *arguments, *out])
            _, status, usage = os.wait4(pid, 0)
            assert status == 0
            walls_s.append(time.perf_counter() - began)
            cpus_s.append(usage.ru_utime + usage.ru_stime)
            peaks.append(usage.ru_maxrss / 2**20)
    report(what, walls_s, f"s, peak memory {max(peaks):.2f} GiB")
    report(f"{what}: CPU", cpus_s, "s")
    return cpus_s


def commands() -> None:
    """What a user waits for: commands that run nothing, and the tournament with all its systems."""
    command("sim --help", ["--help"], stored=False)
    command("sim list", ["list"], stored=False)
    tournament = ["run", "tournament_sqs_tuned"]
    command("sim run tournament_sqs_tuned, 1.2 M messages, charts", tournament)
    command("the same, no charts", [*tournament, "--no-charts"])
    demo = ["run", "tournament_spike"]
    drawn = command("sim run tournament_spike, the demo", demo)
    plain = command("the same, no charts", [*demo, "--no-charts"])
    report("its charts and their part of the report: CPU", [
        a - b for a, b in zip(sorted(drawn), sorted(plain), strict=True)], "s")  # fmt: skip
    command(
        "sim run tournament_sqs_tuned, 30 M messages, no charts",
        [*tournament, "--no-charts", "--set", f"scale={30 / 1.224}"],
        repeats=3,
    )


def sliders() -> None:
    """What a notebook draws when a slider is moved, without the run: seconds of CPU."""
    result = run(load("tournament_spike", ["scale=0.25"]))
    for chart in ("lag", "time_lag", "latency", "order", "overview"):
        took = []
        for _ in range(REPEATS + 1):
            began = time.process_time()
            getattr(result.plot, chart)()._repr_png_()
            took.append(time.process_time() - began)
        report(f"a notebook's picture, {chart}, the first not counted: CPU", took[1:], "s")


def whole_run(millions: float) -> None:
    """SQS fan-out and Kafka of the tournament, charts included."""
    scale = f"scale={millions / 1.224}"
    command(
        f"sim run, {millions:g} M messages, SQS fan-out and Kafka, 3 groups each",
        ["run", "tournament_sqs_tuned", "--set", "systems.sqs_single=null", "--set", scale],
        repeats=3 if millions < 50 else 1,
    )


def with_faults(millions: float, faults: int) -> list[float]:
    """How many times as long a run takes with faults as without, SQS fan-out and Kafka.

    They are of five kinds, at random times, each on one consumer of each system.
    """
    base = load(
        "tournament_sqs_tuned",
        ["systems.sqs_single=null", f"scale={millions / 1.224}"],
    )
    each = {"rate": faults / 5 / base.duration, "target": "*.*.*"}
    kinds = [
        {"fault": "crash", "restart_after": 20.0},
        {"fault": "terminate", "restart_after": 5.0},
        {"fault": "pause", "for": 2.0},
        {"fault": "slow", "factor": 3.0, "for": 30.0},
        {"fault": "partition", "for": 5.0},
    ]
    broken = base.with_({"faults": [{**each, **kind} for kind in kinds]})
    out = []
    for _ in range(3):
        took = []
        for scenario in (base, broken):
            began = time.perf_counter()
            run(scenario)
            took.append(time.perf_counter() - began)
        out.append(took[1] / took[0])
    return out


def waits(millions: float) -> None:
    """What it takes to say where the time of messages went, in percent of a run's CPU.

    It is timed within the run: splitting times into parts, and adding these up. What stages note of
    each message for that is in the run itself.
    """
    scenario = load("tournament_sqs_tuned", [f"scale={millions / 1.224}"])
    original, add = Spent.add, waits_kernel.add
    took_s = {"in all": 0.0, "adding up": 0.0}
    lock = threading.Lock()

    def timed(what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def go(*args: Any) -> Any:
            began = time.thread_time()
            out = call(*args)
            with lock:
                took_s[what] += time.thread_time() - began
            return out

        return go

    Spent.add = timed("in all", original)  # type: ignore[method-assign]
    waits_kernel.add = timed("adding up", add)
    shares: list[dict[str, float]] = []
    try:
        for _ in range(REPEATS):
            took_s.update(dict.fromkeys(took_s, 0.0))
            began = time.process_time()
            run(scenario)
            cpu_s = time.process_time() - began
            shares.append({what: 100 * s / cpu_s for what, s in took_s.items()})
    finally:
        Spent.add = original  # type: ignore[method-assign]
        waits_kernel.add = add
    for what in took_s:
        report(f"where the time went, {millions:g} M messages, {what}",
               [each[what] for each in shares], "% of a run's CPU")  # fmt: skip


def main() -> int:
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    # First, since Linux counts what the parent holds at the fork as memory of the child.
    commands()
    sliders()
    for millions in map(float, sys.argv[1:] or ("1", "10", "100")):
        whole_run(millions)
    for millions in (1.224, 10.0):
        waits(millions)
    queue_n = 20_000_000
    for workers, batch in ((64, 10), (64, 1), (640, 10)):
        values = rates(queue_n, queue_kernel(queue_n, workers, batch))
        report(f"queue kernel, {workers} workers, batch {batch}, backlogged", values, "M msg/s")
    broker_n = 2_000_000
    pull = {"batch": 10, "ack_every": 10, "wait_s": 20.0, "lock_s": 30.0}
    fair = {"pick": codes.FAIR, "noisy_share": 0.1, "noisy_least": 30}
    for what, knobs, lanes, slots in (
        ("prefetch 10", {"push": 1, "prefetch": 10, "closes": 1}, 1, 1),
        ("prefetch 20, 4 slots", {"push": 1, "prefetch": 20, "closes": 1}, 1, 4),
        ("pull 10, 1,000 message groups", {**pull, "pick": codes.GROUPS}, 1_000, 1),
        ("pull 10, fair among 1,000 tenants", {**pull, **fair}, 1_000, 1),
    ):
        values = rates(broker_n, general_kernel(broker_n, knobs, lanes, slots))
        report(f"general queue, 64 consumers, {what}", values, "M msg/s")
    log_n = 30_000_000
    for pace, over_s in (("backlogged", 1.0), ("70 % busy", 3_600.0)):
        for pieces in (200, 1_000):
            values = log_kernel_rates(log_n, 48, 12, pieces, over_s)
            what = f"log kernel, 48 partitions, 12 members, {pace}, {pieces} pieces"
            report(what, values, "M msg/s")
    what = "10 M messages with 1,000 faults in each system, against none"
    report(what, with_faults(10.0, 1_000), "times as long")
    report("plain SimPy store, 64 workers", plain_simpy(200_000), "M msg/s")
    rivals = Path(__file__).with_name("bench_rivals.py")
    return subprocess.run([sys.executable, str(rivals)]).returncode


if __name__ == "__main__":
    sys.exit(main())
