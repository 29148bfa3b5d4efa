"""Lag that was measured, laid over that of a run on the same axes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
) -> list[Path]:
    """Write a chart of each quantity that was measured to `folder`; returns the files."""
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
        _note(measured, start, outside),
    )
    named = draw(
        tables, axes, quantity.column, lambda row: f"max {quantity.say(row[quantity.worst])}"
    )
    for ax, those, names in zip(axes, named, places(tables, measured.kind, lines), strict=True):
        for name in names:
            x, y = inside[name]
            ax.plot(x, y, color=MEASURED, lw=1.0, ls=(0, (4, 2)), marker="o", ms=2.2, zorder=4)
            top = f"max {quantity.say(y.max())}" if y.size else ""
            those.append(Line(x, y, f"measured {name}", MEASURED, top, alone=True))
    drawn = [value.max(initial=0.0) for _, value in inside.values()]
    quantity.scale(axes, max([highest(tables, quantity.column), *map(float, drawn)]))
    finish(tables, axes, quantity.y_label)
    for ax, those in zip(axes, named, strict=True):
        name_lines(ax, those)
    return list(axes)


def _said(tops: dict[str, float], quantity: _Quantity) -> str:
    if not tops:
        return "nothing"
    falling = sorted(((top, name) for name, top in tops.items()), key=lambda pair: -pair[0])
    return in_each(falling, quantity.say)


def _note(measured: "Measured", start: str | pd.Timestamp | None, outside: int) -> str:
    zero = measured.start if start is None else instant(start)
    words = [f"Measured: {measured.source}, from {zero:%Y-%m-%d %H:%M:%S} UTC on", *measured.notes]
    if outside:
        words.append(f"{count(outside)} sample{'s' * (outside > 1)} before or after the run")
    return "; ".join(words) + "."
