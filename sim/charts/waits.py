"""Where the time of the messages went: a bar per group, in the order in which a message waits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from sim.charts.labels import name_row
from sim.charts.page import MUTED, sheet, width_pt
from sim.engine.waits import TimePart
from sim.foundation.text import duration
from sim.words.waits import Split, about_waits, in_words, named, splits

if TYPE_CHECKING:
    from sim.measure.tables import Tables

ROW_IN = 0.42
BAR = 0.3
"""Height of a bar, of that of its row."""
WORDS = 0.22
"""How far above the middle of a row its words stand."""
NAME_SIZE = 8.5
SIZE = 8.0
"""Of words at a bar, in points."""
GAP_PT = 7.0
"""Between words."""
TOTAL_PT = 74.0
"""Room for the whole time at the end of a bar."""
NOTE = (
    "A bar is the mean time from creation to first effect, in shares on a linear scale; at its end "
    "stands how long it is. From left to right: its producer, what was asked for, what went wrong, "
    "waiting its turn, its consumer. Parts under 3 % are not named."
)
_AMBER, _PURPLE, _RED, _BLUE, _GREEN = "#946300", "#A8508A", "#B84F00", "#2277A8", "#00795A"
LOOKS: Mapping[TimePart | None, tuple[str, str]] = {
    TimePart.BUFFER: ("#E69F00", _AMBER),
    TimePart.SEND: ("#F3CF80", _AMBER),
    TimePart.UNREACHABLE: ("#946300", _AMBER),
    TimePart.DELAY: ("#B0B0B0", MUTED),
    TimePart.NO_OWNER: ("#CC79A7", _PURPLE),
    TimePart.LOCK: ("#8E4A78", _PURPLE),
    TimePart.BACKOFF: ("#E5BCD3", _PURPLE),
    TimePart.ATTEMPT: ("#A8508A", _PURPLE),
    TimePart.CAPACITY: ("#D55E00", _RED),
    TimePart.HEAD_OF_LINE: ("#F0A875", _RED),
    TimePart.CEILING: ("#8A3C00", _RED),
    TimePart.CALL: ("#56B4E9", _BLUE),
    TimePart.HELD: ("#0072B2", _BLUE),
    TimePart.SLOWED: ("#8FD3BC", _GREEN),
    TimePart.WORK: ("#009E73", _GREEN),
    TimePart.BEFORE_START: ("#DADADA", MUTED),
    TimePart.BLOCKED: ("#5B4A9C", _PURPLE),
    None: ("#DDDDDD", MUTED),
}
"""Of each part, the colour of its bar and that of its words. Neighbours differ in lightness."""


class _Label(NamedTuple):
    """Words above a bar, in points from its left end."""

    left: float
    words: str
    ink: str


def waits(tables: "Tables", axes: Sequence[Axes] | None = None, *, title: str = "") -> list[Axes]:
    """Shares of the time of each group's messages, on two axes: of all, and of the slowest 1 %."""
    found = splits(tables.waits)
    y = _places(found)
    axes = axes or _new(found, y, about_waits(tables), title)
    for ax, column in zip(axes, ("mean_s", "slowest_s"), strict=True):
        ax.set_xlim(0, 100)
        ax.set_ylim(y[-1] + 0.45, y[0] - 0.7)
        for at, split in zip(y, found, strict=True):
            _bar(ax, at, split.mean_s if column == "mean_s" else split.slowest_s)
        ax.set_title("all messages" if column == "mean_s" else "the slowest 1 % of them")
        ax.set_yticks([])
        ax.grid(visible=False, axis="y")
        ax.xaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f} %"))
        ax.set_xlabel("share of the time, linear")
    _name_rows(axes[0], found, y)
    return list(axes)


def _places(found: Sequence[Split]) -> list[float]:
    """Of each row its place from above; systems stand a little apart."""
    systems = list(dict.fromkeys(split.system for split in found))
    return [i + 0.3 * systems.index(split.system) for i, split in enumerate(found)]


