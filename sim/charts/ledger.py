"""What a run with ledgers did: records waiting in clients, errors of books, harms and their price.

Over time, a panel per system on the same axes; as counts, a row per system in the order of the
scenario, so that each row differs by one change from the row above (`sim.words.ladder`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.labels import Line, name_lines
from sim.charts.over_time import counts_axis, draw, finish, highest, new_page, systems
from sim.charts.page import INK, MUTED, PALETTE, sheet, width_pt
from sim.charts.quantiles import DECADES_S
from sim.foundation.arrays import F64, Bools
from sim.foundation.text import count, duration, money, share, tick
from sim.words import ladder

if TYPE_CHECKING:
    from sim.measure.tables import Tables

ALARM = "#b03030"
ROW_IN, BETWEEN_IN = 0.25, 0.3
NAME_SIZE = 8.5
NUMBER_SIZE = 8.0

BUFFER_NOTE = (
    "buffer.remaining: records that the client accepted and that neither were acknowledged nor "
    "failed; a process that dies takes them with it."
)
BOOKS_NOTE = (
    "Misstatement: the sum over entities of |booked - should be|. What was created and is not "
    "booked yet counts, so books that end up right are wrong by what is under way."
)
HARMS_NOTE = (
    "Duplicates applied: processed again. "
    "Out of order: processed after a later message of the same key. "
    "Illegal: applied without the state before. Each column has a scale of its own."
)
PRICE_NOTE = (
    "Throughput: records acknowledged per second while input lasted; of a system without a client, "
    "messages processed per second until the last was. Latency: created to first processed, at "
    "most this for half and for 99 % of the messages processed. In brackets, against the row above."
)


def buffer(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Records in the client of each system that has one, with the alarm's threshold if known."""
    clients = tables.producer.set_index("system")
    peak = tables.buffer.groupby("system", sort=False)["remaining"].max()
    rows = pd.DataFrame({"system": peak.index, "group": "buffer.remaining"})
    rows = rows.assign(peak=peak.to_numpy(), lost=clients["lost_buffer"].reindex(peak.index).array)
    seen = _seen_as(replace(tables, faults=_of_clients(tables)), rows, tables.buffer)
    axes = axes or new_page(
        seen, ladder.about_buffer(tables), title, "Records in clients", BUFFER_NOTE, per="system"
    )
    thresholds = clients["alarm_over"].to_dict() if "alarm_over" in clients else {}
    top = max(highest(seen, "remaining"), *(float(over) for over in thresholds.values()), 0.0)
    counts_axis(axes, top)
    lines = draw(seen, axes, "remaining", _buffer_words)
    finish(seen, axes, "records")
    for ax, system, those in zip(axes, systems(seen), lines, strict=True):
        if system in thresholds:
            x, y = np.array(ax.get_xlim()), np.full(2, float(thresholds[system]))
            ax.plot(x, y, color=ALARM, lw=0.9, ls=(0, (1, 1.5)), zorder=2)
            words = f"alarm over {count(thresholds[system])}"
            those = [*those, Line(x, y, words, ALARM, alone=True)]
        name_lines(ax, those)
    return list(axes)


def _of_clients(tables: "Tables") -> pd.DataFrame:
    """The faults, but for those of consumers, which would crowd out the names of the others."""
    groups = tables.summary.groupby("system")["group"].agg(set).to_dict()
    faults = tables.faults
    others = [
        groups.get(system, set()).isdisjoint(re.findall(r"[\w-]+", text))
        for system, text in zip(faults["system"], faults["text"], strict=True)
    ]
    return faults[np.array(others, np.bool_)]


def _buffer_words(row: "pd.Series[int]") -> str:
    lost = row["lost"]
    return f"max {count(row['peak'])}" + (f", {count(lost)} lost" if lost > 0 else "")


