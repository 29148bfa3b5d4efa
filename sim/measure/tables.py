"""What is measured: from the fates of messages to tidy tables. Every number is defined here.

- processed, lost, dead-lettered, unfinished: the primary fate of each message, one per group; their
  sum is the number produced, which `measure` asserts.
- deliveries: times that a message was handed to a consumer, also one that the group does not want.
  extra deliveries: deliveries beyond one per message delivered. double effects: processings
  beyond one per message.
- lag of a log: log end - committed offset, as ``kafka-consumer-groups`` reports it; position lag:
  log end - position; over the partitions where a group has them. lag of a queue, its depth: ready +
  in flight.
- time lag: age of the oldest message that is created and not yet processed.
- drain time: from the end of arrivals to the last message processed; inf if some never was.
- latency: created -> first processed.
- watched: how long the run went on after arrivals had ended.
- late: processed longer after its creation than counts as level, 1 % of the time of arrivals.
- without a reader: time that partitions of a log had no consumer that ran and had them, summed
  over the partitions, and the longest of any; after faults only, and looked at every second.
- ordering violation: a message first processed after a later message of the same key.
- wrong effects: messages whose last effect falls into a bug of the group; righted effects: those
  with a wrong effect, but not the last. unrecoverable: messages that a seek asked for and that had
  been deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine.outcome import Fate, GroupOutcome
from sim.injection.replay import Replay, righted
from sim.measure import tables_kernel as k
from sim.measure.lag import burrow, judged, partitions
from sim.traffic.messages import Messages

_NO_REPLAY = Replay()

SAMPLE = 2_000
"""Messages kept of each group, evenly spaced, for the table ``messages``."""

QUANTILES = np.concatenate([np.arange(0, 99) / 100, [0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0]])


@dataclass(frozen=True)
class Tables:
    """Tidy tables of one or more systems; times in s, counts in messages."""

    summary: pd.DataFrame
    """A row per (system, group)."""
    series: pd.DataFrame
    """A row per (system, group) and time ``t_s``; arrived, processed, violations are cumulative."""
    latency: pd.DataFrame
    """``latency_s`` at quantile ``q``, per (system, group)."""
    fates: pd.DataFrame
    """``messages`` per (system, group, fate, place)."""
    messages: pd.DataFrame
    """An evenly spaced sample of messages per (system, group)."""
    faults: pd.DataFrame
    """What was done to each system: ``t_s`` to ``until_s`` and ``text``."""
    ledger: pd.DataFrame
    """A row per (system, group) that keeps books: `sim.ledger.book.Report`, and its policy."""
    books: pd.DataFrame
    """Errors of these books at each time ``t_s``: `sim.ledger.book.Ledger.series`."""
    requests: pd.DataFrame
    """``calls`` that a service bills, per (system, group, request): send, receive, …"""
    partitions: pd.DataFrame
    """Offsets and lag of a log's partitions at some times ``t_s``: `sim.measure.lag.partitions`."""
    burrow: pd.DataFrame
    """Burrow's status of each group of a log at each time ``t_s``: `sim.measure.lag.burrow`."""
    duration_s: float
    """When arrivals ended."""

    producer: pd.DataFrame
    """A row per system with a publisher: records accepted, acked, appended, lost and repeated."""
    buffer: pd.DataFrame
    """Records ``remaining`` in the client (buffer.remaining) at each time ``t_s``, and the input
    offset ``committed``, per system with a publisher."""

    FRAMES = (
        "summary", "series", "latency", "fates", "messages", "faults", "ledger", "books",
        "producer", "buffer", "requests", "partitions", "burrow",
    )  # fmt: skip


FAULT_COLUMNS = {"system": "str", "t_s": "float64", "until_s": "float64", "text": "str"}


def faults_table(system: str, faults: Sequence[tuple[float, float, str]]) -> pd.DataFrame:
    """The table ``faults`` of one system, from (t_s, until_s, text)."""
    rows = [(system, *fault) for fault in sorted(faults)]
    return pd.DataFrame(rows, columns=list(FAULT_COLUMNS)).astype(FAULT_COLUMNS)


