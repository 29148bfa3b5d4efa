"""The lab's queue beside other simulators and bare loops, on the same two queues (`make bench`).

    python tests/tools/bench_rivals.py                      # two minutes
    python tests/tools/bench_rivals.py --only lab simpy     # some of them

M/M/1 with rho 0.8 and M/M/64 with rho 0.9, first come first served: customers a second of CPU,
random draws included. Each rival is in a process of its own, draws as is its way, and serves so
many customers as take it a second of CPU or more, five times over. So that nobody counts a wrong
simulation, each first serves a thousand given customers as a plain loop does, and its mean wait of
those that it drew is compared with theory; one that is off is marked, and the exit code is 1. A
rival that is not installed is named and left out.

The optional extra `bench` has the rivals.
"""

import argparse
import ctypes
import heapq
import importlib.util
import itertools
import json
import math
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # imported where it is used: an import is part of what a rival costs
    from sim.foundation.arrays import F64

REPEATS = 5
SIGNIFICANT = 4.0
"""Chance goes so many standard errors far once in sixteen thousand times."""
CLOSE = 0.01
"""A mean wait so near theory is right: runs begin empty."""
GIVEN = 1_000
"""Customers that every rival is given alike."""
MOST = 4_000_000
"""So many customers a run at most: columns of them are kept."""
FEWEST = 20_000
"""So many customers a run at least: runs begin empty, and a short one hardly waits."""
FIRST = 100
"""Customers of the first run, whose CPU is counted as the start."""
INSTALL = "pip install -e .[bench]"

Waited: TypeAlias = "Callable[[], float]"
"""Tells the mean wait of the customers served; what it costs to know is not timed."""


@dataclass(frozen=True)
class Job:
    """A queue: Poisson arrivals, exponential work of mean 1 s, ``servers`` at load ``rho``."""

    servers: int
    rho: float

    @property
    def name(self) -> str:
        return f"M/M/{self.servers}, rho {self.rho:g}"

    @property
    def rate(self) -> float:
        """Arrivals a second."""
        return self.servers * self.rho

    def mean_wait_s(self) -> float:
        """By Erlang C; for one server that is what Pollaczek and Khinchine have."""
        blocked = 1.0  # Erlang B, by its recursion
        for n in range(1, self.servers + 1):
            blocked = self.rate * blocked / (n + self.rate * blocked)
        return blocked / (1 - self.rho * (1 - blocked)) / (self.servers - self.rate)

    def error(self, customers: int) -> float:
        """Standard error of the mean wait of so many customers, as a share of it.

        That of the time average of the number in line, which a birth and death process has in
        closed form (Burman 1981): close enough, since a mean wait is that by Little's law.
        """
        weights = [1.0]
        while len(weights) <= self.servers or weights[-1] > 1e-15 * weights[self.servers]:
            weights.append(weights[-1] * self.rate / min(len(weights), self.servers))
        in_line = [max(n - self.servers, 0) for n in range(len(weights))]
        total = sum(weights)
        mean = sum(n * w for n, w in zip(in_line, weights, strict=True)) / total
        below = variance = 0.0
        for n, w in zip(in_line, weights, strict=True):
            below += (n - mean) * w / total
            variance += 2 * below**2 / (w / total)
        return math.sqrt(variance / customers) / mean


JOBS = (Job(1, 0.8), Job(64, 0.9))


class Rival(ABC):
    """A way to simulate a queue."""

    name: str
    module: str
    """Without it the rival is left out."""

    def lacks(self) -> str:
        """What it needs and is not here; nothing, if it can run."""
        there = importlib.util.find_spec(self.module)
        return "" if there else f"{self.module} is not installed: {INSTALL}"

    def can(self, job: Job) -> bool:
        """Whether it knows such a queue."""
        return True

    @abstractmethod
    def drawn(self, job: Job, customers: int, seed: int) -> tuple[Any, Any]:
        """Gaps between arrivals and work, as the rival draws them."""

    @abstractmethod
    def given(self, gaps_s: Sequence[float], work_s: Sequence[float]) -> tuple[Any, Any]:
        """The same, but these very numbers."""

    @abstractmethod
    def serve(self, gaps: Any, work: Any, servers: int, customers: int) -> Waited:
        """Simulate, from an empty queue until the customers are served."""


