"""The tables of a run, and who makes which. Every number is defined where it is computed:

- ``summary``: `summary`, from `processed_or_lost` (produced, processed, lost, dead-lettered,
  unfinished), `deliveries` (deliveries, double effects), `order` (violations), `wrong_effects`
  (what bugs spoil and seeks put right), `lag` (most messages waiting, time lag), `drain`,
  `latency` (quantiles, late), `series` (peaks), `rates` (speed while a backlog stands).
- ``series``: `series` and `lag`. ``latency``: `latency`. ``fates``: `processed_or_lost`.
  ``messages``: `sampled_messages`. ``requests``: `requests`. ``partitions``: `partitions`.
  ``burrow``: `burrow`. ``faults``: `incidents`. ``ledger`` and ``books``: `books`.
- ``waits``: `waits`. ``limits``: `limits`. ``workers``: `workers`. ``shown``: `shown`.
- ``pipeline``: `sim.measure.pipeline`;
- ``silences``: `sim.words.silence`.
- ``producer`` and ``buffer`` come from the publisher, which measures itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sim.engine.outcome import GroupOutcome
from sim.injection.replay import Replay
from sim.ledger.book import Ledger
from sim.measure.books import books_table, ledger_table
from sim.measure.burrow import burrow_table, judged
from sim.measure.fold import Fold
from sim.measure.lag import lag_of
from sim.measure.latency import latency_table, quantiles
from sim.measure.limits import limits_table
from sim.measure.partitions import partitions_table
from sim.measure.processed_or_lost import fates_table
from sim.measure.requests import requests_table
from sim.measure.series import series_table
from sim.measure.shown import Chosen, shown_table
from sim.measure.summary import summary_table
from sim.measure.waits import waits_table
from sim.measure.workers import workers_table
from sim.scenario.shows import Shown
from sim.traffic.messages import Messages

_NO_REPLAY = Replay()

Frames = Mapping[str, pd.DataFrame]
"""Some of the tables, by their names in `Tables`."""


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
    """Offsets and lag of a log's partitions at some times ``t_s``."""
    burrow: pd.DataFrame
    """Burrow's status of each group of a log at each time ``t_s``."""
    silences: pd.DataFrame
    """What each system did not do of what it was asked: a ``text`` each. Seldom any."""
    waits: pd.DataFrame
    """Where the time of the messages went: a row per (system, group, part)."""
    limits: pd.DataFrame
    """A row per limit that acted: key, value, target, how often, when first and last."""
    workers: pd.DataFrame
    """What the consumers of each group did with their time: a row per (system, group, activity)."""
    shown: pd.DataFrame
    """The number that the scenario is about, if it says of one: a row per (system, group)."""
    pipeline: pd.DataFrame
    """Of the stages of a pipeline, what became of the workload's messages end to end: a row per
    (system, group), see `sim.measure.pipeline`."""
    duration_s: float
    """When arrivals ended."""

    producer: pd.DataFrame
    """A row per system with a publisher: records accepted, acked, appended, lost and repeated."""
    buffer: pd.DataFrame
    """Records ``remaining`` in the client (buffer.remaining) at each time ``t_s``, and the input
    offset ``committed``, per system with a publisher."""

    FRAMES = (
        "summary", "series", "latency", "fates", "messages", "faults", "ledger", "books",
        "producer", "buffer", "requests", "partitions", "burrow", "silences", "waits", "limits",
        "workers", "shown", "pipeline",
    )  # fmt: skip

    @classmethod
    def of(cls, duration_s: float, parts: Iterable[Frames]) -> "Tables":
        """Put tables together: of each name, the rows of all parts that have it, in their order.

        Args:
            duration_s: when arrivals ended.
            parts: of several groups or systems; a table that none of them has is `no_rows`.
        """
        found: dict[str, list[pd.DataFrame]] = {name: [] for name in cls.FRAMES}
        for part in parts:
            for name, frame in part.items():
                found[name].append(frame)
        return cls(
            **{name: _below(frames) for name, frames in found.items()}, duration_s=duration_s
        )

    @property
    def frames(self) -> Frames:
        """Each table by its name."""
        return {name: getattr(self, name) for name in self.FRAMES}


def no_rows() -> pd.DataFrame:
    """A table of which a run has nothing: whoever reads one asks for its length first."""
    return pd.DataFrame({"system": pd.Series(dtype="str")})


def _below(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below each other; those without rows count only where all are, for their columns."""
    full = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(full, ignore_index=True) if full else no_rows()


def combine(parts: Sequence[Tables]) -> Tables:
    """One set of tables from those of several systems, in their order."""
    return Tables.of(parts[0].duration_s, [part.frames for part in parts])


def measure(
    messages: Messages,
    order_by: Sequence[str] | None,
    outcome: GroupOutcome,
    replay: Replay = _NO_REPLAY,
    kept: Ledger | None = None,
    fold: Fold | None = None,
    shown: Shown | None = None,
    chosen: Chosen | None = None,
    allowed_s: float | None = None,
) -> Frames:
    """The tables of one group.

    Args:
        messages: what was produced, or what is left of it after ``fold``.
        order_by: key dimensions that make the key within which order matters; None: no order
            is counted.
        outcome: what became of the messages. Its gauges are on the grid 0, step, 2 step, ….
        replay: what its bugs and seeks came to.
        kept: its books, if it keeps some.
        fold: the messages before these, which were taken while the system ran; None: there are
            none.
        shown: what the scenario is about.
        chosen: the messages of whose latency it is, if ``fold`` is not given.
        allowed_s: delay that the needs allow; None: they say nothing.

    Raises:
        AssertionError: the fates do not add up to what was produced (conservation).
    """
    who = {"system": outcome.system, "group": outcome.group}
    t_s = outcome.gauges_t_s
    if fold is None:
        fold = Fold(messages, order_by, t_s, len(messages), chosen)
    fold.add(messages, outcome, len(messages))
    counted = fold.counted(t_s.size)
    waiting = lag_of(outcome, counted)
    latencies_s = quantiles(counted)
    frames = {
        "summary": summary_table(
            who, outcome, replay, counted, waiting, latencies_s, messages.duration_s, allowed_s
        ),
        "series": series_table(who, t_s, counted, waiting),
        "latency": latency_table(who, latencies_s),
        "fates": fates_table(who, counted.fates),
        "messages": fold.sampled(who),
    }
    if outcome.requests:
        frames["requests"] = requests_table(who, outcome.requests)
    if fold.spent.processed:
        frames["waits"] = waits_table(who, fold.spent)
    if outcome.limits:
        total_s = fold.spent.total_s if fold.spent.processed else None
        limits = limits_table(who, outcome.limits, total_s)
        if len(limits):
            frames["limits"] = limits
    if outcome.spent_by_consumers:
        frames["workers"] = workers_table(who, outcome.spent_by_consumers)
    if outcome.offsets is not None:
        status = judged(t_s, outcome.offsets)
        frames["partitions"] = partitions_table(outcome, outcome.offsets, status)
        frames["burrow"] = burrow_table(outcome, status)
    if kept is not None:
        frames["ledger"] = ledger_table(who, kept)
        frames["books"] = books_table(who, kept)
    if shown is not None:
        summary, ledger = frames["summary"], frames.get("ledger")
        frames["shown"] = shown_table(who, shown, summary, ledger, fold.latency, counted)
    return frames
