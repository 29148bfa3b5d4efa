"""From a scenario to the columns of its messages, and to the draws that every system shares.

Each purpose has its own random stream, named after it and spawned from the scenario's seed, so
that compared systems see the same messages and the same work per message (common random numbers).
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from math import isfinite, log
from threading import Lock
from weakref import WeakValueDictionary
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import F32, F64, I32, I64
from sim.foundation.errors import LabError
from sim.foundation.units import Z99, Distribution
from sim.scenario.faults.base import RandomFault
from sim.scenario.load import CaseFile, Key, Lifecycle, Scenario
from sim.traffic import arrivals
from sim.traffic.backlog import backlog_s
from sim.traffic.draws import alias_table, along
from sim.traffic.draws_kernel import choose, spread
from sim.traffic.messages import Messages, Numbered

POOL = 1 << 16
"""Latencies drawn for each kind of call, and taken in turn."""

_CHUNK = 1 << 20
_MOST_SHARED = 1 << 22
"""Messages whose draws for a job may be held for others who ask: 16 MiB a job."""
_MOST_ENTITIES = 1 << 24
_SURELY = 64
"""Of so many that are expected, some will be drawn: none once in 10^27 runs."""


def stream(scenario: Scenario, name: str) -> np.random.Generator:
    """The random stream of one purpose, the same whatever else is drawn."""
    return np.random.default_rng([scenario.seed, crc32(name.encode())])


@dataclass(frozen=True)
class Stroke:
    """One time at which a fault strikes."""

    at_s: float
    lot: float
    """In [0, 1): which of those that the target matches, where one is struck at random."""


def strokes(scenario: Scenario, index: int, duration_s: float) -> list[Stroke]:
    """When a fault strikes, the same in every system; nothing for one that waits for a condition.

    Args:
        scenario: for its faults and seed.
        index: of the fault.
        duration_s: when arrivals end, s.
    """
    fault = scenario.faults[index]
    if fault.at is not None:
        return [Stroke(fault.at, 0.0)]
    if not isinstance(fault, RandomFault) or fault.rate is None:
        return []
    rng = stream(scenario, f"faults.{index}")
    from_s = fault.from_ or 0.0
    until_s = duration_s if fault.until is None else fault.until
    n = rng.poisson(fault.rate * max(0.0, until_s - from_s))
    at_s = np.sort(rng.uniform(from_s, until_s, n))
    return [Stroke(*both) for both in zip(at_s.tolist(), rng.random(n).tolist(), strict=True)]


def generate(scenario: Scenario) -> Messages:
    """All messages of a scenario.

    Raises:
        LabError: its trace cannot be read, or its keys have too many combinations.
    """
    if scenario.workload.cases is not None:
        return _cases(scenario, scenario.workload.cases)
    times = CreatedTimes(scenario)
    created_s, duration_s = times.draw(times.cells.counts.size), times.duration_s
    for dim, key in scenario.workload.keys.items():
        if key.lifecycle is not None:
            return _histories(scenario, dim, key.lifecycle, created_s, duration_s)
    entities = Entities(scenario)
    return Messages(
        created_s,
        entities.draw(created_s.size),
        np.array([scenario.workload.size], np.int32),
        entities.dims,
        duration_s,
    )


class CreatedTimes:
    """Draws when messages are created: however many cells at a time, the same times.

    What waits at the start comes with the first of them.
    """

    def __init__(self, scenario: Scenario) -> None:
        """
        Args:
            scenario: for its arrivals and seed.

        Raises:
            LabError: its trace cannot be read.
        """
        self._rng = stream(scenario, "arrivals")
        self.cells = arrivals.draw(scenario, self._rng)
        self.duration_s = float(self.cells.edges_s[-1])
        """When arrivals end, s."""
        self._ends = np.cumsum(self.cells.counts)
        self._first = 0
        """The first cell that is not drawn yet."""
        self.waiting_s = backlog_s(scenario)
        """[waiting] when messages that wait at the start were created, ascending, s below 0."""

    def again(self) -> "CreatedTimes":
        """The same, from where this one is now."""
        twin = copy(self)
        twin._rng = deepcopy(self._rng)
        return twin

    def draw(self, until: int) -> F64:
        """[messages] when those of the cells before ``until`` are created, ascending, s."""
        edges_s, counts = self.cells
        waiting_s = self.waiting_s if self._first == 0 else self.waiting_s[:0]
        began = int(self._ends[self._first - 1]) if self._first else 0
        created_s = np.empty(int(counts[self._first : until].sum()))
        while self._first < until:
            first = self._first
            done = int(self._ends[first] - counts[first])
            stop = int(np.searchsorted(self._ends, done + _CHUNK, side="right"))
            stop = min(max(first + 1, stop), until)
            n = int(self._ends[stop - 1]) - done
            spread(
                counts[first:stop],
                edges_s[first : stop + 1],
                self._rng.standard_exponential(n + stop - first),
                created_s[done - began : done - began + n],
            )
            self._first = stop
        return np.concatenate([waiting_s, created_s]) if waiting_s.size else created_s


class Entities:
    """Draws the keys of messages: however many at a time, the same ones."""

    def __init__(self, scenario: Scenario) -> None:
        """
        Args:
            scenario: for its keys and seed.

        Raises:
            LabError: its keys have too many combinations.
        """
        keys = scenario.workload.keys
        weights = weights_of(keys)
        self.dims = {dim: _values(dim, key) for dim, key in keys.items()}
        """Names of the values of each key dimension, in order."""
        self._rng = stream(scenario, "keys")
        self._table = alias_table(weights) if weights.size > 1 else None

    def draw(self, n: int) -> I32:
        """[n] combination of key values of each of the next messages."""
        out = np.zeros(n, np.int32)
        if self._table is not None:
            for first in range(0, n, _CHUNK):
                part = out[first : first + _CHUNK]
                choose(self._rng.random(part.size), *self._table, part)
        return out


def weights_of(keys: Mapping[str, Key]) -> F64:
    """[entities] how often each combination of key values comes, in sum 1.

    Raises:
        LabError: there are too many combinations.
    """
    weights = np.ones(1)
    for key in keys.values():
        values = key.count if key.weights is None else len(key.weights)
        if weights.size * (values or 1) > _MOST_ENTITIES:
            raise LabError(f"workload.keys: more than {_MOST_ENTITIES:,} combinations of values")
        more = _weights(key)
        weights = np.outer(weights, more / more.sum()).ravel()
    return weights


class Work:
    """Draws how long messages take consumers: however many at a time, the same times."""

    def __init__(self, scenario: Scenario, jobs: Sequence[str]) -> None:
        """
        Args:
            scenario: for its services and seed.
            jobs: what is done for each message.
        """
        self._jobs = [
            (
                scenario.workload.service[job],
                stream(scenario, f"service.{job}"),
                stream(scenario, f"slow.{job}"),
                stream(scenario, f"slow time.{job}"),
            )
            for job in jobs
        ]

    def draw(self, n: int) -> F32:
        """[n] time that each of the next messages takes, s."""
        total = np.zeros(n, np.float32)
        for service, rng, which, how_long in self._jobs:
            for first in range(0, n, _CHUNK):
                part = total[first : first + _CHUNK]
                work_s = _draw32(service.per_message, part.size, rng)
                if service.slow is not None:
                    slow = _slow(which, part.size, service.slow.share)
                    work_s[slow] = _draw32(service.slow.time, slow.size, how_long)
                part += work_s
        return total


def _cases(scenario: Scenario, file: CaseFile) -> Messages:
    """The events of a file, stretched or compressed to the scenario's duration."""
    from sim.traffic import cases

    found = cases.read(file.file)
    (dim,) = scenario.workload.keys
    last_s = float(found.created_s[-1]) if len(found) else 0.0
    duration_s = scenario.duration if isfinite(scenario.duration) else last_s
    return Messages(
        found.created_s * (duration_s / last_s if last_s > 0 else 1.0),
        found.entity,
        np.array([scenario.workload.size], np.int32),
        {dim: found.names},
        duration_s,
        found.posting_cents,
        found.seq,
    )