class _Arrays(Rival):
    """Is handed all gaps and all work at once."""

    module = "numpy"

    def drawn(self, job: Job, customers: int, seed: int) -> tuple[Any, Any]:
        import numpy as np

        rng = np.random.default_rng(seed)
        return rng.exponential(1 / job.rate, customers), rng.standard_exponential(customers)

    def given(self, gaps_s: Sequence[float], work_s: Sequence[float]) -> tuple[Any, Any]:
        import numpy as np

        return np.array(gaps_s), np.array(work_s)


class _Calls(Rival):
    """Calls for the next gap and the next work when it needs it."""

    def drawn(self, job: Job, customers: int, seed: int) -> tuple[Any, Any]:
        rng = random.Random(seed)
        return partial(rng.expovariate, job.rate), partial(rng.expovariate, 1.0)

    def given(self, gaps_s: Sequence[float], work_s: Sequence[float]) -> tuple[Any, Any]:
        return iter(gaps_s).__next__, iter(work_s).__next__


@cache
def _departure_loop() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "departures.so"
        source = Path(__file__).with_name("departures.c")
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
        subprocess.run(command, check=True)
        loop = ctypes.CDLL(str(library)).departures
    loop.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 5
    loop.restype = None
    return loop


class Departures(_Arrays):
    """The loop of `departures.c`, compiled here."""

    name = "departure loop in C"

    def lacks(self) -> str:
        return "" if shutil.which("cc") else "there is no C compiler `cc`"

    def serve(self, gaps: "F64", work: "F64", servers: int, customers: int) -> Waited:
        import numpy as np

        arrival_s = np.cumsum(gaps)
        departure_s = np.empty(customers)
        server = np.empty(customers, np.int32)
        columns = (arrival_s, work, np.zeros(servers), departure_s, server)
        _departure_loop()(customers, servers, *(column.ctypes.data for column in columns))
        return lambda: float((departure_s - arrival_s - work).mean())


class Lindley(_Arrays):
    """Lindley's recursion as a running minimum; there is none for several servers."""

    name = "Lindley in NumPy"

    def can(self, job: Job) -> bool:
        return job.servers == 1

    def serve(self, gaps: "F64", work: "F64", servers: int, customers: int) -> Waited:
        import numpy as np

        ahead_s = np.cumsum(work) - work  # what those before bring, less the time they had
        ahead_s -= np.cumsum(gaps)
        wait_s = ahead_s - np.minimum.accumulate(ahead_s)
        return lambda: float(wait_s.mean())


class Lab(_Arrays):
    """The kernel of SQS standard with all that it can do: calls take no time, one a receive."""

    name = "the lab's queue kernel"

    def serve(self, gaps: "F64", work: "F64", servers: int, customers: int) -> Waited:
        import numpy as np

        from sim.queue.feed_kernel import Feed
        from sim.queue.sqs_standard import Workers
        from sim.queue.sqs_standard_state_kernel import StandardPolicy

        created_s = np.cumsum(gaps)
        work_s = work.astype(np.float32)
        feed = Feed(
            np.arange(customers, dtype=np.int32), created_s, np.full(1, customers, np.int64)
        )
        ideal = StandardPolicy(
            batch=1, per_delete=1, per_batch_s=0.0, visibility_s=1e12, wait_s=1e12,
            max_receives=1_000, max_in_flight=1_000_000, retention_s=1e12, asked=1, delay_s=0.0,
        )  # fmt: skip
        stage = Workers(
            feed, work_s, servers, ideal,
            servers=1, receive_latency_s=np.zeros(1), delete_latency_s=np.zeros(1),
            grid_s=np.zeros(0),
        )  # fmt: skip
        stage.advance(1e11)
        return lambda: float((np.asarray(stage.queue.done_s) - created_s - work_s).mean())


