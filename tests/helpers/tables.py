"""Tables made up for the tests of charts and findings: a fluid model, no simulation.

`build` gives any shape from one system that loses nothing to six that do everything wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sim.engine.waits import Limit, TimePart
from sim.measure.limits import limits_table
from sim.measure.tables import Tables

Q = np.concatenate([np.arange(0, 99) / 100, [0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0]])


@dataclass(frozen=True)
class Group:
    """A group as it is to turn out."""

    capacity: float = 2_000.0
    """msg/s it processes while it has work."""
    kind: str = "queue"
    lost: int = 0
    dead_lettered: int = 0
    extra_deliveries: int = 0
    double_effects: int = 0
    violations: int = 0
    base_latency_s: float = 0.03
    down: tuple[float, float] = (0.0, 0.0)
    """From when to when it stands still, s."""


@dataclass(frozen=True)
class Fault:
    system: str
    t_s: float
    until_s: float
    text: str


def match(t_s: np.ndarray, duration_s: float, scale: float = 1.0) -> np.ndarray:
    """Arrivals in msg/s: a base, a half-time dip and three goals."""
    u = t_s / duration_s
    rate = 200 + 100 * np.exp(-(((u - 0.5) / 0.08) ** 2))
    for at, peak in ((0.2, 500.0), (0.63, 900.0), (0.9, 700.0)):
        rate = rate + peak * (u >= at) * np.exp(-(u - at) / 0.03)
    return scale * np.where(t_s < duration_s, rate, 0.0)


def build(
    systems: Mapping[str, Mapping[str, Group]],
    *,
    duration_s: float = 7_200.0,
    end_s: float | None = None,
    scale: float = 1.0,
    faults: Sequence[Fault] = (),
    rows: int = 600,
) -> Tables:
    """Tables of `systems` (name -> group name -> `Group`) under one arrival curve.

    `end_s` cuts the run off, which leaves messages unfinished; without it every group drains.
    """
    fine = np.linspace(0.0, duration_s, 4_001)
    produced = int(np.trapezoid(match(fine, duration_s, scale), fine))
    slowest = min((g.capacity for gs in systems.values() for g in gs.values()), default=1.0)
    needed_s = duration_s + (produced / slowest if slowest > 0 else 10 * duration_s)
    t = np.linspace(0.0, end_s or max(duration_s, needed_s) + 60, 6 * rows)
    frames = [
        _group(system, name, group, t, duration_s, scale, 6, end_s)
        for system, groups in systems.items()
        for name, group in groups.items()
    ]
    summary, series, latency, fates = (
        pd.concat([f[i] for f in frames], ignore_index=True) for i in range(4)
    )
    if end_s is None:
        quiet = series.groupby("t_s")["lag"].max()
        last = quiet[quiet > 0].index.max() if (quiet > 0).any() else duration_s
        series = series[series["t_s"] <= max(last * 1.02, duration_s)].reset_index(drop=True)
    none = pd.DataFrame({"system": pd.Series(dtype="str")})
    return Tables(
        summary=summary,
        series=series,
        latency=latency,
        fates=fates,
        messages=pd.DataFrame(
            columns=["system", "group", "message", "created_s", "key", "done_s", "effects", "fate"]
        ),
        faults=pd.DataFrame(
            [(f.system, f.t_s, f.until_s, f.text) for f in faults],
            columns=["system", "t_s", "until_s", "text"],
        ),
        ledger=none,
        books=none,
        requests=none,
        partitions=none,
        burrow=none,
        producer=none,
        buffer=none,
        silences=none,
        waits=none,
        limits=none,
        workers=none,
        shown=none,
        pipeline=none,
        duration_s=duration_s,
    )


@dataclass(frozen=True)
class _Flow:
    """What comes to a group and what it gets done, at each time ``t``."""

    t: np.ndarray
    arrived: np.ndarray
    processed: np.ndarray
    backlog: np.ndarray
    lag: np.ndarray
    time_lag: np.ndarray


def _flow(group: Group, t: np.ndarray, duration_s: float, scale: float) -> _Flow:
    """A group of constant capacity under the arrivals of a match."""
    step = float(t[1])
    arrived = np.concatenate([[0.0], np.cumsum(match(t[:-1], duration_s, scale) * step)])
    processed = np.zeros_like(t)
    for i in range(1, t.size):
        standing = group.down[0] <= t[i] < group.down[1]
        processed[i] = min(
            arrived[i], processed[i - 1] + (0.0 if standing else group.capacity * step)
        )
    backlog = np.maximum(arrived - processed, 0)
    entered = np.interp(processed, arrived, t)
    time_lag = np.where(backlog >= 1, t - entered, 0.0)
    time_lag = np.where(np.gradient(arrived) > 0, time_lag + group.base_latency_s, time_lag)
    lag = np.floor(backlog)
    if group.kind == "log":
        lag = lag + np.floor(np.gradient(arrived, t) * (t % 5.0))
    return _Flow(t, arrived, processed, backlog, lag, time_lag)


def _group(
    system: str,
    name: str,
    group: Group,
    t: np.ndarray,
    duration_s: float,
    scale: float,
    every: int,
    end_s: float | None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Summary, series, latency and fates of one group."""
    who = {"system": system, "group": name}
    flow = _flow(group, t, duration_s, scale)
    unfinished = int(flow.backlog[-1]) if end_s is not None else 0
    done = int(flow.arrived[-1]) - group.lost - group.dead_lettered - unfinished
    latency = _latency(group, flow) if done else np.full(Q.size, np.nan)
    series = _series(who, group, flow, slice(None, None, every))
    summary = _summary(who, group, flow, series, latency, (done, unfinished), duration_s)
    fates = _fates(who, group, done, unfinished)
    return summary, series, pd.DataFrame({**who, "q": Q, "latency_s": latency}), fates