def _histories(
    scenario: Scenario, dim: str, life: Lifecycle, begun_s: F64, duration_s: float
) -> Messages:
    """An entity for each arrival, and a message for each of its states."""
    n, states = begun_s.size, len(life.states)
    rng = stream(scenario, "lifecycle")
    entered_s = np.empty((n, states))
    entered_s[:, 0] = begun_s
    for state in range(1, states):
        entered_s[:, state] = entered_s[:, state - 1] + _draw32(life.gap, n, rng)
    order = np.argsort(entered_s, axis=None, kind="stable")
    created_s = entered_s.ravel()[order]
    z = rng.standard_normal(n)
    sigma = log(life.amount.p99 / life.amount.median) / Z99
    cents = np.rint(100 * life.amount.median * np.exp(sigma * z)).astype(np.int64)
    entity, seq = np.divmod(order, states)
    return Messages(
        created_s,
        entity.astype(np.int32),
        np.array([scenario.workload.size], np.int32),
        {dim: Numbered(dim, n)},
        max(duration_s, float(created_s[-1]) if n else 0.0),
        np.where(seq == states - 1, cents[entity], 0),
        seq.astype(np.int16),
        life.states,
    )


def _values(dim: str, key: Key) -> Sequence[str]:
    if key.weights is not None:
        return list(key.weights)
    assert key.count is not None
    return Numbered(dim, key.count)


def _weights(key: Key) -> F64:
    if key.weights is not None:
        return np.array(list(key.weights.values()), np.float64)
    assert key.count is not None
    return np.arange(1, key.count + 1, dtype=np.float64) ** -key.zipf


