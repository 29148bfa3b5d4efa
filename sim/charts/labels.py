"""Words beside what they name, instead of a legend: lines by their name, faults by theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sim.charts.page import MUTED, pixels, width_pt
from sim.foundation.arrays import F64, I64

SIZE = 8.0
FAR = 2
"""Words further from their line than this many of `_Cells.MARGINS` get a thin line to it."""
NEARER_PT = 3.0
"""Words that are nearer to another line by more than this get one too."""
BESIDE_PT = 12.0
"""How far along its line the words of a point may stand, in points."""
MARK_SIZE = 7.0
MARK_ROWS = 3
ROW_PT = MARK_SIZE + 2
WHOLE = 0.97
"""A span of more than this share of a panel is not shaded."""
CROWD = 8
"""With more marks than this in a panel, each is a tick at its top rather than a line through it."""


@dataclass(frozen=True)
class Line:
    """A drawn line, its name, and a number to say with it."""

    x: F64
    y: F64
    name: str
    ink: str
    value: str = ""
    alone: bool = False
    """Never to share its words with other lines."""
    point: tuple[float, float] | None = None
    """The point of the line that the value is of, if its words are to stand there."""

    @property
    def words(self) -> str:
        return f"{self.name}: {self.value}" if self.value else self.name


@dataclass(frozen=True)
class Mark:
    """Something that happened at `at`, or from then to `until`, in the units of the x axis."""

    at: float
    until: float
    words: str
    mergeable: bool = True


def name_lines(
    ax: Axes, lines: Sequence[Line], *, prefer: str = "peak", size: float = SIZE
) -> None:
    """Write each line's words close to it, where they hide no line and no other words.

    Lines that lie on each other share their words. The scales and limits of `ax` must be final.
    `prefer` is where along the line the words should stand: at its "peak", and then never beside
    its lower half, where other lines end too, or at its "end". Those of a line with a `point` stand
    there.
    """
    panel = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    drawn = [(line, _dense(pixels(ax, line.x, line.y), panel)) for line in lines]
    drawn = _share([(line, path) for line, path in drawn if len(path)], 0.6 * panel[0], size)
    cells = _Cells([path for _, path in drawn], panel)
    taken: list[F64] = []
    targets = np.array([_target(ax, line, path, prefer) for line, path in drawn]).reshape(-1, 2)
    for i, (line, path) in enumerate(drawn):
        target = targets[i]
        part, lead_to = path, path
        if line.point:
            part, lead_to = path[np.hypot(*(path - target).T) <= BESIDE_PT], target[None]
        elif prefer == "peak":
            part = lead_to = path[path[:, 1] >= (path[:, 1].min() + target[1]) / 2]
        extent = np.array([width_pt(line.words, size) + 4, size * 1.35])
        boxes = _candidates(part, target, extent, panel)
        anchor = extent * ((0.0, 0.5) if prefer == "end" and not line.point else (0.5, 0.0))
        away = cells.away(boxes)
        away[i] = np.maximum(away[i], _Cells([part], panel).away(boxes)[0])
        cost = (
            0.15 * np.hypot(*(boxes[:, :2] + anchor - target).T)
            + 8.0 * away[i]
            + 60.0 * (away < away[i]).sum(axis=0)
            + 4.0 * cells.count(boxes, 1.0).sum(axis=0)
        )
        if line.point or prefer == "peak":  # not on the side on which those of other lines are
            side = boxes[:, [1, 3]].mean(axis=1) - target[1]
            others = (targets - target)[np.abs(targets[:, 0] - target[0]) < extent[0], 1]
            cost += 40.0 * (side[:, None] * others > 0).sum(axis=1)
        for box in taken:
            clash = (boxes[:, :2] < box[2:] + 1) & (boxes[:, 2:] > box[:2] - 1)
            cost += 2_000.0 * clash.all(axis=1)
        best = boxes[cost.argmin()]
        taken.append(best)
        gaps = [_gap(best, other) for _, other in drawn]
        if away[i, cost.argmin()] > FAR or gaps[i] > min(gaps) + NEARER_PT:
            _lead(ax, best, lead_to, target, panel, line.ink)
        ax.annotate(
            line.words,
            (0, 0),
            xycoords="axes fraction",
            xytext=(best[0] + 2, best[1] + 2.4),
            textcoords="offset points",
            color=line.ink,
            size=size,
            va="baseline",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75},
            zorder=5,
        )


def _gap(box: F64, path: F64) -> float:
    """How far a line is from a box."""
    return float(np.hypot(*(path - path.clip(box[:2], box[2:])).T).min())


def _target(ax: Axes, line: Line, path: F64, prefer: str) -> F64:
    """Where the words of a line should stand, in points from the corner of the panel."""
    if line.point:
        return np.asarray(pixels(ax, *np.array([line.point]).T)[0])
    return np.asarray(path[path[:, 1 if prefer == "peak" else 0].argmax()])


def _lead(
    ax: Axes,
    box: F64,
    path: F64,
    target: F64,
    panel: F64,
    ink: str,
) -> None:
    """A thin line from words that had to stand apart to their line, at its target if it has one."""
    nearest = path[np.abs(path - (box[:2] + box[2:]) / 2).max(axis=1).argmin()]
    end = nearest if abs(nearest[1] - target[1]) < 2 else target
    start = np.clip(end, box[:2], box[2:])
    ax.plot(
        *np.array([start, end]).T / panel[:, None],
        transform=ax.transAxes,
        color=ink,
        lw=0.6,
        alpha=0.7,
        zorder=4,
    )


def mark(ax: Axes, marks: Sequence[Mark], *, named: bool = True) -> int:
    """Draw what happened as lines and shaded spans, `named` above the panel.

    Names that find no room share one, "crash counters 0 and 3 more events"; a line to a name in a
    higher row passes behind those below it. The limits of the x axis must be final. Returns the
    rows of names that were needed.
    """
    low, high = ax.get_xlim()
    shown = sorted((m for m in marks if m.at <= high), key=lambda m: m.at)
    for from_, until in _united([(m.at, min(m.until, high)) for m in shown]):
        if until - from_ > WHOLE * (high - low):
            continue  # a shade over all of it would tell no time from another
        ax.axvspan(from_, until, color="#f7efdc", lw=0, zorder=0)
    faults = [m.at for m in shown if m.mergeable]
    others = [m.at for m in shown if not m.mergeable]
    crowded = len(shown) > CROWD
    lines: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "linewidth": 0.9, "zorder": 1}
    ax.vlines(others, 0, 1, color="#777777", linestyle=(0, (1, 1.5)), **lines)
    if crowded:
        # One line for all, with gaps: hundreds of them stay a small file.
        x = np.column_stack([faults, faults, np.full(len(faults), np.nan)]).ravel()
        y = np.tile([0.96, 1.0, np.nan], len(faults))
        ax.plot(x, y, color="#8a7340", solid_capstyle="butt", **lines)
    else:
        ax.vlines(faults, 0, 1, color="#8a7340", linestyle=(0, (4, 2)), **lines)
    if not named or not shown:
        return 0
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    names = _in_rows(shown, low, width / (high - low), width)
    for name in names:
        if name.row:
            ax.plot(
                [name.first.at] * 2,
                [1, 1 + name.row * ROW_PT / height],
                transform=ax.get_xaxis_transform(),
                color="#b5a67e",
                lw=0.7,
                clip_on=False,
            )
        ax.annotate(
            name.words,
            (0, 1),
            xycoords="axes fraction",
            xytext=(name.left, 2.5 + name.row * ROW_PT),
            textcoords="offset points",
            size=MARK_SIZE,
            color=MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )
    return 1 + max(name.row for name in names)


def _united(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same spans, given in order of their beginnings, with those that overlap made one."""
    out: list[tuple[float, float]] = []
    for from_, until in spans:
        if until <= from_:
            continue
        if out and from_ <= out[-1][1]:
            out[-1] = (out[-1][0], max(until, out[-1][1]))
        else:
            out.append((from_, until))
    return out


