"""Charts for a page in a browser: small SVG that flow with the page and take its colours.

Their letters are text, their colours are variables of the page (`colours`), and panels that share
axes are pictures of their own, so that a narrow screen shows them one below the other.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sim.charts.files import (
    CHART,
    LEDGER_CHARTS,
    names,
    on_two_cores,
    shows,
    writing,
)
from sim.charts.over_time import time_axis
from sim.charts.page import ALONE_IN, apart, style
from sim.charts.plotted import Read, plots
from sim.charts.side_by_side import overview

if TYPE_CHECKING:
    from sim.measure.tables import Tables


OVERVIEW = "overview"
POINTS = 72.0
"""The dpi of an SVG: its unit is the point."""
_READS = {
    "throughput": Read("clock", "rate"),
    "lag": Read("clock", "count"),
    "status": Read("clock", "count"),
    "time_lag": Read("clock", "duration"),
    "order": Read("clock", "count"),
    "latency": Read("share", "duration"),
}
"""Chart -> how its axes are read, of those whose numbers a page says under the pointer."""


@dataclass(frozen=True)
class Panel:
    """One picture."""

    alt: str
    svg: str
    wide: bool
    """Whether it has several axes beside each other, and so should not be made small."""
    plots: tuple[Any, ...] = ()
    """The numbers of its axes, from `sim.charts.plotted.plots`."""


@dataclass(frozen=True)
class Inline:
    """A chart and its words; without panels where the title says all there is."""

    name: str
    title: str
    subtitle: str
    note: str
    panels: tuple[Panel, ...]


def inline(tables: "Tables") -> list[Inline]:
    """Every chart that has data; of systems that keep books, what became of these first."""
    return on_two_cores(_inlining(tables))


def write_and_inline(
    tables: "Tables", folder: Path, *, title: str
) -> tuple[list[Path], list[Inline]]:
    """`inline`, and the overview as a file, both at once.

    To draw every chart for its file as well takes as long again; `sim.charts.write_all` does that.
    """
    writes, inlines = writing(tables, folder, title, (OVERVIEW,)), _inlining(tables)
    done: list[Any] = on_two_cores([*writes, *inlines])
    n = len(writes)
    return [path for files in done[:n] for path in files], done[n:]


def _inlining(tables: "Tables") -> list[Callable[[], Inline]]:
    ordered = sorted(names(tables), key=lambda name: name not in LEDGER_CHARTS)
    return [partial(_inline, tables, name) for name in (OVERVIEW, *ordered)]


def _inline(tables: "Tables", name: str) -> Inline:
    panels: list[Panel] = []
    with style(dpi=POINTS), apart(words_alone=not shows(name, tables)) as words:
        axes = overview(tables).axes if name == OVERVIEW else CHART[name](tables)
        figures = {id(ax.figure): ax.figure for ax in axes}
        unit_s = time_axis(tables).unit_s
        panels = [
            _panel(name, i, figure, words.title, unit_s)
            for i, figure in enumerate(figures.values())
            if isinstance(figure, Figure)
        ]
    return Inline(name, words.title, words.subtitle, words.footnote, tuple(panels))


def _panel(name: str, i: int, figure: Figure, title: str, unit_s: float) -> Panel:
    wide = figure.get_figwidth() > ALONE_IN
    alt = title if wide else _said(figure.axes[0])
    drawn = svg(figure, f"{name}{i}", alt)
    axes = figure.axes
    width, height = figure.get_size_inches() * 72
    if name == OVERVIEW:
        labels = [str(ax.get_label()).partition(": ") for ax in axes]
        reads = [replace(_READS[what], title=system) for what, _, system in labels]
    elif name in _READS:
        axes = axes[:1]
        reads = [_READS[name]]
    else:
        return Panel(alt, drawn, wide)
    timed = [replace(read, x_unit=unit_s) if read.x == "clock" else read for read in reads]
    return Panel(alt, drawn, wide, tuple(plots(axes, timed, width, height)))


def _said(ax: Axes) -> str:
    """What is written in a panel: its title, what happened, and the numbers of its lines."""
    words = dict.fromkeys(text.get_text().replace("\n", " ") for text in ax.texts)
    return f"{ax.get_title(loc='left')}: {'; '.join(filter(None, words))}"


def svg(figure: Figure, prefix: str, alt: str) -> str:
    """`figure` as an element of a page; `prefix` keeps its ids apart from those of others."""
    buffer = StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", dpi="figure", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(
        r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S
    )
    text = re.sub(r"font-family: [^;\"]*;?", "", text)
    text = re.sub(r"#([0-9a-fA-F]{6})\b", lambda m: f"var({_variable(m[1])})", text)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", text))
    text = re.sub(
        r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", text
    )
    text = re.sub(r"(url\(|href=\")#", rf"\1#{prefix}-", text)
    text = re.sub(r' d="([^"]*)"', _shorter, text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r'( [xy]="-?\d+\.\d)\d+"', r'\1"', text)
    text = re.sub(r">\s+<", "><", text)
    width, height = figure.get_size_inches() * 72
    opening = (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{_quoted(alt)}" '
        f'style="max-width: {width * (1.9 if width <= 72 * ALONE_IN else 1.4):.0f}px">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: opening, text, count=1).strip()


def _shorter(path: re.Match[str]) -> str:
    """A path in tenths of a point, of which only what changes is written: a third of the size."""
    before = ("", "")
    short: list[str] = []
    for step, x, y, rest in _STEPS.findall(path[1]):
        here = (x, y)
        if step == "L" and here == before:
            continue
        if step == "L" and x == before[0]:
            short.append(f"V{y}")
        elif step == "L" and y == before[1]:
            short.append(f"H{x}")
        elif step:
            short.append(f"{step}{x} {y}")
        else:
            short.append(rest.strip())
        before = here if step else ("", "")
    return f' d="{"".join(short)}"'


_NUMBER = r"(-?\d+(?:\.\d)?)\d*"
_STEPS = re.compile(rf"([ML]) {_NUMBER} {_NUMBER}\s*|([^ML]+)")


def _quoted(words: str) -> str:
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _variable(colour: str) -> str:
    return f"--c-{colour.lower()}"


def colours(pages: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Variable -> its colour on white and on black, for all variables in these pages."""
    names = sorted({name for page in pages for name in re.findall(r"--c-([0-9a-f]{6})", page)})
    return {_variable(name): (f"#{name}", f"#{on_black(name)}") for name in names}


def on_black(colour: str) -> str:
    """The counterpart of a colour on white, both six hexadecimal digits.

    Greys and the faint shades of areas change places with their opposites; other hues stay, and
    none is dark.
    """
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    hue, light, full = rgb_to_hls(red, green, blue)
    if full < 0.15 or light > 0.85:
        light = LIGHTEST - (LIGHTEST - DARKEST) * light
        full *= 0.6
    else:
        light = max(light, 1 - light)
        while contrast(_hex(hue, light, full), BLACK) < READABLE:
            light += 0.02
    return _hex(hue, light, full)


def _hex(hue: float, light: float, full: float) -> str:
    return "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue, light, full))


def contrast(one: str, other: str) -> float:
    """Of two colours, as the Web Content Accessibility Guidelines measure it: 1 to 21."""
    high, low = sorted(map(_luminance, (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


READABLE = 4.5
"""Contrast that letters need."""
DARKEST, LIGHTEST = 0.08, 0.95
"""Lightness on black of what is white and of what is black on white."""
BLACK = "141414"
"""White's counterpart."""
