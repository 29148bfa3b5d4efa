"""The scene as a moving picture in a file, for where no script runs: slides, chats, a README."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from sim.animation.page import Scene, ShownLog, ShownQueue, cell
from sim.charts.page import INK, MUTED, PALETTE, style, wrapped
from sim.foundation.arrays import I64
from sim.foundation.text import clock, count

KEPT, UNREAD, FLYING = "#dfe7ee", "#9db8cf", PALETTE[4]
FRAMES, PER_SECOND = 60, 8
WIDTH_IN, ROW_IN, DPI = 8.0, 0.62, 100
TOLD_LINES = 2
"""Of what happened, below the rows."""
PARTS_IN = 0.7
"""More for a row of many partitions."""
MOST = 12
"""Rows that a moving picture has room for."""
WORDS = (
    "A message is gone from a queue once it is deleted. A record stays in a log; the cursors of "
    "its groups move. The oldest is on the left."
)


def write(shown: Scene, path: Path, title: str) -> Path:
    """Write the scene to `path` as a GIF of some seconds; returns the path."""
    with style():
        rows: list[ShownQueue | ShownLog] = list(shown.queues)
        rows = [*rows, *shown.logs][-MOST:]
        figure, axes, time, told = _sheet(shown, rows, title)
        moving = [
            _QueueRow(ax, row, shown) if isinstance(row, ShownQueue) else _LogRow(ax, row, shown)
            for ax, row in zip(axes, rows, strict=True)
        ]
        writer = PillowWriter(fps=PER_SECOND)
        last = len(shown.t_s) - 1
        with writer.saving(figure, str(path), DPI):
            for frame in np.linspace(0, last, min(FRAMES, last + 1)).astype(int):
                now_s = float(shown.t_s[frame])
                time.set_text(clock(now_s))
                told.set_text(_told(shown, now_s, frame == last))
                for row in moving:
                    row.show(int(frame))
                writer.grab_frame()
    return path


def _told(shown: Scene, now_s: float, over: bool) -> str:
    """What happened last; when all is over, the finding."""
    words = [words for at_s, words in shown.story if at_s <= now_s]
    said = shown.end if over and shown.end else words[-1] if words else ""
    return "\n".join(wrapped(said, WIDTH_IN - 0.4, 9, "bold")[:TOLD_LINES])


def _sheet(
    shown: Scene, rows: Sequence[ShownQueue | ShownLog], title: str
) -> tuple[Figure, list[Axes], Text, Text]:
    words = wrapped(WORDS, WIDTH_IN - 0.4, 8)
    top_in = 0.5 + 0.16 * len(words)
    high_in = [ROW_IN + (PARTS_IN if isinstance(r, ShownLog) and r.parts > 3 else 0) for r in rows]
    height_in = top_in + sum(high_in) + 0.2 + 0.17 * TOLD_LINES
    figure = Figure(figsize=(WIDTH_IN, height_in))
    FigureCanvasAgg(figure)
    left = 0.2 / WIDTH_IN
    figure.text(left, 1 - 0.12 / height_in, title, size=11, weight="bold", va="top")
    time = figure.text(1 - left, 1 - 0.12 / height_in, "", size=11, va="top", ha="right")
    below = 1 - 0.38 / height_in
    figure.text(left, below, "\n".join(words), size=8, va="top", color=MUTED)
    told = figure.text(left, 0.1 / height_in, "", size=9, weight="bold", va="bottom")
    axes = []
    down_in = top_in
    for row, row_in in zip(rows, high_in, strict=True):
        down_in += row_in
        low = (height_in - down_in + 0.06) / height_in
        ax = figure.add_axes((left, low, 1 - 2 * left, (row_in - 0.28) / height_in))
        width = shown.width(row)
        ax.set_xlim(0, width)
        ax.set_ylim(1, 0)
        ax.set_axis_off()
        step = cell(width)
        ax.vlines(np.arange(step, width, step), 0, 1, color="white", lw=0.8, zorder=3)
        axes.append(ax)
    return figure, axes, time, told


class _QueueRow:
    def __init__(self, ax: Axes, queue: ShownQueue, shown: Scene) -> None:
        self.queue, self.first = queue, shown.first
        self.title = ax.set_title("", size=8.5, pad=3, weight="normal")
        (self.came,) = ax.plot([0, 0], [1, 1], color="#d8d8d8", lw=1, clip_on=False)
        self.flying = ax.barh([0.5], [0], 1.0, color=FLYING, zorder=2)
        self.ready = ax.barh([0.5], [0], 1.0, color=UNREAD, zorder=2)

    def show(self, frame: int) -> None:
        queue = self.queue
        gone, flying, ready = queue.gone[frame], queue.in_flight[frame], queue.ready[frame]
        first, handed, last = np.cumsum([[gone - self.first], [flying], [ready]], axis=0)
        _stretch(self.flying, first, handed)
        _stretch(self.ready, handed, last)
        self.came.set_xdata([0, *last])
        self.title.set_text(
            f"{queue.system}: {queue.name}, a queue: {count(ready)} ready, "
            f"{count(flying)} in flight, {count(gone)} gone"
        )


class _LogRow:
    def __init__(self, ax: Axes, log: ShownLog, shown: Scene) -> None:
        self.log, self.origin = log, shown.origin(log)
        parts = log.parts
        y = (np.arange(parts) + 0.5) / parts
        high = (0.86 if parts > 1 else 1.0) / parts
        self.title = ax.set_title("", size=8.5, pad=3, weight="normal")
        self.kept = ax.barh(y, np.zeros(parts), high, color=KEPT, zorder=1)
        self.unread = ax.barh(y, np.zeros(parts), high, color=UNREAD, zorder=2)
        self.thick = shown.width(log) * 0.004
        self.cursors = [
            ax.barh(y, np.zeros(parts), high, color=INK[i % len(INK)], zorder=4 + i)
            for i in range(len(log.groups))
        ]

    def show(self, frame: int) -> None:
        log = self.log
        end = log.end[frame] - self.origin
        start = np.maximum(log.start[frame] - self.origin, 0)
        committed = [group.committed[frame] - self.origin for group in log.groups]
        _stretch(self.kept, start, end)
        _stretch(self.unread, np.min(committed, axis=0), end)
        for i, (bars, at) in enumerate(zip(self.cursors, committed, strict=True)):
            half = self.thick / 2 * (1 - 0.25 * min(i, 2))
            _stretch(bars, at - half, at + half)
        behind = ", ".join(
            f"{group.name} {count(float((log.end[frame] - group.committed[frame]).sum()))}"
            for group in log.groups
        )
        parts = f"a log of {log.parts} partitions" if log.parts > 1 else "a log"
        self.title.set_text(f"{log.system}, {parts}: behind by {behind}")


def _stretch(bars: BarContainer, low: I64, high: I64) -> None:
    for bar, left, right in zip(bars, low, high, strict=True):
        bar.set_x(left)
        bar.set_width(max(right - left, 0))