@cache
def _cimba_model(servers: int) -> Any:
    import cimba as cb

    class Queue(cb.Model):  # type: ignore[misc]
        customers: cb.Param[int]
        gap: cb.Input[float]
        work: cb.Input[float]
        line: cb.Store[float]
        waited_s: float = 0.0
        mean_wait_s: cb.Output[float]

        @cb.process  # type: ignore[untyped-decorator]
        def arrivals(self) -> None:
            for _ in range(self.customers):
                cb.hold(self.gap.next())
                self.line.put(cb.now())

        @cb.process(copies=servers)  # type: ignore[untyped-decorator]
        def server(self) -> None:
            while True:
                arrival_s = self.line.get()
                self.waited_s += cb.now() - arrival_s
                cb.hold(self.work.next())

        @cb.on_end  # type: ignore[untyped-decorator]
        def measure(self) -> None:
            self.mean_wait_s = self.waited_s / self.customers

    return Queue


class Cimba(Rival):
    """Processes of its engine in C, compiled by Numba: a store of arrival times and its servers."""

    name = "cimba"
    module = "cimba"

    def drawn(self, job: Job, customers: int, seed: int) -> tuple[Any, Any]:
        from cimba.inputs import dist

        self.seed = seed
        return dist.exponential(mean=1 / job.rate), dist.exponential(mean=1.0)

    def given(self, gaps_s: Sequence[float], work_s: Sequence[float]) -> tuple[Any, Any]:
        from cimba.inputs import trace

        self.seed = 0
        return trace(gaps_s), trace(work_s)

    def serve(self, gaps: Any, work: Any, servers: int, customers: int) -> Waited:
        import cimba as cb

        model = _cimba_model(servers)()
        model.customers, model.gap, model.work = customers, gaps, work
        window = cb.Window.until_idle()
        results = cb.Experiment(model, window=window, seed=self.seed).run(workers=1)
        assert not results.failed.any(), results.failure_reasons
        return lambda: float(results[model].mean_wait_s.values[0, 0])


class Salabim(_Calls):
    """Servers that sleep until a customer comes; customers are components: nothing else can queue.

    The fastest of what was tried: a resource, a store and greenlets are slower. No monitors.
    """

    name = "salabim"
    module = "salabim"

    def serve(
        self, gaps: Callable[[], float], work: Callable[[], float], servers: int, customers: int
    ) -> Waited:
        import salabim

        salabim.yieldless(False)
        env = salabim.Environment(trace=False)
        line, idle = (salabim.Queue(name, monitor=False) for name in ("line", "idle"))
        waited_s = 0.0

        class Source(salabim.Component):  # type: ignore[misc]
            def process(self):  # type: ignore[no-untyped-def]
                for _ in range(customers):
                    yield self.hold(gaps())
                    customer = salabim.Component()
                    customer.arrival_s = env.now()
                    customer.enter(line)
                    if idle:
                        idle.pop().activate()

        class Server(salabim.Component):  # type: ignore[misc]
            def process(self):  # type: ignore[no-untyped-def]
                nonlocal waited_s
                while True:
                    while not line:
                        self.enter(idle)
                        yield self.passivate()
                    waited_s += env.now() - line.pop().arrival_s
                    yield self.hold(work())

        for _ in range(servers):
            Server()
        Source()
        env.run()
        return lambda: waited_s / customers


class SimPy(_Calls):
    """A store of arrival times and a process a server; a process a customer is slower."""

    name = "SimPy"
    module = "simpy"

    def serve(
        self, gaps: Callable[[], float], work: Callable[[], float], servers: int, customers: int
    ) -> Waited:
        import simpy

        env = simpy.Environment()
        line = simpy.Store(env)
        waited_s = 0.0

        def source() -> Generator[Any, Any, None]:
            for _ in range(customers):
                yield env.timeout(gaps())
                line.put(env.now)

        def server() -> Generator[Any, Any, None]:
            nonlocal waited_s
            while True:
                arrival_s = yield line.get()
                waited_s += env.now - arrival_s
                yield env.timeout(work())

        env.process(source())
        for _ in range(servers):
            env.process(server())
        env.run()
        return lambda: waited_s / customers