def name_row(
    ax: Axes, at: float, words: str, left_pt: float, size: float, ink: str, weight: str
) -> None:
    """Write words to the left of a panel beside its row ``at``, ending ``left_pt`` before it."""
    ax.annotate(
        words,
        (0, at),
        xycoords=("axes fraction", "data"),
        xytext=(-left_pt, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        size=size,
        color=ink,
        weight=weight,
        annotation_clip=False,
    )


def title_pad(rows: int) -> float:
    """How far above its panel a title must stand, in points, to clear `rows` of names."""
    return 6.0 + ROW_PT * rows


@dataclass
class _Name:
    """The words for one mark or several, above a panel; in points from its left edge."""

    first: Mark
    at: float
    width: float
    """Of the panel."""
    row: int = 0
    more: int = 0

    @property
    def words(self) -> str:
        """As many as fit above the panel: those of the next one begin at its edge."""
        if not self.more:
            return _cut(self.first.words, self.width)
        full = f"{self.first.words} and {self.more} more event{'' if self.more == 1 else 's'}"
        short = f"{self.first.words} + {self.more}"
        fits = (words for words in (full, short) if width_pt(words, MARK_SIZE) <= self.width)
        more = f" + {self.more}"
        part = _cut(self.first.words, self.width - width_pt(more, MARK_SIZE))
        return next(fits, part + more if part.count(" ") > 2 else f"{self.more + 1} events")

    @property
    def left(self) -> float:
        return max(0.0, min(self.at, self.width - width_pt(self.words, MARK_SIZE)))

    def touches(self, other: "_Name") -> bool:
        first, second = sorted((self, other), key=lambda name: name.left)
        return first.left + width_pt(first.words, MARK_SIZE) + 5 > second.left


def _cut(words: str, width: float) -> str:
    """`words`, or as many of them as there is room for, with dots; at least the first.

    Of "what happened: how much", with several words before the colon, these alone if they fit.
    """
    said = words
    what, _, _ = words.rpartition(": ")
    if width_pt(words, MARK_SIZE) > width - 4 and what.count(" ") > 1:
        said = words = what
    while width_pt(said, MARK_SIZE) > width - 4 and " " in words:
        words = words.rsplit(" ", 1)[0]
        said = f"{words} …"
    return said


def _in_rows(marks: Sequence[Mark], low: float, scale: float, width: float) -> list[_Name]:
    """Names for all marks in a few rows; neighbours share one, the nearest first, until they fit.

    What may not be merged claims its place first.
    """
    fixed = [m for m in marks if not m.mergeable]
    for gap in (0.0, *(8.0 * 2**k for k in range(8)), width):
        shared: list[_Name] = []
        for m in (m for m in marks if m.mergeable):
            at = (m.at - low) * scale
            if shared and at - shared[-1].at <= gap:
                shared[-1].more += 1
            else:
                shared.append(_Name(m, at, width))
        names = [*(_Name(m, (m.at - low) * scale, width) for m in fixed), *shared]
        if _laid_out(names) or gap >= width:
            break
    return names


def _laid_out(names: Sequence[_Name]) -> bool:
    """Give each name the lowest row in which it touches none before it; False if there is none."""
    for i, name in enumerate(names):
        rows = {other.row for other in names[:i] if name.touches(other)}
        free = [row for row in range(MARK_ROWS) if row not in rows]
        if not free:
            return False
        name.row = free[0]
    return True


def rows_needed(marks: Sequence[Sequence[Mark]]) -> int:
    """At most how many rows of names `mark` will use in panels with these marks."""
    return min(max((len(those) for those in marks), default=0), MARK_ROWS)


def _share(
    drawn: Sequence[tuple[Line, F64]], widest_pt: float, size: float
) -> list[tuple[Line, F64]]:
    """One entry for all lines that say the same and lie on each other, in a neutral ink."""
    stacks: list[list[tuple[Line, F64]]] = []
    for line, path in drawn:
        for stack in stacks:
            over, where = stack[0]
            same = over.value == line.value and where.shape == path.shape
            if same and not (line.alone or over.alone) and np.abs(where - path).max() < 1.5:
                stack.append((line, path))
                break
        else:
            stacks.append([(line, path)])
    out = []
    for stack in stacks:
        line, path = stack[0]
        if len(stack) > 1:
            name = ", ".join(other.name for other, _ in stack)
            if width_pt(f"{name}: {line.value}", size) > widest_pt:
                name = f"{len(stack)} groups"
            line = replace(line, name=name, ink="#444444")
        out.append((line, path))
    return out


def _dense(path: F64, panel: F64) -> F64:
    """Points a few apart along the part of a polyline that is inside the panel."""
    path = path[np.isfinite(path).all(axis=1)]
    if len(path) > 1:
        length = np.hypot(*np.diff(path, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(length)])
        at = np.linspace(0.0, along[-1], min(int(along[-1] / 2) + 2, 4_000))
        path = np.column_stack([np.interp(at, along, path[:, k]) for k in (0, 1)])
    return path[((path >= -1) & (path <= panel + 1)).all(axis=1)]


def _candidates(
    path: F64,
    target: F64,
    size: F64,
    panel: F64,
) -> F64:
    """[places, 4] boxes (left, low, right, high) around points of `path`, inside the panel."""
    along = path[np.linspace(0, len(path) - 1, min(len(path), 40)).astype(int)]
    anchors = np.vstack([target, along])
    shifts = [(x, y) for x in (-1.0, -0.5, 0.0) for y in (-1.0, 0.0)]
    shifts += [(-1.0, -0.5), (0.0, -0.5)]
    shifts += [(x, 1.12 * row) for x in (-1.0, -0.5, 0.0) for row in range(1, 8)]
    places = [anchors + np.array(s) * size + 3.0 * np.sign(np.array(s) + 0.5) for s in shifts]
    dodge = np.column_stack([np.full(17, 5.0), (np.arange(-8, 9) * 0.5 - 0.5) * size[1]])
    low = np.concatenate([*places, target + dodge])
    low = np.clip(low, 0, np.maximum(panel - size, 0))
    return np.hstack([low, low + size])


class _Cells:
    """The cells of a panel that each line passes through, summed so that boxes count at once."""

    CELL = 2.0
    MARGINS = (0.0, 3.0, 6.0, 12.0, 24.0)

    def __init__(self, paths: Sequence[F64], panel: F64) -> None:
        """`paths` in points from the corner of the panel, `panel` its width and height."""
        self.shape = (panel / self.CELL).astype(int) + 2
        filled = np.zeros((len(paths), *(self.shape + 1)), np.int32)
        for i, path in enumerate(paths):
            cell = np.clip((path / self.CELL).astype(int), 0, self.shape - 1)
            filled[i, cell[:, 0] + 1, cell[:, 1] + 1] = 1
        self.sums = filled.cumsum(axis=1).cumsum(axis=2)

    def count(self, boxes: F64, margin: float = 0.0) -> I64:
        """[lines, boxes] cells of each line within `margin` of each box."""
        x0, y0 = np.clip((boxes[:, :2] - margin) // self.CELL, 0, self.shape).astype(int).T
        x1, y1 = np.clip((boxes[:, 2:] + margin) // self.CELL + 1, 0, self.shape).astype(int).T
        s = self.sums
        return np.asarray(s[:, x1, y1] - s[:, x0, y1] - s[:, x1, y0] + s[:, x0, y0])

    def away(self, boxes: F64) -> I64:
        """[lines, boxes] how many of `MARGINS` do not reach from the box to the line."""
        return np.asarray(sum((self.count(boxes, m) == 0).astype(np.int64) for m in self.MARGINS))