def combine(parts: Sequence[Tables]) -> Tables:
    """One set of tables from those of several groups or systems, in their order."""

    def frame(name: str) -> pd.DataFrame:
        frames: list[pd.DataFrame] = [getattr(part, name) for part in parts]
        full = [f for f in frames if len(f)] or frames[:1]
        return pd.concat(full, ignore_index=True)

    return Tables(**{name: frame(name) for name in Tables.FRAMES}, duration_s=parts[0].duration_s)


def measure(
    messages: Messages, order_by: Sequence[str], outcome: GroupOutcome, replay: Replay = _NO_REPLAY
) -> Tables:
    """The tables of one group.

    Args:
        messages: what was produced.
        order_by: key dimensions that make the key within which order matters.
        outcome: what became of the messages. Its gauges are on the grid 0, step, 2 step, ….
        replay: what its bugs and seeks came to.

    Raises:
        AssertionError: the fates do not add up to what was produced (conservation).
    """
    t = outcome.gauges_t_s
    step_s = float(t[1])
    counts = _count(messages, order_by, outcome, step_s)
    fates = {fate: int(counts.fates[fate]) for fate in Fate}
    produced = len(messages)
    assert sum(fates.values()) == produced, "conservation: fates do not add up to the produced"
    processed = fates[Fate.PROCESSED]
    assert int(counts.processed.sum()) == processed, "conservation: processed without an effect"

    arrived = np.searchsorted(messages.created_s, t, side="right")
    done_by = np.cumsum(counts.processed[:-1])
    gauges = outcome.gauges
    if outcome.kind == "log":
        lag = gauges["log_end"] - gauges["committed"]
        position_lag = (gauges["log_end"] - gauges["position"]).astype(np.float64)
        ready = in_flight = np.full(t.size, np.nan)
    else:
        lag = gauges["ready"] + gauges["in_flight"]
        position_lag = np.full(t.size, np.nan)
        ready = gauges["ready"].astype(np.float64)
        in_flight = gauges["in_flight"].astype(np.float64)
    assert (lag >= 0).all(), "lag below zero"
    who = {"system": outcome.system, "group": outcome.group}
    series = pd.DataFrame(
        {
            **who,
            "t_s": t,
            "arrived": arrived,
            "processed": done_by,
            "lag": lag,
            "ready": ready,
            "in_flight": in_flight,
            "position_lag": position_lag,
            "time_lag_s": counts.oldest_s,
            "violations": np.cumsum(counts.violations[:-1]),
        }
    )
    longest_s, last_done_s = counts.longest_s
    after_bugs = righted(outcome.history, replay)
    quantiles = _quantiles(counts.latency, longest_s, processed)
    worst = int(np.argmax(lag)) if t.size else 0
    at_end = min(int(np.searchsorted(t, messages.duration_s)), t.size - 1)
    summary = pd.DataFrame(
        [
            {
                **who,
                "product": outcome.product,
                "kind": outcome.kind,
                "produced": produced,
                "processed": processed,
                "lost": sum(n for fate, n in fates.items() if fate.lost),
                "dead_lettered": fates[Fate.DEAD_LETTERED],
                "unfinished": fates[Fate.UNFINISHED],
                "deliveries": outcome.deliveries,
                "extra_deliveries": outcome.extra_deliveries,
                "double_effects": int(counts.totals[k.EXTRA_EFFECTS]),
                "violations": int(counts.totals[k.VIOLATIONS]),
                "keys_violated": int(counts.key_violated.sum()),
                "wrong_effects": after_bugs.wrong,
                "righted_effects": after_bugs.right,
                "unrecoverable": replay.gone,
                "max_lag": int(lag[worst]),
                "max_lag_at_s": float(t[worst]),
                "lag_at_end_of_arrivals": int(lag[at_end]),
                "max_time_lag_s": float(counts.oldest_s.max()),
                "drain_s": np.inf
                if fates[Fate.UNFINISHED]
                else max(0.0, float(last_done_s) - messages.duration_s),
                "watched_s": max(0.0, float(t[-1]) - messages.duration_s),
                "latency_p50_s": quantiles[int(np.searchsorted(QUANTILES, 0.5))],
                "latency_p99_s": quantiles[int(np.searchsorted(QUANTILES, 0.99))],
                "latency_max_s": quantiles[-1],
                "throughput_peak": float(counts.processed[:-1].max()) / step_s,
                "arrival_peak": float(np.diff(arrived).max(initial=0)) / step_s,
                "consumers": outcome.consumers,
                "messages_per_call": outcome.deliveries / max(1, outcome.calls),
                "late": _later_than(level_s(messages.duration_s), counts.latency),
                "without_reader_s": replay.without_reader_s,
                "longest_without_reader_s": replay.longest_without_reader_s,
            }
        ]
    )
    latency = pd.DataFrame({**who, "q": QUANTILES, "latency_s": quantiles})
    fate_rows = pd.DataFrame(
        [
            {**who, "fate": "lost" if fate.lost else fate.label, "place": fate.place, "messages": n}
            for fate, n in fates.items()
        ]
    )
    none = pd.DataFrame({"system": pd.Series(dtype="str")})
    by_partition = by_burrow = none
    if outcome.offsets is not None:
        status = judged(t, outcome.offsets)
        by_partition = partitions(outcome, outcome.offsets, status)
        by_burrow = burrow(outcome, status)
    return Tables(
        summary=summary,
        series=series,
        latency=latency,
        fates=fate_rows,
        messages=_sample(messages, order_by, outcome),
        faults=faults_table(outcome.system, []),
        ledger=none,
        books=none,
        producer=none,
        buffer=none,
        requests=pd.DataFrame(
            [
                {**who, "request": request, "calls": calls}
                for request, calls in outcome.requests.items()
            ]
            or none
        ),
        partitions=by_partition,
        burrow=by_burrow,
        duration_s=messages.duration_s,
    )


