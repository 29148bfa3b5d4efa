"""What each remedy leaves of a harm: a panel for each group that `sim explain` explained."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.charts.inline import Inline, Panel, svg
from sim.charts.page import (
    INK,
    MUTED,
    PALETTE,
    TimeAxis,
    apart,
    sheet,
    style,
    width_pt,
    wrapped,
)
from sim.foundation.text import tick

MOST_GROUPS = 4
"""Groups that have a panel, the worst off first."""
MOST_BARS = 6
"""Remedies of a group that have a bar, those that are named first."""
_LABEL_IN = 2.6
_WIDTH_IN = 9.0
_ROW_IN = 0.34
_AS_IT_IS, _REMEDY = 1, 0
"""Places in the palette."""


def remedies(
    why: Mapping[str, Any], axes: Sequence[Axes] | None = None, *, title: str = ""
) -> list[Axes]:
    """Bars of how much of the first harm of each group is left, as it is and with each remedy.

    Args:
        why: an explanation as plain data: `sim.causes.words.as_data`.
        axes: to draw on, one for each of `shown`.
        title: which scenario it is, below the finding.
    """
    groups = shown(why)
    axes = axes or _new(
        groups, f"What each remedy leaves. {title}" if title else "What each remedy leaves"
    )
    for ax, group in zip(axes, groups, strict=True):
        _bars(ax, group["harms"][0])
        ax.set_title(wrapped(f"{group['system']}.{group['group']}", 8.0, 10.0)[0])
    return list(axes)


def inlined(why: Mapping[str, Any]) -> Inline | None:
    """The same for a page in a browser; None: there is nothing to draw."""
    if not shown(why):
        return None
    with style(), apart() as words:
        figure = remedies(why)[0].figure
        assert isinstance(figure, Figure)
        panel = Panel(words.title, svg(figure, "remedies", words.title), True)
    return Inline("remedies", words.title, words.subtitle, words.footnote, (panel,))


def shown(why: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The groups that have a panel: those with a harm and a cause, the worst off first."""
    found = [one for one in why["groups"] if one["harms"] and one["harms"][0]["causes"]]
    return found[:MOST_GROUPS]


def finding(groups: Sequence[Mapping[str, Any]]) -> str:
    """The harm of the group that is worst off and its first remedy, as a title."""
    if not groups:
        return "No cause was found"
    group = groups[0]
    cause = group["harms"][0]["causes"][0]
    remedy = _label(cause)
    return (
        f"{group['system']}.{group['group']}: {group['harms'][0]['said']}. "
        f"{remedy[0].upper()}{remedy[1:]}, {cause['left_said']}"
    )


def _label(cause: Mapping[str, Any]) -> str:
    """The remedy; a fault by what it is, and not by its number."""
    return f"without {cause['what']}" if cause["kind"] == "fault" else str(cause["remedy"])


def _bars(ax: Axes, harm: Mapping[str, Any]) -> None:
    rows = [("as it is", harm["value"], harm["said"], _AS_IT_IS)]
    rows += [
        (_label(cause), cause["left"], cause["left_said"], _REMEDY)
        for cause in harm["causes"][:MOST_BARS]
    ]
    unit = TimeAxis.until(harm["value"]) if harm["unit"] == "s" else None
    scale = unit.unit_s if unit is not None else 100.0 if harm["unit"] == "cents" else 1.0
    values = np.array([value for _, value, _, _ in rows]) / scale
    y = np.arange(len(rows))
    ax.barh(y, values, height=0.62, color=[PALETTE[k] for *_, k in rows], zorder=3)
    room_in = ax.bbox.width / ax.figure.dpi
    words_in = max(_beside(value / harm["value"], said, room_in) for _, value, said, _ in rows[1:])
    for at, (label, value, said, colour) in enumerate(rows):
        ax.annotate(
            "\n".join(wrapped(label, _LABEL_IN - 0.3, 8.5)), (0, at),
            xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center", size=8.5, annotation_clip=False,
        )  # fmt: skip
        inside = at == 0
        ax.annotate(
            said, (0.0 if inside else value / scale, at), xytext=(5, 0),
            textcoords="offset points", va="center", size=8,
            color="white" if inside else INK[2] if value == 0 else INK[colour], zorder=4,
        )  # fmt: skip
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    ax.set_xlim(0, values[0] * max(1.02, words_in))
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: tick(x)))
    what = "money" if harm["unit"] == "cents" else str(harm["unit"])
    if unit is not None:
        what = f"{'slower' if harm['kind'] == 'slower' else 'later'} than may be ({unit.name})"
    ax.set_xlabel(what, color=MUTED)


def _beside(share: float, said: str, room_in: float) -> float:
    """How wide the axis must be, in whole harms, so that words find room beside their bar."""
    words = (width_pt(said, 8) + 12) / 72 / room_in
    return share / max(1e-9, 1 - words) if words < 0.9 else 10.0 * share


def _new(groups: Sequence[Mapping[str, Any]], subtitle: str) -> list[Axes]:
    rows = [1 + min(MOST_BARS, len(group["harms"][0]["causes"])) for group in groups]
    heights_in = [_ROW_IN * n for n in rows]
    gap_in, top_in, bottom_in = 0.85, 0.4, 0.5
    panels_in = sum(heights_in) + gap_in * (len(rows) - 1) + top_in + bottom_in
    figure, top, _ = sheet(finding(groups), subtitle, "", _WIDTH_IN, panels_in)
    height_in = figure.get_figheight()
    left = _LABEL_IN / _WIDTH_IN
    out, down_in = [], (1 - top) * height_in + top_in
    for each_in in heights_in:
        low = 1 - (down_in + each_in) / height_in
        out.append(figure.add_axes((left, low, 0.97 - left, each_in / height_in)))
        down_in += each_in + gap_in
    return out