def books(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """By how much money the books of each group are wrong; logarithmic above 10 if need be."""
    series = tables.books.assign(misstatement=tables.books["misstatement_cents"] / 100)
    seen = _seen_as(tables, tables.ledger, series)
    finding = ladder.about_books(ladder.rungs(tables))
    axes = axes or new_page(
        seen, finding, title, "Error of the books, in money,", BOOKS_NOTE, per="system"
    )
    counts_axis(axes, highest(seen, "misstatement"))
    lines = draw(
        seen, axes, "misstatement", lambda row: f"{money(row['misstatement_cents'])} at the end"
    )
    finish(seen, axes, "misstatement")
    for ax, those in zip(axes, lines, strict=True):
        name_lines(ax, those, prefer="end")
    return list(axes)


def _seen_as(tables: "Tables", rows: pd.DataFrame, series: pd.DataFrame) -> "Tables":
    """Other numbers in the places of summary and series, for the functions of `over_time`."""
    if "group" not in series:
        series = series.assign(group="buffer.remaining")
    return replace(tables, summary=rows, series=series)


def harms(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Bars of what went wrong: a row per system, a column per harm, each with its own scale.

    `axes`, if given, are as many as `harm_columns` has columns.
    """
    steps = ladder.rungs(tables)
    columns, nowhere = harm_columns(steps)
    places = ladder.places_lost(tables)
    note = HARMS_NOTE + (f" None anywhere: {', '.join(nowhere)}." if nowhere else "")
    axes = axes or _rows_page(
        tables, len(columns), ladder.about_harms(steps), "Harms", note, title, len(places)
    )
    for ax, column in zip(axes, columns, strict=True):
        heading, unit = COLUMNS[column]
        values = steps[column].to_numpy(np.float64) / (100 if unit == "money" else 1)
        stack = [n.astype(float) for n in places.values()] if column == "lost" else [values]
        words = [_say_harm(column, value) for value in steps[column]]
        _bars(ax, stack, words)
        ax.set_title(heading)
        ax.set_xlabel(unit)
        ax.xaxis.set_major_locator(MaxNLocator(2, integer=unit != "money", steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
        if column == "lost":
            _name_places(ax, list(places))
    _name_rows(axes[0], [str(system) for system in steps["system"]])
    return list(axes)


COLUMNS = {
    "lost": ("lost", "messages"),
    "dead_lettered": ("dead-lettered", "messages"),
    "unfinished": ("unfinished", "messages"),
    "duplicates_appended": ("twice in the log", "records"),
    "double_effects": ("repeats", "times"),
    "double_postings": ("posted again", "postings"),
    "violations": ("out of order", "messages"),
    "illegal_transitions": ("illegal", "transitions"),
    "entities_wrong": ("wrong state", "entities"),
    "misstatement_cents": ("misstatement", "money"),
}
"""Column of the rungs -> its heading and unit."""
ALWAYS = ("lost", "double_effects", "illegal_transitions", "entities_wrong", "misstatement_cents")
"""Shown even where there is none."""


def harm_columns(steps: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The columns to show, and the headings of those left out since no system has any of it."""
    shown = [column for column in COLUMNS if column in ALWAYS or steps[column].any()]
    return shown, [heading for column, (heading, _) in COLUMNS.items() if column not in shown]


def _say_harm(column: str, value: float) -> str:
    return money(value) if column == "misstatement_cents" else count(value)


def price(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Throughput and latencies of each system, on three axes; latency is logarithmic."""
    steps = ladder.rungs(tables)
    finding = ladder.about_price(steps)
    axes = axes or _rows_page(tables, len(ladder.PRICES), finding, "Price", PRICE_NOTE, title)
    for ax, (column, (noun, say)) in zip(axes, ladder.PRICES.items(), strict=True):
        values = steps[column].to_numpy(np.float64)
        ax.set_title(noun)
        if column == "throughput":
            _bars(ax, [values], _against(values, say))
            ax.set_xlabel("messages per second")
            ax.xaxis.set_major_locator(MaxNLocator(3))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
        else:
            _dots(ax, values, _against(values, say))
            ax.set_xlabel("latency, at most")
    _name_rows(axes[0], [str(system) for system in steps["system"]])
    return list(axes)


def _against(values: F64, say: Callable[[float], str]) -> list[str]:
    """Each value, and in brackets its change against the one before, if that is noticeable."""
    out = []
    for before, now in zip([np.nan, *values[:-1]], values, strict=True):
        ratio = now / before if before and np.isfinite([before, now]).all() else np.nan
        if np.isnan(ratio) or abs(ratio - 1) < ladder.NOTICED:
            out.append(say(now))
        elif 0.01 < ratio < 2 or now == 0:
            change = f"-{share(before - now, before)}" if ratio < 1 else f"+{share(ratio - 1, 1)}"
            out.append(f"{say(now)} ({change})")
        else:
            sign, times = ("x", ratio) if ratio > 1 else ("÷", 1 / ratio)
            out.append(f"{say(now)} ({sign} {count(times) if times >= 10 else f'{times:.2g}'})")
    return out


def _bars(ax: Axes, stack: Sequence[F64], words: Sequence[str]) -> None:
    """Bars from 0, one part after the other, with words at their ends."""
    y = np.arange(len(words))
    total = np.zeros(len(words))
    for k, part in enumerate(stack):
        ax.barh(y, part, left=total, height=0.68, color=PALETTE[k % len(PALETTE)], zorder=3)
        total = total + part
    _write(ax, total, words, total > 0)
    room = _room(ax, words)
    ax.set_xlim(0, max(total.max(initial=0), 1e-9) / room if total.any() else 1)


def _dots(ax: Axes, values: F64, words: Sequence[str]) -> None:
    """Dots on a logarithmic axis of durations, with words beside them."""
    known = np.isfinite(values) & (values > 0)
    shown = values[known]
    low, high = (shown.min(), shown.max()) if shown.size else (0.01, 1.0)
    ticks = [t for t in DECADES_S if low / 10 <= t <= high * 10]
    left, right = (np.log10(f(ticks)) for f in (min, max))
    y = np.arange(len(words))
    ax.set_xscale("log")
    ax.set_xlim(10**left, 10 ** (left + (right - left) / _room(ax, words)))
    ax.xaxis.set_major_locator(FixedLocator(ticks[:: -(-len(ticks) // 4)]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: duration(x)))
    ax.plot(values[known], y[known], "o", color=PALETTE[0], ms=6, zorder=3, clip_on=False)
    _write(ax, np.where(known, values, 10**left), words, known)


def _room(ax: Axes, words: Sequence[str]) -> float:
    """Share of the width of `ax` that is left of the words at the end of the longest bar."""
    number_in = (max(width_pt(word, NUMBER_SIZE) for word in words) + 12) / 72
    return max(1 - number_in / (ax.bbox.width / ax.figure.dpi), 0.15)


def _write(ax: Axes, x: F64, words: Sequence[str], there: Bools) -> None:
    for at, (value, word, some) in enumerate(zip(x, words, there, strict=True)):
        ax.annotate(
            word,
            (value, at),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            size=NUMBER_SIZE,
            color="#222222" if some else MUTED,
        )
    ax.set_ylim(len(words) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")


def _name_rows(ax: Axes, names: Sequence[str]) -> None:
    for at, name in enumerate(names):
        ax.annotate(
            name,
            (0, at),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            size=NAME_SIZE,
            weight="bold",
            annotation_clip=False,
        )


def _name_places(ax: Axes, places: Sequence[str]) -> None:
    """The places of loss in the inks of their bars, below the axis."""
    for k, place in enumerate(places):
        ax.annotate(
            place,
            (0, 0),
            xycoords="axes fraction",
            xytext=(0, -34 - 10 * k),
            textcoords="offset points",
            va="top",
            size=7.5,
            color=INK[k % len(INK)],
        )


def _rows_page(
    tables: "Tables", n: int, finding: str, what: str, note: str, title: str, below: int = 0
) -> list[Axes]:
    """`n` axes side by side with a row per rung, and room for `below` lines of words under them."""
    steps = ladder.rungs(tables)
    left_in = 0.3 + max(width_pt(str(name), NAME_SIZE, "bold") for name in steps["system"]) / 72
    width_in = max(11.0, min(14.0, left_in + 1.8 * n))
    top_in, bottom_in = 0.4, 0.55 + 0.14 * below
    panels_in = (len(steps) + 0.2) * ROW_IN + top_in + bottom_in
    subtitle = f"{what} per system. {title}".strip()
    figure, top, bottom = sheet(finding, subtitle, note, width_in, panels_in)
    height_in = figure.get_figheight()
    each_in = (width_in - left_in - 0.2) / n
    return list(
        figure.subplots(
            1,
            n,
            squeeze=False,
            gridspec_kw={
                "left": left_in / width_in,
                "right": 1 - 0.2 / width_in,
                "top": top - top_in / height_in,
                "bottom": bottom + bottom_in / height_in,
                "wspace": BETWEEN_IN / (each_in - BETWEEN_IN),
            },
        )[0]
    )
