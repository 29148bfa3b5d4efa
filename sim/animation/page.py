"""The difference between a log and a queue, to be watched: what stays, what goes, who is where.

A log is drawn as its partitions: records stay where they are, and a cursor per group moves over
them. A queue is drawn on the same scale: a message is there until it is deleted. Both are read off
the tables of a run, over a span of time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64, I64
from sim.foundation.errors import LabError
from sim.foundation.text import clock, count, duration
from sim.words.findings import headline

if TYPE_CHECKING:
    from sim.measure.tables import Tables

PAGE, GIF = "animation.html", "animation.gif"
SHARE = 6
"""The part of the time of arrivals that is shown when only one end is given: one in this many."""
TOLD = 0.01
"""Share of the messages, or of the time of arrivals, from which a backlog is worth a pause."""
FRAMES = 240
"""At most."""
ENOUGH = 8
"""Samples of the partitions in a span, with fewer than which they are shown as one."""


@dataclass(frozen=True)
class ShownGroup:
    """Where a consumer group is in each partition of a log."""

    name: str
    committed: I64
    """[frames, partitions] offset."""
    position: I64
    """[frames, partitions] offset of the next record to be handed over."""


@dataclass(frozen=True)
class ShownLog:
    """A log and the groups that read it."""

    system: str
    start: I64
    """[frames, partitions] first offset that is still there."""
    end: I64
    """[frames, partitions] offset of the next record."""
    groups: tuple[ShownGroup, ...]

    @property
    def parts(self) -> int:
        """Partitions shown."""
        return int(self.end.shape[1])

    @property
    def furthest_behind(self) -> int:
        """At first, in messages, if every partition were like the one that is."""
        committed = np.min([group.committed[0] for group in self.groups], axis=0)
        return int((self.end[0] - committed).max()) * self.parts


@dataclass(frozen=True)
class ShownQueue:
    """A queue; in messages since the start."""

    system: str
    name: str
    gone: I64
    """[frames] deleted, or lost."""
    in_flight: I64
    """[frames]"""
    ready: I64
    """[frames]"""

    @property
    def end(self) -> I64:
        """[frames] all that came since the start."""
        return self.gone + self.in_flight + self.ready


@dataclass(frozen=True)
class Scene:
    """A span of a run."""

    t_s: F64
    """[frames]"""
    logs: tuple[ShownLog, ...]
    queues: tuple[ShownQueue, ...]
    story: tuple[tuple[float, str], ...]
    """(s, what happened or was reached then), by time."""
    end: str
    """The finding of the run, told when all has been shown; empty of a part of it."""

    @property
    def first(self) -> int:
        """The number of the message at the left edge, the same in every row: none is behind it."""
        ends = [int(queue.end[0]) for queue in self.queues]
        ends += [int(log.end[0].sum()) for log in self.logs]
        behind = [int(queue.end[0] - queue.gone[0]) for queue in self.queues]
        behind += [log.furthest_behind for log in self.logs]
        return max(min(ends) - max(behind), 0)

    def origin(self, log: ShownLog) -> I64:
        """[partitions] offsets at the left edge, so that at first all partitions end together."""
        shown = int(log.end[0].sum()) - self.first
        return np.asarray(log.end[0] - shown // log.parts)

    @property
    def messages(self) -> int:
        """What the width of a row stands for, unless it shows a partition."""
        spans = [int(queue.end[-1]) - self.first for queue in self.queues]
        return max([1, *spans, *(self.longest(log) for log in self.logs if log.parts == 1)])

    def longest(self, log: ShownLog) -> int:
        """What the longest of its partitions comes to."""
        return int((log.end[-1] - self.origin(log)).max(initial=1))

    def width(self, row: ShownQueue | ShownLog) -> int:
        """What the width of this row stands for, or of each partition in it, in messages."""
        if isinstance(row, ShownLog) and row.parts > 1:
            return self.longest(row)
        return self.messages


def scene(tables: "Tables", from_s: float | None = None, until_s: float | None = None) -> Scene:
    """What happened from `from_s` to `until_s`; by default, in the whole run.

    Of the whole run all rows are on one scale, and each log is drawn as one; of a part of it, the
    partitions are.

    Raises:
        LabError: the run was not sampled twice in that span.
    """
    first_s, last_s = _span(tables, from_s, until_s)
    whole = from_s is None and until_s is None
    inside = tables.series["t_s"].between(first_s, last_s)
    t_s = np.unique(tables.series["t_s"][inside].to_numpy(float))
    if t_s.size < 2:
        end_s = float(tables.series["t_s"].max())
        raise LabError(
            f"nothing to see from {clock(first_s)} to {clock(last_s)}; the run was watched from "
            f"{clock(0)} to {clock(end_s)}"
        )
    t_s = t_s[np.unique(np.linspace(0, t_s.size - 1, min(FRAMES, t_s.size)).astype(int))]
    logs, queues = [], []
    for system, rows in tables.summary.groupby("system", sort=False):
        if rows["kind"].iloc[0] == "log":
            logs.append(_log(tables, str(system), rows, t_s, whole))
        else:
            queues += [_queue(tables, str(system), str(name), t_s) for name in rows["group"]]
    told = sorted(
        (at_s, words) for at_s, words in _story(tables, whole) if first_s <= at_s <= last_s
    )
    end = headline(tables.summary, tables.duration_s, tables.shown) if whole else ""
    return Scene(t_s, tuple(logs), tuple(queues), tuple(told), end)


def _story(tables: "Tables", whole: bool) -> Iterator[tuple[float, str]]:
    """Faults; of a whole run the end of arrivals, and of backlogs the height and the end, too."""
    for t_s, system, words in zip(
        *(tables.faults[name] for name in ("t_s", "system", "text")), strict=True
    ):
        yield float(t_s), f"{system}: {words}"
    if not whole:
        return
    end_s, came = tables.duration_s, tables.series["arrived"].max()
    yield end_s, "arrivals end"
    for name, rows in tables.summary.groupby("system", sort=False):
        system, groups = str(name), [str(group) for group in rows["group"]]
        lag, at_s, drain_s = (
            rows[column].to_numpy(float) for column in ("max_lag", "max_lag_at_s", "drain_s")
        )
        worst, slowest = int(lag.argmax()), int(drain_s.argmax())
        if lag[worst] > TOLD * came:
            waits = f"{system}: {count(lag[worst])} messages wait in {groups[worst]}, the most"
            yield float(at_s[worst]), waits
        if TOLD * end_s < drain_s[slowest] < np.inf:
            after = f"{duration(drain_s[slowest])} after arrivals ended"
            yield end_s + float(drain_s[slowest]), f"{system}: {groups[slowest]} is level, {after}"


def _span(tables: "Tables", from_s: float | None, until_s: float | None) -> tuple[float, float]:
    length_s = tables.duration_s / SHARE
    if from_s is not None:
        return from_s, from_s + length_s if until_s is None else until_s
    if until_s is not None:
        return max(0.0, until_s - length_s), until_s
    return 0.0, float(tables.series["t_s"].max()) if len(tables.series) else 0.0


def _sampled(rows: pd.DataFrame, t_s: F64) -> pd.DataFrame:
    """The rows at `t_s`; where a system was no longer watched, its last."""
    at = np.searchsorted(rows["t_s"].to_numpy(), t_s + 1e-9) - 1
    return rows.iloc[at.clip(0, len(rows) - 1)]


def _of(frame: pd.DataFrame, system: str, group: str) -> pd.DataFrame:
    return frame[(frame["system"] == system) & (frame["group"] == group)]


def _queue(tables: "Tables", system: str, name: str, t_s: F64) -> ShownQueue:
    rows = _sampled(_of(tables.series, system, name), t_s)
    in_flight = rows["in_flight"].to_numpy(float).astype(np.int64)
    lag = rows["lag"].to_numpy(np.int64)
    gone = np.maximum.accumulate(np.maximum(rows["arrived"].to_numpy(np.int64) - lag, 0))
    return ShownQueue(system, name, gone, in_flight, lag - in_flight)


def _log(tables: "Tables", system: str, rows: pd.DataFrame, t_s: F64, as_one: bool) -> ShownLog:
    """Its partitions if they were sampled often enough; else, or if so wished, all as one."""
    names = [str(name) for name in rows["group"]]
    parts = tables.partitions
    if len(parts) and not as_one:
        parts = parts[parts["system"] == system]
        seen = parts["t_s"].between(t_s[0], t_s[-1])
        if parts["t_s"][seen].nunique() >= ENOUGH and set(names) <= set(parts["group"]):
            return _partitions(parts, system, names, t_s)
    groups = []
    for name in names:
        sampled = _sampled(_of(tables.series, system, name), t_s)
        end = sampled["arrived"].to_numpy(np.int64)[:, None]
        behind = sampled["lag"].to_numpy(np.int64)[:, None]
        ahead = sampled["position_lag"].fillna(sampled["lag"]).to_numpy(np.int64)[:, None]
        groups.append(ShownGroup(name, end - behind, end - ahead))
    return ShownLog(system, np.zeros_like(end), end, tuple(groups))


def _partitions(parts: pd.DataFrame, system: str, names: Sequence[str], t_s: F64) -> ShownLog:
    """Offsets at `t_s`, between samples as if they moved evenly."""

    def at(group: str, column: str) -> I64:
        rows = parts[parts["group"] == group]
        wide = rows.pivot(index="t_s", columns="partition", values=column).sort_index()
        seen_s = wide.index.to_numpy(float)
        return np.column_stack(
            [np.interp(t_s, seen_s, wide[p].to_numpy(float)).round() for p in wide]
        ).astype(np.int64)

    start, end = at(names[0], "log_start"), at(names[0], "log_end")
    groups = []
    for name in names:
        # Where nothing is committed, or handed over, the offset is below 0.
        committed = np.clip(at(name, "committed"), start, end)
        groups.append(ShownGroup(name, committed, np.clip(at(name, "position"), committed, end)))
    return ShownLog(system, start, end, tuple(groups))


def page(shown: Scene, title: str, about: str = "") -> str:
    """The scene as a page with a slider; it needs no network and no other file.

    Args:
        shown: what moves.
        title: which run it is.
        about: what its scenario asks, above that.
    """

    def text(name: str) -> str:
        return files(__package__).joinpath(name).read_text(encoding="utf-8")

    return Template(text("page.html")).substitute(
        title=escape(title),
        about=escape(about or title),
        span=escape(f"{clock(shown.t_s[0])} to {clock(shown.t_s[-1])}"),
        style=text("page.css"),
        scene=json.dumps(_plain(shown), separators=(",", ":")).replace("<", "\\u003c"),
        script=text("page.js"),
        last=len(shown.t_s) - 1,
    )


def cell(width: int) -> int:
    """How many messages a cell stands for: a round number, some 60 cells to a row of `width`."""
    step = max(width / 60, 1)
    power = 10 ** int(np.floor(np.log10(step)))
    return int(min(m * power for m in (1, 2, 5, 10) if m * power >= step))


def _plain(shown: Scene) -> dict[str, Any]:
    return {
        "t": np.round(shown.t_s, 3).tolist(),
        "first": shown.first,
        "logs": [_plain_log(log, shown) for log in shown.logs],
        "queues": [
            {
                "system": queue.system,
                "name": queue.name,
                "width": shown.messages,
                "cell": cell(shown.messages),
                "gone": (queue.gone - shown.first).tolist(),
                "flying": queue.in_flight.tolist(),
                "ready": queue.ready.tolist(),
            }
            for queue in shown.queues
        ],
        "story": [list(event) for event in shown.story],
        "end": shown.end,
    }


def _plain_log(log: ShownLog, shown: Scene) -> dict[str, Any]:
    origin = shown.origin(log)
    return {
        "system": log.system,
        "width": shown.width(log),
        "cell": cell(shown.width(log)),
        "before": int(origin.sum()),
        "start": (log.start - origin).tolist(),
        "end": (log.end - origin).tolist(),
        "groups": [
            {
                "name": group.name,
                "committed": (group.committed - origin).tolist(),
                "position": (group.position - origin).tolist(),
            }
            for group in log.groups
        ],
    }