def service_s(scenario: Scenario, n: int, jobs: Sequence[str]) -> F32:
    """[messages] time that each message takes a consumer that does ``jobs``, s.

    The draws of a job are the same in whichever system and group it is done, and which of its
    messages are slow has a stream of its own: the others take the time that they took without.
    Those who ask while the draws of others are still there get the same array, which is read-only.
    """
    what = repr([(job, scenario.workload.service[job]) for job in jobs])
    with _LOCK:
        alone = _DRAWING.setdefault((scenario.seed, n, what), Lock())
    with alone:
        total = _DRAWN.get((scenario.seed, n, what))
        if total is None:
            total = _draw_service(scenario, n, jobs)
            total.setflags(write=False)
            _DRAWN[scenario.seed, n, what] = total
    return total


_LOCK = Lock()
_DRAWING: WeakValueDictionary[tuple[int, int, str], Lock] = WeakValueDictionary()
_DRAWN: WeakValueDictionary[tuple[int, int, str], F32] = WeakValueDictionary()
"""By what they depend on: service times that somebody has, and who is drawing some."""


def _draw_service(scenario: Scenario, n: int, jobs: Sequence[str]) -> F32:
    if len(jobs) == 1 or n > _MOST_SHARED:
        return Work(scenario, jobs).draw(n)
    # Another system may have a group for each job: they are held until all of them are drawn.
    each = [service_s(scenario, n, [job]) for job in jobs]
    total = np.zeros(n, np.float32)
    for work_s in each:
        total += work_s
    return total


def _slow(which: np.random.Generator, n: int, share: float) -> NDArray[np.intp]:
    return np.flatnonzero(which.random(n) < share)


def none_is_slow(scenario: Scenario, n: int, job: str, rows: I32 | None) -> bool:
    """Whether a job has a slow share that none of a group's messages drew.

    Args:
        scenario: for its service and seed.
        n: how many messages there are.
        job: name.
        rows: those that the group is given; None: all.
    """
    slow = scenario.workload.service[job].slow
    given = n if rows is None else rows.size
    if slow is None or not given or given * slow.share > _SURELY:
        return False
    return not any(
        found.size if rows is None else np.isin(found, rows).any()
        for found in _slow_chunks(scenario, n, job, slow.share)
    )


def slow_rows(scenario: Scenario, n: int, job: str) -> I64:
    """The messages that a job's `slow` made slow, ascending.

    Args:
        scenario: for its service and seed.
        n: how many messages there are.
        job: name.
    """
    slow = scenario.workload.service[job].slow
    chunks = () if slow is None else _slow_chunks(scenario, n, job, slow.share)
    return np.concatenate([np.zeros(0, np.int64), *chunks])


def poisonous_rows(scenario: Scenario, n: int, job: str) -> I64:
    """The messages that a job's `poison` made poisonous, ascending; the same in every system.

    Args:
        scenario: for its service and seed.
        n: how many messages there are.
        job: name.
    """
    poison = scenario.workload.service[job].poison
    which = f"poison.{job}"
    chunks = () if poison is None else _chosen_chunks(scenario, n, which, poison.share)
    return np.concatenate([np.zeros(0, np.int64), *chunks])


def _slow_chunks(scenario: Scenario, n: int, job: str, share: float) -> Iterator[I64]:
    return _chosen_chunks(scenario, n, f"slow.{job}", share)


def _chosen_chunks(scenario: Scenario, n: int, purpose: str, share: float) -> Iterator[I64]:
    which = stream(scenario, purpose)
    for first in range(0, n, _CHUNK):
        yield first + _slow(which, min(_CHUNK, n - first), share)


def _draw32(d: Distribution, n: int, rng: np.random.Generator) -> F32:
    match d.kind:
        case "exponential":
            return rng.standard_exponential(n, np.float32) * np.float32(d.a)
        case "lognormal":
            z = rng.standard_normal(n, np.float32)
            drawn: F32 = np.exp(z * np.float32(_sigma(d)) + np.float32(log(d.a)))
            return drawn
        case "gamma":
            shape = d.b**-2
            return rng.standard_gamma(shape, n, np.float32) * np.float32(d.a / shape)
        case "curve":
            return along(d.curve, rng.standard_normal(n)).astype(np.float32)
    return np.full(n, d.a, np.float32)


def _sigma(lognormal: Distribution) -> float:
    return log(lognormal.b / lognormal.a) / Z99


def pool(scenario: Scenario, name: str, distribution: Distribution) -> F64:
    """[draws] durations of one kind of call, s; a single one when they are constant.

    Args:
        scenario: for the seed.
        name: of the stream.
        distribution: of the durations.
    """
    if distribution.kind == "constant":
        return np.array([distribution.a])
    return _draw32(distribution, POOL, stream(scenario, name)).astype(np.float64)