def _count(
    messages: Messages, order_by: Sequence[str], outcome: GroupOutcome, step_s: float
) -> k.Counts:
    key_of, names = messages.keys_by(order_by)
    keys = len(names)
    grid = outcome.gauges_t_s.size
    counts = k.Counts(
        processed=np.zeros(grid + 1, np.int64),
        violations=np.zeros(grid + 1, np.int64),
        oldest_s=np.zeros(grid),
        latency=np.zeros(k.LATENCY_BINS, np.int64),
        fates=np.zeros(len(Fate), np.int64),
        key_violated=np.zeros(keys, np.uint8),
        totals=np.zeros(k.TOTALS, np.int64),
        longest_s=np.zeros(2),
    )
    as_float = np.zeros(1, np.float32)
    k.count(
        messages.created_s,
        messages.entity,
        key_of,
        outcome.done_s,
        outcome.effects,
        outcome.fate,
        step_s,
        int(Fate.UNFINISHED),
        (as_float, as_float.view(np.uint32)),
        np.full(keys, np.inf),
        counts,
    )
    return counts


def _quantiles(histogram: NDArray[np.int64], longest_s: float, n: int) -> NDArray[np.float64]:
    """[QUANTILES] latencies, s: the middle of the bin that holds each; the last is exact."""
    if n == 0:
        return np.full(QUANTILES.size, np.nan)
    rank = np.ceil(QUANTILES * n).clip(1)
    bins = np.searchsorted(np.cumsum(histogram), rank)
    middle = (bins.astype(np.uint32) << k.LATENCY_SHIFT) + np.uint32(1 << (k.LATENCY_SHIFT - 1))
    out: NDArray[np.float64] = middle.view(np.float32).astype(np.float64)
    out[-1] = longest_s
    out[out > longest_s] = longest_s
    return out


def level_s(duration_s: float) -> float:
    """How far behind still counts as level, s: 1 % of the time of arrivals, at least 1 s."""
    return max(1.0, 0.01 * duration_s)


def _later_than(seconds: float, histogram: NDArray[np.int64]) -> int:
    """Messages with a latency of more than that, to the width of a bin."""
    first = int(np.float32(seconds).view(np.uint32)) >> k.LATENCY_SHIFT
    return int(histogram[first + 1 :].sum())


def _sample(messages: Messages, order_by: Sequence[str], outcome: GroupOutcome) -> pd.DataFrame:
    rows = np.arange(0, len(messages), -(-len(messages) // SAMPLE) or 1)
    key_of, names = messages.keys_by(order_by)
    words = np.array([fate.label for fate in Fate])
    return pd.DataFrame(
        {
            "system": outcome.system,
            "group": outcome.group,
            "message": rows,
            "created_s": messages.created_s[rows],
            "key": [names[key] for key in key_of[messages.entity[rows]]],
            "done_s": outcome.done_s[rows],
            "effects": outcome.effects[rows],
            "fate": words[outcome.fate[rows]],
        }
    )
