"""Lag that was measured, laid over that of a run on the same axes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.charts.files import FORMATS, write
from sim.charts.labels import Line, name_lines
from sim.charts.over_time import (
    counts_axis,
    draw,
    durations_axis,
    finish,
    highest,
    new_page,
    places,
    time_axis,
)
from sim.charts.page import MEASURED, style
from sim.charts.quantiles import latency
from sim.foundation.errors import LabError, unknown
from sim.foundation.text import count, duration
from sim.imports.measured import instant
from sim.words import findings
from sim.words.standings import in_each

if TYPE_CHECKING:
    from sim.imports.measured import Measured
    from sim.measure.tables import Tables


@dataclass(frozen=True)
class _Quantity:
    """What is on the y axis."""

    column: Literal["lag", "time_lag_s"]
    worst: str
    """Its largest value in the summary."""
    say: Callable[[float], str]
    scale: Callable[[Sequence[Axes], float], None]
    about: Callable[[pd.DataFrame], str]
    what: str
    y_label: str


_LAG = _Quantity(
    "lag",
    "max_lag",
    count,
    counts_axis,
    findings.about_lag,
    "Consumer lag or queue depth",
    "messages",
)
_TIME_LAG = _Quantity(
    "time_lag_s", "max_time_lag_s", duration, durations_axis, findings.about_time_lag,
    "Age of the oldest message", "age of oldest message",
)  # fmt: skip


def measured_lag(
    tables: "Tables",
    measured: "Measured",
    start: str | pd.Timestamp | None = None,
    axes: Sequence[Axes] | None = None,
    *,
    title: str = "",
) -> list[Axes]:
    """Messages waiting, as `over_time.lag` draws them, and as they were measured.

    A measured group is drawn where `places` says.

    Args:
        tables: of the run.
        measured: what to lay over it.
        start: the moment at which the run begins; None: the first sample.
        axes: one per system; None: a page of its own.
        title: which run it is.
    """
    return _lay(tables, measured, start, axes, title, _LAG)


def measured_time_lag(
    tables: "Tables",
    measured: "Measured",
    start: str | pd.Timestamp | None = None,
    axes: Sequence[Axes] | None = None,
    *,
    title: str = "",
) -> list[Axes]:
    """Age of the oldest unprocessed message, likewise; the arguments are those of `measured_lag`.

    The run's is that of the oldest message created and not yet processed, which a tool that knows
    only the queue reports a little lower.
    """
    return _lay(tables, measured, start, axes, title, _TIME_LAG)


def write_measured(
    tables: "Tables",
    measured: "Measured",
    start: str | None,
    folder: Path,
    *,
    title: str,
    formats: Sequence[str] = FORMATS,
    groups: Sequence[str] = (),
) -> list[Path]:
    """Write a chart of each quantity that was measured to `folder`; returns the files.

    With `groups`, of those alone.

    Raises:
        LabError: the run has no such group.
    """
    tables = _only(tables, groups)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with style():
        for quantity in (_LAG, _TIME_LAG):
            if measured.measures(quantity.column):
                figure = _lay(tables, measured, start, None, title, quantity)[0].figure
                assert isinstance(figure, Figure)
                name = quantity.column.removesuffix("_s")
                paths += write(figure, folder / f"{name}_measured", formats)
        if measured.latency:
            figure = latency(tables, title=title, measured=measured)[0].figure
            assert isinstance(figure, Figure)
            paths += write(figure, folder / "latency_measured", formats)
    return paths


def _only(tables: "Tables", groups: Sequence[str]) -> "Tables":
    """The tables with these groups alone; with all if none is named."""
    known = [str(group) for group in tables.summary["group"].unique()]
    for group in groups:
        if group not in known:
            raise LabError(f"--group: {unknown('group', group, known)}")
    if not groups:
        return tables

    def its(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["group"].isin(groups)].reset_index(drop=True)

    return replace(
        tables,
        summary=its(tables.summary),
        series=its(tables.series),
        latency=its(tables.latency),
    )


def as_sampled(series: pd.DataFrame, every_s: float) -> pd.DataFrame:
    """The series as who looks every so often sees it; itself if it is no finer.

    Args:
        series: as in `sim.measure.tables.Tables`.
        every_s: from 0 on; at each of these times the newest row of each group is seen.
    """
    times = np.unique(series["t_s"].to_numpy(float))
    if len(times) < 3 or not every_s > 1.5 * float(np.median(np.diff(times))):
        return series
    looks = np.arange(0, times[-1] + every_s, every_s)

    def seen(rows: pd.DataFrame) -> pd.DataFrame:
        at = np.searchsorted(rows["t_s"].to_numpy(float), looks + 1e-9) - 1
        last = int(np.searchsorted(looks, rows["t_s"].iloc[-1]))
        at = at[: last + 1]
        return rows.iloc[at[at >= 0]].assign(t_s=looks[: last + 1][at >= 0])

    whose = series.groupby(["system", "group"], sort=False)
    return pd.concat([seen(rows) for _, rows in whose], ignore_index=True)


def _lay(
    tables: "Tables",
    measured: "Measured",
    start: str | pd.Timestamp | None,
    axes: Sequence[Axes] | None,
    title: str,
    quantity: _Quantity,
) -> list[Axes]:
    lines = measured.lines(quantity.column, start)
    time = time_axis(tables)
    gaps = np.concatenate([[], *(np.diff(t) for t, _ in lines.values())])
    every_s = float(np.median(gaps)) if gaps.size else 0.0
    seen = as_sampled(tables.series, every_s)
    looked = f"the run is looked at every {duration(every_s)}, as it was" * (
        seen is not tables.series
    )
    tables = replace(tables, series=seen)
    tops_of = seen.groupby(["system", "group"])[quantity.column].max()
    inside = {
        name: (t[keep] / time.unit_s, value[keep])
        for name, (t, value) in lines.items()
        for keep in [(t >= 0) & (t <= time.end_s)]
    }
    outside = sum(len(t) - len(inside[name][0]) for name, (t, _) in lines.items())
    tops = {name: float(value.max(initial=0.0)) for name, (_, value) in lines.items()}
    axes = axes or new_page(
        tables,
        f"{quantity.about(tables.summary)}; measured: {_said(tops, quantity)}",
        title,
        quantity.what,
        _note(measured, start, outside, looked),
    )

    def top_of(row: pd.Series) -> str:
        return f"max {quantity.say(float(tops_of.get((row['system'], row['group']), 0.0)))}"

    drawn = [value.max(initial=0.0) for _, value in inside.values()]
    quantity.scale(axes, max([highest(tables, quantity.column), *map(float, drawn)]))
    named = draw(tables, axes, quantity.column, top_of)
    for ax, those, names in zip(axes, named, places(tables, measured.kind, lines), strict=True):
        for name in names:
            x, y = inside[name]
            ax.plot(x, y, color=MEASURED, lw=1.0, ls=(0, (4, 2)), marker="o", ms=2.2, zorder=4)
            top = f"max {quantity.say(y.max())}" if y.size else ""
            those.append(Line(x, y, f"measured {name}", MEASURED, top, alone=True))
    finish(tables, axes, quantity.y_label)
    for ax, those in zip(axes, named, strict=True):
        name_lines(ax, those)
    return list(axes)


def _said(tops: dict[str, float], quantity: _Quantity) -> str:
    if not tops:
        return "nothing"
    falling = sorted(((top, name) for name, top in tops.items()), key=lambda pair: -pair[0])
    return in_each(falling, quantity.say)


def _note(measured: "Measured", start: str | pd.Timestamp | None, outside: int, looked: str) -> str:
    zero = measured.start if start is None else instant(start)
    words = [f"Measured: {measured.source}, from {zero:%Y-%m-%d %H:%M:%S} UTC on", *measured.notes]
    if looked:
        words.append(looked)
    if outside:
        words.append(f"{count(outside)} sample{'s' * (outside > 1)} before or after the run")
    return "; ".join(words) + "."
