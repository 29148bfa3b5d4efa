"""Several runs on one page: a block per run, a panel per system, all on the same axes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.charts.files import write
from sim.charts.labels import mark, name_lines
from sim.charts.over_time import draw, highest, linear_axis, marks, systems, time_axis
from sim.charts.page import MUTED, PRINT, SCREEN, Letters, sheet, style, wrapped
from sim.charts.plane import plane
from sim.foundation.text import count
from sim.words import findings

if TYPE_CHECKING:
    from sim.measure.tables import Tables

Runs = Sequence[tuple[str, "Tables"]]
FOR_PRINT = ("png", "svg", "pdf")
DPI = 300
"""Of pictures for print."""
CLEAR_PT = 7.0
"""Between a panel, with the numbers of its axis, and the words above it, in points."""


def compare(
    runs: Runs, folder: Path, *, width_in: float | None = None, price: str = "latency_p99_s"
) -> list[Path]:
    """Write `comparison` and `plane` of `runs`, each a label and its tables; returns the files.

    `price` is what the plane has on its x axis, a key of `sim.words.tradeoff.PRICES`.

    With `width_in`, for print: that wide, in letters that can be read at that size, and as PDF
    besides PNG and SVG.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    with style(SCREEN if width_in is None else PRINT):
        pages = {
            "compare": comparison(runs, width_in=width_in),
            "plane": plane(runs, price=price, width_in=width_in),
        }
        for stem, figure in pages.items():
            if width_in is None:
                out += write(figure, folder / stem)
            else:
                out += write(figure, folder / stem, FOR_PRINT, DPI)
    return out


@dataclass(frozen=True)
class _Layout:
    """Where things go, in inches."""

    letters: Letters
    width: float
    columns: int
    left: float
    right: float
    between: float
    panel: float
    """Height of a panel."""
    lines: int
    """Of words above a panel."""

    @classmethod
    def of(cls, n: int, width_in: float | None, words: Sequence[str]) -> "_Layout":
        """For `n` systems, with `words` above each panel."""
        letters = SCREEN if width_in is None else PRINT
        left, right, between = (0.75, 0.2, 0.25) if width_in is None else (0.5, 0.08, 0.12)
        narrowest = 2.2 if width_in is None else 1.15
        width = width_in or left + right + min(n, 4) * 3.0
        fit = max(1, min(n, int((width - left - right + between) / (narrowest + between))))
        columns = -(-n // -(-n // fit))
        column = (width - left - right + between) / columns - between
        lines = max((len(wrapped(line, column, letters.note)) for line in words), default=0)
        panel = 1.25 if width_in is None else 0.62 * column if columns > 1 else 1.1
        return cls(letters, width, columns, left, right, between, panel, min(lines, 4))

    @property
    def column(self) -> float:
        """Width of a panel."""
        return (self.width - self.left - self.right + self.between) / self.columns - self.between

    @property
    def above(self) -> float:
        """Room above a panel, for its title and its words."""
        return (2.0 * self.letters.panel + 1.3 * self.lines * self.letters.note + CLEAR_PT) / 72

    @property
    def below(self) -> float:
        """Room below a panel, for the numbers of its axis and its name."""
        return (1.6 * self.letters.tick + 1.8 * self.letters.label) / 72


def comparison(runs: Runs, *, width_in: float | None = None) -> Figure:
    """Messages waiting in every system of every run, and what each run shows in words."""
    every = [tables for _, tables in runs]
    names = list(dict.fromkeys(name for tables in every for name in systems(tables)))
    sums = [
        findings.sums(rows) for t in every for _, rows in t.summary.groupby("system", sort=False)
    ]
    layout = _Layout.of(len(names), width_in, sums)
    letters = layout.letters
    headings = [_heading(label, tables, layout, len(runs) > 1) for label, tables in runs]
    # Systems stand in the same column in every run, if they all fit into one row.
    shown = [names if len(names) <= layout.columns else systems(tables) for tables in every]
    row_in = layout.above + layout.panel + layout.below
    blocks_in = [
        _high(heading, letters) + -(-len(those) // layout.columns) * row_in
        for heading, those in zip(headings, shown, strict=True)
    ]
    figure, top, _ = sheet(
        _finding(runs),
        "Messages waiting per group, on the same axes for every system and run",
        "Numbers above a panel are those of the worst group of the system.",
        layout.width,
        sum(blocks_in) + 0.1,
        letters,
    )
    height_in = figure.get_figheight()
    time = time_axis(*every)
    scale = max(highest(tables, "lag") for tables in every)
    first: Axes | None = None
    down_in = (1 - top) * height_in
    for tables, heading, block_in, those in zip(every, headings, blocks_in, shown, strict=True):
        _write(figure, heading, down_in, letters)
        axes = []
        here = systems(tables)
        for name in here:
            row, column = divmod(those.index(name), layout.columns)
            low_in = down_in + _high(heading, letters) + row * row_in + layout.above + layout.panel
            place = (
                (layout.left + column * (layout.column + layout.between)) / layout.width,
                1 - low_in / height_in,
                layout.column / layout.width,
                layout.panel / height_in,
            )
            ax = figure.add_axes(place, sharex=first, sharey=first)
            first = first or ax
            ax.tick_params(labelleft=column == 0 or those[those.index(name) - 1] not in here)
            axes.append(ax)
        linear_axis(axes, scale)
        time.apply(axes)
        if width_in is not None:
            for ax in axes:
                ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 3, 5, 6, 10]))
                ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        _fill(tables, axes, every, layout)
        down_in += block_in
    return figure