def _latency(group: Group, flow: _Flow) -> np.ndarray:
    """[Q] from a message's arrival to its being processed."""
    message = np.linspace(0, max(flow.processed[-1], 1), 20_000)
    waited = np.interp(message, flow.processed, flow.t) - np.interp(message, flow.arrived, flow.t)
    at_work = group.base_latency_s * (1 + 3 * -np.log1p(-np.minimum(Q, 0.99999)))
    return np.quantile(waited, Q) + at_work


def _series(who: dict[str, str], group: Group, flow: _Flow, keep: slice) -> pd.DataFrame:
    done = flow.processed
    violations = np.floor(group.violations * done / max(done[-1], 1)).astype(np.int64)
    return pd.DataFrame(
        {
            **who,
            "t_s": flow.t[keep],
            "arrived": flow.arrived[keep].astype(np.int64),
            "processed": flow.processed[keep].astype(np.int64),
            "lag": flow.lag[keep].astype(np.int64),
            "ready": flow.lag[keep],
            "in_flight": 0.0,
            "position_lag": np.nan,
            "time_lag_s": flow.time_lag[keep],
            "violations": violations[keep],
        }
    )


def _summary(
    who: dict[str, str],
    group: Group,
    flow: _Flow,
    series: pd.DataFrame,
    latency: np.ndarray,
    done_and_left: tuple[int, int],
    duration_s: float,
) -> pd.DataFrame:
    done, unfinished = done_and_left
    busy = np.nonzero(flow.backlog >= 1)[0]
    drain_s = max(0.0, float(flow.t[busy[-1]]) - duration_s) if busy.size else 0.0
    at_end = int(np.searchsorted(series["t_s"].to_numpy(), duration_s))
    worst = int(series["lag"].to_numpy().argmax())
    steps = np.diff(series["t_s"].to_numpy())
    return pd.DataFrame(
        [
            {
                **who,
                "product": "sqs" if group.kind == "queue" else "kafka",
                "kind": group.kind,
                "produced": int(flow.arrived[-1]),
                "processed": done,
                "lost": group.lost,
                "dead_lettered": group.dead_lettered,
                "unfinished": unfinished,
                "extra_deliveries": group.extra_deliveries,
                "double_effects": group.double_effects,
                "violations": group.violations,
                "keys_violated": min(group.violations, 40),
                "max_lag": int(series["lag"].iloc[worst]),
                "max_lag_at_s": float(series["t_s"].iloc[worst]),
                "lag_at_end_of_arrivals": int(series["lag"].iloc[min(at_end, len(series) - 1)]),
                "max_time_lag_s": float(flow.time_lag.max()),
                "drain_s": np.inf if unfinished else drain_s,
                "latency_p50_s": latency[50],
                "latency_p99_s": latency[99],
                "latency_max_s": latency[-1],
                "throughput_peak": float((np.diff(series["processed"]) / steps).max()),
                "arrival_peak": float((np.diff(series["arrived"]) / steps).max()),
                "consumers": 4,
                "messages_per_call": 1.0,
                **_rate(series, steps),
            }
        ]
    )


