"""Words beside what they name, instead of a legend: lines by their name, faults by theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sim.charts.page import MUTED, pixels, width_pt

SIZE = 8.0
MARK_SIZE = 7.0
MARK_ROWS = 3


@dataclass(frozen=True)
class Line:
    """A drawn line, its name, and a number to say with it."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    name: str
    ink: str
    value: str = ""

    @property
    def words(self) -> str:
        return f"{self.name} {self.value}".rstrip()


@dataclass(frozen=True)
class Mark:
    """Something that happened at `at`, or from then to `until`, in the units of the x axis."""

    at: float
    until: float
    words: str
    mergeable: bool = True


def name_lines(ax: Axes, lines: Sequence[Line], *, prefer: str = "peak") -> None:
    """Write each line's words close to it, where they hide no line and no other words.

    Lines that lie on each other share their words. The scales and limits of `ax` must be final.
    `prefer` is where along the line the words should stand: at its "peak" or its "end".
    """
    panel = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    drawn = [(line, _dense(pixels(ax, line.x, line.y), panel)) for line in lines]
    drawn = _share([(line, path) for line, path in drawn if len(path)])
    rasters = [_Raster(path, panel) for _, path in drawn]
    taken: list[NDArray[np.float64]] = []
    for i, (line, path) in enumerate(drawn):
        target = path[path[:, 1].argmax()] if prefer == "peak" else path[path[:, 0].argmax()]
        size = np.array([width_pt(line.words, SIZE) + 4, SIZE * 1.35])
        boxes = _candidates(path, target, size, panel)
        others = [raster.reach(boxes) for j, raster in enumerate(rasters) if j != i]
        own = rasters[i].reach(boxes)
        cost = 0.15 * np.hypot(*(boxes[:, :2] + size / 2 - target).T)
        cost += sum(4.0 * raster.count(boxes) for raster in rasters)
        for other in others:
            cost += 60.0 * (other < own)
        for box in taken:
            clash = (boxes[:, :2] < box[2:] + 1) & (boxes[:, 2:] > box[:2] - 1)
            cost += 2_000.0 * clash.all(axis=1)
        best = boxes[cost.argmin()]
        taken.append(best)
        ax.annotate(
            line.words,
            (0, 0),
            xycoords="axes fraction",
            xytext=(best[0] + 2, best[1] + 2.4),
            textcoords="offset points",
            color=line.ink,
            size=SIZE,
            va="baseline",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75},
            zorder=5,
        )


def mark(ax: Axes, marks: Sequence[Mark], *, named: bool = True) -> None:
    """Draw what happened as lines and shaded spans, `named` above the panel.

    Names that would run into each other share one, "crash counters 0 and 3 more". The limits of
    the x axis must be final.
    """
    low, high = ax.get_xlim()
    shown = sorted((m for m in marks if m.at <= high), key=lambda m: m.at)
    for m in shown:
        if m.until > m.at:
            ax.axvspan(m.at, min(m.until, high), color="#f1e4c8", lw=0, zorder=0)
        dashes = (0, (4, 2)) if m.mergeable else (0, (1, 1.5))
        ax.axvline(m.at, color="#8a7340" if m.mergeable else "#777777", lw=0.9, ls=dashes, zorder=1)
    if not named:
        return
    width = ax.bbox.width * 72 / ax.figure.dpi
    scale = width / (high - low)
    height = ax.bbox.height * 72 / ax.figure.dpi
    for row, at_pt, cluster, words in _in_rows(shown, (low, scale), width):
        if row:
            ax.plot(
                [cluster.at] * 2,
                [1, 1 + row * (MARK_SIZE + 2) / height],
                transform=ax.get_xaxis_transform(),
                color="#b5a67e",
                lw=0.7,
                clip_on=False,
            )
        ax.annotate(
            words,
            (0, 1),
            xycoords="axes fraction",
            xytext=(at_pt, 2.5 + row * (MARK_SIZE + 2)),
            textcoords="offset points",
            size=MARK_SIZE,
            color=MUTED,
        )


def mark_pad(marks: Sequence[Sequence[Mark]]) -> float:
    """How far above its panel a title must stand, in points, to clear the names of `marks`."""
    most = max((len(m) for m in marks), default=0)
    return 5.0 + (MARK_SIZE + 2.5) * min(most, MARK_ROWS)


