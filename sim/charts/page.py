"""The sheet of paper: a grid of panels with shared axes, a title, and the units of time."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

STYLE = Path(__file__).parent / "lab.mplstyle"
MUTED = "#6b6b6b"
"""Grey of what is not data; dark enough to read on white."""
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito's colours for all kinds of colour vision, less black and the yellow that white
swallows."""
MEASURED = "#222222"
"""Of what was measured, over what was simulated."""
INK = ("#0072B2", "#B84F00", "#00795A", "#A8508A", "#946300", "#2277A8")
"""The same hues, dark enough for small letters (contrast of at least 4.5 to 1 on white)."""


@dataclass(frozen=True)
class Letters:
    """Sizes of letters on a page, in points."""

    title: float = 13.0
    subtitle: float = 9.0
    note: float = 7.5
    panel: float = 10.0
    """Titles of panels."""
    label: float = 9.0
    """Names of axes."""
    tick: float = 8.5
    line: float = 8.0
    """Names of lines and points."""
    margin_in: float = 0.2

    @property
    def rc(self) -> dict[Any, Any]:
        """Parameters of matplotlib for these."""
        return {
            "axes.titlesize": self.panel,
            "axes.labelsize": self.label,
            "xtick.labelsize": self.tick,
            "ytick.labelsize": self.tick,
            "font.size": self.label,
        }


SCREEN = Letters()
PRINT = Letters(
    title=8.5, subtitle=7.0, note=6.0, panel=7.5, label=6.5, tick=6.5, line=6.5, margin_in=0.06
)
"""For pictures that are printed at the size they are drawn, in a column or on a slide."""


HINTING = 1.04
"""How much wider letters fitted to pixels may be than their outlines."""


@contextmanager
def style(letters: Letters = SCREEN, dpi: float | None = None) -> Iterator[None]:
    """The lab's style, whatever the user's own: what is drawn and saved inside has it.

    `dpi` is that of figures; matplotlib places everything again when one is saved at another.
    """
    with mpl.rc_context():
        mpl.rcParams.update(_rc_params() | letters.rc)
        if dpi:
            mpl.rcParams["figure.dpi"] = dpi
        yield


@lru_cache(maxsize=1)
def _rc_params() -> dict[Any, Any]:
    own = mpl.rc_params_from_file(STYLE, use_default_template=False)
    kept = {"backend", "backend_fallback", "interactive", "toolbar", "timezone", "date.epoch"}
    return {k: v for k, v in mpl.rcParamsDefault.items() if k not in kept} | dict(own)


@dataclass(frozen=True)
class Margins:
    """White space in inches around and between the panels of a page."""

    left: float = 0.75
    right: float = 0.2
    top: float = 0.35
    """Above each row of panels, for its titles; room for marks comes on top."""
    bottom: float = 0.5
    between: float = 0.25


@dataclass
class Words:
    """What a page says around its panels."""

    title: str = ""
    subtitle: str = ""
    footnote: str = ""
    alone: bool = False
    """Whether nothing is drawn below them."""

    def say(self, title: str, subtitle: str, footnote: str) -> None:
        """Keep them; if they are alone, drawing ends here."""
        self.title, self.subtitle, self.footnote = title, subtitle, footnote
        if self.alone:
            raise _SaidError


class _SaidError(Exception):
    """The words are known, and nothing else is asked for."""


_APART: ContextVar[Words | None] = ContextVar("_APART", default=None)
ALONE_IN = 4.2
"""Width of a panel that is a figure of its own."""


@contextmanager
def apart(*, words_alone: bool = False) -> Iterator[Words]:
    """For pages that flow, as in a browser: what is drawn inside leaves its words in the object
    that this yields, instead of on the page, and `panels` makes a figure of each panel.

    With `words_alone`, what is inside ends, without an error, where its panels would begin.
    """
    words = Words(alone=words_alone)
    token = _APART.set(words)
    try:
        with suppress(_SaidError):
            yield words
    finally:
        _APART.reset(token)


def sheet(
    title: str,
    subtitle: str,
    footnote: str,
    width_in: float,
    panels_in: float,
    letters: Letters = SCREEN,
) -> tuple[Figure, float, float]:
    """A figure with its words, in as many lines as they need, and `panels_in` of free height.

    Returns the figure and the top and bottom of the free space, as fractions of its height.
    """
    if words := _APART.get():
        words.say(title, subtitle, footnote)
        title = subtitle = footnote = ""
    margin_in = letters.margin_in
    top_in, foot_in = 0.7 * margin_in, 0.4 * margin_in
    within_in = width_in - 2 * margin_in
    lines = wrapped(title, within_in, letters.title, "bold")
    below = wrapped(subtitle, within_in, letters.subtitle)
    notes = wrapped(footnote, within_in, letters.note)
    title_in = top_in + 1.3 / 72 * letters.title * len(lines)
    head_in = title_in + 0.04 + 1.32 / 72 * letters.subtitle * len(below)
    notes_in = foot_in + 1.44 / 72 * letters.note * len(notes)
    height_in = head_in + panels_in + notes_in
    figure = Figure(figsize=(width_in, height_in))
    left = margin_in / width_in

    def write(words: list[str], down_in: float, size: float, **how: Any) -> None:
        figure.text(left, 1 - down_in / height_in, "\n".join(words), size=size, va="top", **how)

    write(lines, top_in, letters.title, weight="bold", linespacing=1.25)
    write(below, title_in + 0.02, letters.subtitle, color=MUTED)
    if notes:
        low = foot_in / height_in
        words_below = "\n".join(notes)
        figure.text(left, low, words_below, size=letters.note, va="bottom", color=MUTED)
    return figure, 1 - head_in / height_in, notes_in / height_in