class Ciw(Rival):
    """A network of one node; arrivals go on until so many have left."""

    name = "Ciw"
    module = "ciw"

    def drawn(self, job: Job, customers: int, seed: int) -> tuple[Any, Any]:
        import ciw

        ciw.seed(seed)
        return ciw.dists.Exponential(job.rate), ciw.dists.Exponential(1.0)

    def given(self, gaps_s: Sequence[float], work_s: Sequence[float]) -> tuple[Any, Any]:
        import ciw

        return ciw.dists.Sequential([*gaps_s, math.inf]), ciw.dists.Sequential(list(work_s))

    def serve(self, gaps: Any, work: Any, servers: int, customers: int) -> Waited:
        import ciw

        network = ciw.create_network(
            arrival_distributions=[gaps], service_distributions=[work], number_of_servers=[servers]
        )
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(customers)
        return lambda: statistics.fmean(r.waiting_time for r in simulation.get_all_records())


RIVALS: dict[str, Rival] = {
    "departures": Departures(),
    "lindley": Lindley(),
    "lab": Lab(),
    "cimba": Cimba(),
    "simpy": SimPy(),
    "ciw": Ciw(),
    "salabim": Salabim(),
}


def wait_of_given(rival: Rival, servers: int) -> float:
    """Mean wait of the given customers, s."""
    gaps_s, work_s = given(servers)
    return rival.serve(*rival.given(gaps_s, work_s), servers, GIVEN)()


def wait_of_given_by_hand(servers: int) -> float:
    """The same, in the plainest way there is."""
    now_s = waited_s = 0.0
    free_s = [0.0] * servers
    for gap_s, work_s in zip(*given(servers), strict=True):
        now_s += gap_s
        start_s = max(now_s, free_s[0])
        waited_s += start_s - now_s
        heapq.heapreplace(free_s, start_s + work_s)
    return waited_s / GIVEN


def given(servers: int) -> tuple[list[float], list[float]]:
    """[GIVEN] gaps and work, s: a busy queue. Whole 1,024ths, which a float32 has exactly."""
    rng = random.Random(servers)
    gaps_s = [round(1_024 * rng.expovariate(0.98 * servers) + 1) / 1_024 for _ in range(GIVEN)]
    return gaps_s, [round(1_024 * rng.expovariate(1.0) + 1) / 1_024 for _ in range(GIVEN)]


@dataclass(frozen=True)
class Measured:
    """What a rival did on one job."""

    exact: bool
    """Whether the given customers waited as they should."""
    start_s: float
    """CPU until its first FIRST customers are served: imports, and what it compiles."""
    customers: list[int] = field(default_factory=list)
    """[REPEATS] customers served."""
    rates: list[float] = field(default_factory=list)
    """[REPEATS] customers a second of CPU."""
    waits_s: list[float] = field(default_factory=list)
    """[REPEATS] mean waits."""

    def off(self, job: Job) -> tuple[float, float]:
        """How far the mean wait is from theory, and how far chance may take it, of theory's."""
        return (
            statistics.fmean(self.waits_s, self.customers) / job.mean_wait_s() - 1,
            SIGNIFICANT * job.error(sum(self.customers)),
        )

    def right(self, job: Job) -> bool:
        """Whether it simulates this queue."""
        off, chance = self.off(job)
        return self.exact and abs(off) <= max(chance, CLOSE)