def _in_rows(
    marks: Sequence[Mark], scale: tuple[float, float], width: float
) -> list[tuple[int, float, Mark, str]]:
    """(row, left edge in points, first mark, words) of names that do not touch.

    What does not fit is merged into the name before it.
    """
    placed: list[list[tuple[float, list[Mark]]]] = [[] for _ in range(MARK_ROWS)]

    def words(cluster: list[Mark]) -> str:
        more = len(cluster) - 1
        return cluster[0].words + (f" and {more} more" if more else "")

    def left(start: float, cluster: list[Mark]) -> float:
        return max(0.0, min(start, width - width_pt(words(cluster), MARK_SIZE)))

    def right(start: float, cluster: list[Mark]) -> float:
        return left(start, cluster) + width_pt(words(cluster), MARK_SIZE) + 5

    # What may not be merged claims its place first.
    for m in sorted(marks, key=lambda m: (m.mergeable, m.at)):
        start = (m.at - scale[0]) * scale[1]
        span = (left(start, [m]), right(start, [m]))
        for row in placed:
            if all(right(s, c) <= span[0] or left(s, c) >= span[1] for s, c in row):
                row.append((start, [m]))
                break
        else:
            near = [c for row in placed for _, c in row if c[0].mergeable and c[0].at <= m.at]
            if near:
                max(near, key=lambda c: c[0].at).append(m)
    return [
        (i, left(start, cluster), cluster[0], words(cluster))
        for i, row in enumerate(placed)
        for start, cluster in row
    ]


def _share(
    drawn: Sequence[tuple[Line, NDArray[np.float64]]],
) -> list[tuple[Line, NDArray[np.float64]]]:
    """One entry for all lines that say the same and lie on each other, in a neutral ink."""
    out: list[tuple[Line, NDArray[np.float64]]] = []
    for line, path in drawn:
        for i, (seen, where) in enumerate(out):
            same = seen.value == line.value and where.shape == path.shape
            if same and np.abs(where - path).max() < 1.5:
                name = f"{seen.name}, {line.name}"
                out[i] = (Line(seen.x, seen.y, name, "#444444", line.value), where)
                break
        else:
            out.append((line, path))
    return out


def _dense(path: NDArray[np.float64], panel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points a few apart along the part of a polyline that is inside the panel."""
    path = path[np.isfinite(path).all(axis=1)]
    if len(path) > 1:
        length = np.hypot(*np.diff(path, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(length)])
        at = np.linspace(0.0, along[-1], min(int(along[-1] / 2) + 2, 4_000))
        path = np.column_stack([np.interp(at, along, path[:, k]) for k in (0, 1)])
    return path[((path >= -1) & (path <= panel + 1)).all(axis=1)]


def _candidates(
    path: NDArray[np.float64],
    target: NDArray[np.float64],
    size: NDArray[np.float64],
    panel: NDArray[np.float64],
) -> NDArray[np.float64]:
    """[places, 4] boxes (left, low, right, high) around points of `path`, inside the panel."""
    along = path[np.linspace(0, len(path) - 1, min(len(path), 80)).astype(int)]
    anchors = np.vstack([target, along])
    shifts = [(x, y) for x in (-1.0, -0.5, 0.0) for y in (-1.0, 0.0)]
    shifts += [(-1.0, -0.5), (0.0, -0.5), (-0.5, 1.12), (-0.5, 2.24), (-0.5, 3.36), (-0.5, 4.48)]
    low = np.concatenate(
        [anchors + np.array(s) * size + 3.0 * np.sign(np.array(s) + 0.5) for s in shifts]
    )
    low = np.clip(low, 0, np.maximum(panel - size, 0))
    return np.hstack([low, low + size])


class _Raster:
    """The cells of a panel that a line passes through, summed so that boxes count at once."""

    CELL = 2.0
    MARGINS = (0.0, 3.0, 6.0, 12.0, 24.0)

    def __init__(self, path: NDArray[np.float64], panel: NDArray[np.float64]) -> None:
        """`path` in points from the corner of the panel, `panel` its width and height."""
        self.shape = (panel / self.CELL).astype(int) + 2
        cell = np.clip((path / self.CELL).astype(int), 0, self.shape - 1)
        filled = np.zeros(self.shape + 1, np.int64)
        filled[cell[:, 0] + 1, cell[:, 1] + 1] = 1
        self.sums = filled.cumsum(axis=0).cumsum(axis=1)

    def count(self, boxes: NDArray[np.float64], margin: float = 0.0) -> NDArray[np.int64]:
        """[boxes] cells of the line within `margin` of each box."""
        low = np.clip(((boxes[:, :2] - margin) / self.CELL).astype(int), 0, self.shape)
        high = np.clip(((boxes[:, 2:] + margin) / self.CELL).astype(int) + 1, 0, self.shape)
        s = self.sums
        return np.asarray(
            s[high[:, 0], high[:, 1]]
            - s[low[:, 0], high[:, 1]]
            - s[high[:, 0], low[:, 1]]
            + s[low[:, 0], low[:, 1]]
        )

    def reach(self, boxes: NDArray[np.float64]) -> NDArray[np.int64]:
        """[boxes] how many of `MARGINS` do not reach from the box to the line."""
        return np.asarray(sum((self.count(boxes, m) == 0).astype(np.int64) for m in self.MARGINS))