def sentences(*each: str) -> str:
    """One after the other, each with a full stop unless it ends in a mark; the last as it is."""
    said = [words for words in each if words]
    return " ".join([w if w[-1] in ".?!" else f"{w}." for w in said[:-1]] + said[-1:])


def wrapped(words: str, width_in: float, size: float, weight: str = "normal") -> list[str]:
    """`words` in lines at most `width_in` wide in letters of `size` points.

    A number stays with its unit, and a duration is whole. A word that is wider by itself, as paths
    can be, is broken after its punctuation.
    """

    def fits(line: str) -> bool:
        return width_pt(line, size, weight) <= width_in * 72

    whole = " ".join(words.split())
    if not whole or fits(whole):  # most do, and measuring word by word took a tenth of a drawing
        return [whole] if whole else []
    lines: list[str] = []
    kept = _QUANTITY.sub(lambda found: found[0].replace(" ", _KEPT), whole)
    for word in (word.replace(_KEPT, " ") for word in kept.split(" ")):
        pieces = [word] if fits(word) else re.split(r"(?<=[/_.-])", word)
        for piece, space in zip(pieces, [" ", *[""] * len(pieces)], strict=False):
            if lines and fits(lines[-1] + space + piece):
                lines[-1] += space + piece
            else:
                lines.append(piece)
    return lines


_UNIT = r"(?:ms|s|min|h|days?|%|M|k)(?!\w)"
_QUANTITY = re.compile(rf"\d {_UNIT}(?: \d+ {_UNIT})*")
_KEPT = "\N{NO-BREAK SPACE}"


@lru_cache(maxsize=4096)
def width_pt(words: str, size: float, weight: str = "normal") -> float:
    """How wide `words` are at most in letters of `size` points, in points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(words, font, False)
    return HINTING * float(width)


def grid(n: int) -> tuple[int, int]:
    """Rows and columns for `n` panels side by side, three to a row."""
    columns = n if n <= 3 else 2 if n == 4 else 3
    return -(-n // columns), columns


def panels(
    n: int,
    *,
    title: str,
    subtitle: str,
    footnote: str = "",
    marks_pt: float = 0.0,
    panel_in: float = 2.3,
    below_pt: float = 0.0,
) -> list[Axes]:
    """`n` panels on a new page, all on the same x and y axes; the figure is ``axes[0].figure``.

    `marks_pt` is the room to leave between a panel and its title, `below_pt` that at the foot of a
    figure that has but one panel.
    """
    rows, columns = grid(n)
    m = Margins(top=Margins.top + marks_pt / 72)
    if words := _APART.get():
        words.say(title, subtitle, footnote)
        return [_alone(replace(m, bottom=m.bottom + below_pt / 72), panel_in) for _ in range(n)]
    width_in = {1: 8.0, 2: 10.5}.get(columns, 13.0)
    row_in = m.top + panel_in + 0.25
    figure, top, bottom = sheet(title, subtitle, footnote, width_in, rows * row_in + m.bottom - 0.1)
    height_in = figure.get_figheight()
    each = figure.subplots(
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        gridspec_kw={
            "left": m.left / width_in,
            "right": 1 - m.right / width_in,
            "top": top - m.top / height_in,
            "bottom": bottom + m.bottom / height_in,
            "hspace": (m.top + 0.25) / panel_in,
            "wspace": m.between / ((width_in - m.left - m.right) / columns - m.between),
        },
    )
    for spare in each.flat[n:]:
        spare.remove()
    if n < rows * columns:
        for above in each[-2, n % columns :]:
            above.tick_params(labelbottom=True)
    return list(each.flat[:n])


def _alone(m: Margins, panel_in: float) -> Axes:
    """One panel as a figure of its own."""
    height_in = m.top + panel_in + m.bottom
    width = 1 - (m.left + m.right) / ALONE_IN
    place = (m.left / ALONE_IN, m.bottom / height_in, width, panel_in / height_in)
    return Figure(figsize=(ALONE_IN, height_in)).add_axes(place)


def outer(axes: Sequence[Axes]) -> tuple[list[Axes], list[Axes]]:
    """Those of `axes` with nothing of theirs to the left, and those with nothing below."""

    def spot(ax: Axes) -> tuple[int, int]:
        spec = ax.get_subplotspec()
        return (spec.rowspan.start, spec.colspan.start) if spec else (0, 0)

    spots = {spot(ax) for ax in axes}
    left = [ax for ax in axes if spot(ax)[1] == 0 or len(spots) < len(axes)]
    low = [ax for ax in axes if (spot(ax)[0] + 1, spot(ax)[1]) not in spots]
    return left, low


@dataclass(frozen=True)
class TimeAxis:
    """The unit in which a page shows time, and how far."""

    unit_s: float
    name: str
    end_s: float

    @classmethod
    def until(cls, end_s: float) -> "TimeAxis":
        for unit_s, name, most in ((1.0, "s", 180), (60.0, "min", 300), (3600.0, "h", 96)):
            if end_s <= most * unit_s:
                return cls(unit_s, name, end_s)
        return cls(86_400.0, "days", end_s)

    def apply(self, axes: Sequence[Axes]) -> None:
        for ax in axes:
            ax.set_xlim(0, self.end_s / self.unit_s or 1)
            ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 3, 5, 6, 10]))
        for ax in outer(axes)[1]:
            ax.set_xlabel(f"time since start ({self.name})")


def pixels(ax: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[points, 2] where data are drawn, in points from the lower left corner of `ax`."""
    scale = 72 / ax.figure.dpi
    corner = ax.bbox.min
    return np.asarray((ax.transData.transform(np.column_stack([x, y])) - corner) * scale)