def _bar(ax: Axes, at: float, parts_s: Mapping[TimePart, float]) -> None:
    """One bar, words above it, and the whole time at its end."""
    whole_s = sum(parts_s.values())
    room_pt = ax.bbox.width * 72 / ax.figure.dpi
    pairs, labels = _labelled(parts_s, room_pt)
    left = 0.0
    for part, size in pairs:
        colour, _ = LOOKS[part]
        ax.barh(
            at, 100 * size, left=100 * left, height=BAR, color=colour, edgecolor="white", lw=0.6,
            zorder=3,
        )  # fmt: skip
        left += size
    for label in labels:
        ax.annotate(
            label.words,
            (100 * label.left / room_pt, at - WORDS),
            va="bottom",
            size=SIZE,
            color=label.ink,
            annotation_clip=False,
        )
    ax.annotate(
        duration(whole_s) if pairs else "no time",
        (100, at),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=NAME_SIZE,
        weight="bold",
        color="#222222" if pairs else MUTED,
        annotation_clip=False,
    )


def _labelled(
    parts_s: Mapping[TimePart, float], room_pt: float
) -> tuple[list[tuple[TimePart | None, float]], list[_Label]]:
    """The parts of a bar and their words, as many as find room side by side."""
    for most in range(len(TimePart), 0, -1):
        pairs = named(parts_s, most)
        words = [in_words(part, size) for part, size in pairs]
        widths = [width_pt(text, SIZE) if text else -GAP_PT for text in words]
        lefts = _beside(pairs, widths, room_pt)
        if lefts is not None:
            inks = [LOOKS[part][1] for part, _ in pairs]
            labels = map(_Label, lefts, words, inks)
            return pairs, [label for label in labels if label.words]
    return named(parts_s), []


def _beside(
    pairs: Sequence[tuple[TimePart | None, float]], widths: Sequence[float], room_pt: float
) -> list[float] | None:
    """Where words begin: each at its part, or as near to it as those before and after let it."""
    lefts: list[float] = []
    start = free = 0.0
    for (_, size), width in zip(pairs, widths, strict=True):
        lefts.append(max(start + 2, free))
        free = lefts[-1] + width + GAP_PT
        start += size * room_pt
    stop = room_pt
    for i in range(len(lefts) - 1, -1, -1):
        lefts[i] = min(lefts[i], stop - widths[i])
        stop = lefts[i] - GAP_PT
    return None if lefts and lefts[0] < -1e-9 else lefts


def _name_rows(ax: Axes, found: Sequence[Split], y: Sequence[float]) -> None:
    """Groups beside their bars, and each system before its first group."""
    gap = max(width_pt(split.group, NAME_SIZE) for split in found) + 14
    before = None
    for at, split in zip(y, found, strict=True):
        words = [(split.group, 6.0, "normal")]
        if split.system != before:
            words.append((split.system, gap, "bold"))
        before = split.system
        for text, left, weight in words:
            name_row(ax, at, text, left, NAME_SIZE, "#222222", weight)


def _new(found: Sequence[Split], y: Sequence[float], finding: str, title: str) -> list[Axes]:
    groups = max(width_pt(split.group, NAME_SIZE) for split in found)
    systems = max(width_pt(split.system, NAME_SIZE, "bold") for split in found)
    left_in = 0.2 + (groups + systems + 22) / 72
    right_in = TOTAL_PT / 72
    each_in = 4.6
    width_in = left_in + 2 * each_in + 2 * right_in + 0.1
    top_in, bottom_in = 0.3, 0.55
    panels_in = (y[-1] - y[0] + 1.15) * ROW_IN + top_in + bottom_in
    subtitle = f"Where the time of the messages went, per group. {title}".strip()
    figure, top, bottom = sheet(finding, subtitle, NOTE, width_in, panels_in)
    height_in = figure.get_figheight()
    return list(
        np.ravel(
            figure.subplots(
                1,
                2,
                sharey=True,
                gridspec_kw={
                    "left": left_in / width_in,
                    "right": 1 - (right_in + 0.1) / width_in,
                    "top": top - top_in / height_in,
                    "bottom": bottom + bottom_in / height_in,
                    "wspace": right_in / each_in,
                },
            )
        )
    )