def _rate(series: pd.DataFrame, steps: np.ndarray) -> dict[str, float]:
    """What is processed a second while more than the four consumers have wait in the queue."""
    waits = series["lag"].to_numpy() > 4
    stands = waits[1:] & waits[:-1]
    over_s = float(steps[stands].sum())
    done = float(np.diff(series["processed"])[stands].sum())
    rate = done / over_s if over_s else np.nan
    names = ("rate_per_s", "rate_low_per_s", "rate_high_per_s")
    return {**dict.fromkeys(names, rate), "rate_over_s": over_s}


def _fates(who: dict[str, str], group: Group, done: int, unfinished: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {**who, "fate": fate, "place": place, "messages": n}
            for fate, place, n in (
                ("processed", "", done),
                ("dead-lettered", "", group.dead_lettered),
                ("unfinished", "", unfinished),
                ("lost", "retention", group.lost - group.lost // 4),
                ("lost", "producer buffer", group.lost // 4),
                ("lost", "rejected", 0),
            )
        ]
    )


def three_groups(**group: object) -> dict[str, Group]:
    """Counters, leaderboard and analytics, all alike."""
    return {name: Group(**group) for name in ("counters", "leaderboard", "analytics")}  # type: ignore[arg-type]


def football() -> Tables:
    """The case the lab opens with: one queue that drains late, a fan-out, and a log."""
    return build(
        {
            "sqs_single": {
                "all": Group(capacity=150.0, violations=412_345, extra_deliveries=9_120)
            },
            "sqs_fanout": {
                "counters": Group(capacity=700, violations=20_123),
                "leaderboard": Group(capacity=480, violations=31_234, extra_deliveries=120),
                "analytics": Group(capacity=330, violations=1_234, extra_deliveries=2_345),
            },
            "kafka": three_groups(kind="log", capacity=2_500.0),
        },
        faults=[Fault(s, 3_000.0, 3_000.0, "crash *.0") for s in ("sqs_single", "sqs_fanout")]
        + [
            Fault("kafka", 3_000.0, 3_045.0, "crash analytics 0"),
            Fault("kafka", 3_200.0, 3_200.0, "restart analytics 0"),
            Fault("kafka", 5_000.0, 6_000.0, "slow counters x4"),
        ],
    )


def calm() -> Tables:
    """Everything is well everywhere, in milliseconds."""
    return build({"sqs": three_groups(), "kafka": three_groups(kind="log")}, duration_s=600.0)


def nothing() -> Tables:
    """No message, no latency."""
    return build({"sqs": {"all": Group()}, "kafka": three_groups(kind="log")}, scale=0.0)


def hopeless() -> Tables:
    """Six systems, five groups: stuck, losing, doubling, with a fault every few minutes."""
    groups = ("counters", "leaderboard", "analytics", "notifications", "fraud")
    systems = {
        f"{product}_{i}": {
            name: Group(
                kind=kind,
                capacity=capacity * (1 + 0.2 * j),
                lost=lost * (j % 3),
                dead_lettered=(i == 2) * 12 * j,
                violations=10 ** (i + j),
                extra_deliveries=1_000 * i,
                double_effects=10 * i * j,
            )
            for j, name in enumerate(groups)
        }
        for i, (product, kind, capacity, lost) in enumerate(
            [
                ("sqs", "queue", 30.0, 0),
                ("rabbitmq_quorum", "queue", 200.0, 1_203),
                ("celery", "queue", 260.0, 0),
                ("kafka", "log", 3_000.0, 5),
                ("kafka_tuned", "log", 2_000.0, 0),
                ("kafka_share_group", "queue", 500.0, 88),
            ]
        )
    }
    faults = [
        Fault(system, 60.0 + 230.0 * k, 60.0 + 230.0 * k, f"crash analytics {k % 4}")
        for system in systems
        for k in range(30)
    ]
    faults.append(Fault("kafka_3", 4_000.0, np.inf, "slow *.* x2"))
    return build(systems, end_s=14_400.0, faults=faults, rows=200)


def brief() -> Tables:
    """One system, one group, three seconds."""
    return build({"kafka": {"counters": Group(kind="log")}}, duration_s=3.0)


SPENT: Sequence[Mapping[TimePart, tuple[float, float]]] = (
    {
        TimePart.CALL: (0.02, 0.05),
        TimePart.CAPACITY: (3_650.0, 7_900.0),
        TimePart.HELD: (30.0, 55.0),
        TimePart.WORK: (1.6, 1.7),
    },
    {
        TimePart.BUFFER: (0.005, 0.006),
        TimePart.SEND: (0.012, 0.2),
        TimePart.CALL: (0.02, 0.3),
        TimePart.HELD: (0.2, 1.9),
        TimePart.WORK: (0.1, 0.4),
    },
    {part: (1.0 + part, 20.0 - part) for part in TimePart},
    {
        TimePart.DELAY: (900.0, 900.0),
        TimePart.NO_OWNER: (40.0, 300.0),
        TimePart.LOCK: (1.0, 1_800.0),
        TimePart.BACKOFF: (20.0, 600.0),
        TimePart.ATTEMPT: (20.0, 700.0),
        TimePart.WORK: (1.0, 1.0),
    },
    {TimePart.WORK: (2.0, 2.0)},
    {TimePart.HEAD_OF_LINE: (5.0, 7.0), TimePart.CEILING: (4.0, 9.0), TimePart.SLOWED: (3.0, 1.0)},
    {},
)
"""Means of the parts of a time: of all messages, and of the slowest."""


def with_waits(tables: Tables) -> Tables:
    """The same with a table ``waits``, whose groups have one of `SPENT` after the other."""
    frames = []
    for i, row in enumerate(tables.summary.to_dict("records")):
        spent = SPENT[i % len(SPENT)]
        both = [spent.get(part, (0.0, 0.0)) for part in TimePart]
        frames.append(
            pd.DataFrame(
                {
                    "system": row["system"],
                    "group": row["group"],
                    "part": [part.label for part in TimePart],
                    "total_s": [100 * mean_s for mean_s, _ in both],
                    "mean_s": [mean_s for mean_s, _ in both],
                    "slowest_s": [slowest_s for _, slowest_s in both],
                    "messages": [100 * (mean_s > 0) for mean_s, _ in both],
                }
            )
        )
    return replace(tables, waits=pd.concat(frames, ignore_index=True))


def with_limits(tables: Tables, group: Mapping[str, Sequence[Limit]]) -> Tables:
    """The same with a table ``limits``: ``system.group`` -> those that acted on it."""
    frames = []
    for whose, limits in group.items():
        system, _, name = whose.partition(".")
        frames.append(limits_table({"system": system, "group": name}, limits))
    return replace(tables, limits=pd.concat(frames, ignore_index=True))