def measure(rival: Rival, job: Job, seconds: float, customers: int = 0) -> Measured:
    """Measure here, in a process that has imported nothing yet.

    Args:
        rival: what to measure.
        job: the queue.
        seconds: of CPU that each repeat takes at least.
        customers: of the one run of each repeat, whatever it takes: the same draws every time.
            0: as many as take so many seconds.
    """
    seeds = itertools.count(1)

    def serve(customers: int) -> tuple[float, float]:
        """CPU seconds, mean wait."""
        began_s = time.process_time()
        gaps, work = rival.drawn(job, customers, next(seeds))
        waited = rival.serve(gaps, work, job.servers, customers)
        return time.process_time() - began_s, waited()

    began_s = _cpu_s()
    serve(FIRST)
    start_s = _cpu_s() - began_s
    wait_s = wait_of_given(rival, job.servers)
    found = Measured(math.isclose(wait_s, wait_of_given_by_hand(job.servers)), start_s)
    if customers:
        seconds = 0.0
    else:
        customers = _customers_in(seconds, lambda n: serve(n)[0])
    for _ in range(REPEATS):
        runs = [serve(customers)]
        while (cpu_s := sum(took for took, _ in runs)) < seconds:
            runs.append(serve(customers))
        found.customers.append(len(runs) * customers)
        found.rates.append(len(runs) * customers / cpu_s)
        found.waits_s.append(statistics.fmean(wait_s for _, wait_s in runs))
    return found


def _customers_in(seconds: float, serve: Callable[[int], float]) -> int:
    """How many take so many seconds, of FEWEST to MOST."""
    customers, took_s = FIRST, 0.0
    while took_s < seconds / 10 and customers < MOST:
        customers = min(4 * customers, MOST)
        took_s = serve(customers)
    return min(max(math.ceil(1.1 * customers * seconds / took_s), FEWEST), MOST)


def _cpu_s() -> float:
    """CPU of this process and of those that it waited for, a compiler for one."""
    return sum(os.times()[:4])


def measured_apart(name: str, job: Job, seconds: float, customers: int = 0) -> Measured:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, str(JOBS.index(job))]
    command += ["--seconds", str(seconds), "--customers", str(customers)]
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def table(job: Job, found: Mapping[str, Measured]) -> list[str]:
    """Lines that say how fast each rival is, and how right."""
    lab = statistics.median(found["lab"].rates) if "lab" in found else math.nan
    lines = [f"{job.name}, mean wait {job.mean_wait_s():.4g} s by theory"]
    for name, one in found.items():
        low, mid, high = min(one.rates), statistics.median(one.rates), max(one.rates)
        off, chance = one.off(job)
        lines.append(
            f"{RIVALS[name].name:24} min {low / 1e6:8.4f}  median {mid / 1e6:8.4f}  "
            f"max {high / 1e6:8.4f}  M customers/s of CPU; the lab is {lab / mid:7.2f} times as "
            f"fast; start {one.start_s:.2f} s; wait {off:+.2%} (chance {chance:.2%})"
            + ("" if one.right(job) else "  WRONG")
        )
    return lines


def main(arguments: Sequence[str]) -> int:
    """Print a table a job; 1: a rival does not simulate that queue."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--seconds", type=float, default=1.0, help="of CPU a repeat; 1 if not said")
    parser.add_argument("--customers", type=int, default=0, help="a repeat, instead of seconds")
    parser.add_argument("--measure", nargs=2, metavar=("RIVAL", "JOB"), help="here; prints JSON")
    asked = parser.parse_args(arguments)
    if asked.measure:
        name, at = asked.measure
        print(
            json.dumps(vars(measure(RIVALS[name], JOBS[int(at)], asked.seconds, asked.customers)))
        )
        return 0
    here = []
    for name in asked.only:
        if lacks := RIVALS[name].lacks():
            print(f"{RIVALS[name].name}: left out, {lacks}")
        else:
            here.append(name)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    wrong = 0
    for job in JOBS:
        found = {
            name: measured_apart(name, job, asked.seconds, asked.customers)
            for name in here
            if RIVALS[name].can(job)
        }
        print(*table(job, found), sep="\n", flush=True)
        wrong += sum(not one.right(job) for one in found.values())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