def _finding(runs: Runs) -> str:
    if len(runs) == 1:
        ((_, tables),) = runs
        return findings.headline(tables.summary, tables.duration_s, tables.shown)
    if not Counter(name for _, t in runs for name in systems(t)).most_common(1)[0][1] > 1:
        return "No system is in more than one of these runs"
    return findings.comparison([(label, t.summary, t.duration_s) for label, t in runs])


def _fill(
    tables: "Tables", axes: Sequence[Axes], every: Sequence["Tables"], layout: _Layout
) -> None:
    """Draw the panels of a run, and write above each what became of its system."""
    letters = layout.letters
    lines = draw(tables, axes, "lag", lambda group: count(group["max_lag"]), every)
    rows = [rows for _, rows in tables.summary.groupby("system", sort=False)]
    for ax, those, line, happened in zip(axes, rows, lines, marks(tables, every), strict=True):
        words = wrapped(findings.sums(those), layout.column, letters.note)[: layout.lines]
        words += [""] * (layout.lines - len(words))
        pad = CLEAR_PT + 2 + 1.3 * letters.note * layout.lines
        name = wrapped(str(those["system"].iloc[0]), layout.column, letters.panel, "bold")
        ax.set_title(name[0] if len(name) == 1 else f"{name[0]}…", pad=pad)
        ax.annotate(
            "\n".join(words),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, CLEAR_PT),
            textcoords="offset points",
            va="bottom",
            size=letters.note,
            color=MUTED,
        )
        mark(ax, happened, named=False)
        name_lines(ax, line, size=letters.line)


Heading = list[tuple[list[str], float, str]]
"""Lines, their size in points, and their weight."""


def _heading(label: str, tables: "Tables", layout: _Layout, several: bool) -> Heading:
    """The label of a run and what it shows, unless the title says so."""
    letters = layout.letters
    wide_in = layout.width - 2 * letters.margin_in
    headline = findings.headline(tables.summary, tables.duration_s, tables.shown) if several else ""
    return [
        (wrapped(label, wide_in, letters.panel, "bold"), letters.panel, "bold"),
        (wrapped(headline, wide_in, letters.line), letters.line, "normal"),
    ]


def _high(heading: Heading, letters: Letters) -> float:
    """Its height in inches, with the white space above."""
    return (sum(1.3 * size * len(lines) for lines, size, _ in heading) + 1.6 * letters.panel) / 72


def _write(figure: Figure, heading: Heading, down_in: float, letters: Letters) -> None:
    height_in = figure.get_figheight()
    down_in += 1.2 * letters.panel / 72
    for lines, size, weight in heading:
        figure.text(
            letters.margin_in / figure.get_figwidth(),
            1 - down_in / height_in,
            "\n".join(lines),
            va="top",
            size=size,
            weight=weight,
        )
        down_in += 1.3 * size * len(lines) / 72
