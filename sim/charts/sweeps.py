"""What a sweep found: lines for one key that was varied, heat maps for two, a tornado for many."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from sim.charts.labels import Line, name_lines
from sim.charts.over_time import counts_axis, linear_durations_axis, round_durations
from sim.charts.page import INK, MUTED, PALETTE, outer, panels, sheet, width_pt, wrapped
from sim.charts.quantiles import DECADES_S
from sim.foundation.text import duration

MOST_PANELS = 6
"""Groups that have a panel, those that change most first."""
WIDE = 30.0
"""A number of durations that spans more than this factor is drawn on a logarithmic axis."""
LITTLE = 0.05
"""Share of the variance below which a bar is grey: it may be luck."""
_NEVER, _UNSURE = "#d9d9d9", "#b0b0b0"
_LOW, _HIGH = "#eef5fa", "#00517F"
_LABEL_IN = 2.2
_ROW_IN = 0.42

Say = Callable[[float], str]


@dataclass(frozen=True)
class KeyAxis:
    """A key that was varied, as an axis."""

    path: str
    """Its column."""
    name: str
    say: Callable[[float | str], str]
    values: tuple[float | str, ...]
    """All that it was set to, in order."""
    log: bool = False
    """Whether they lie in equal ratios."""

    @property
    def numeric(self) -> bool:
        """Whether they are numbers."""
        return all(not isinstance(value, str) for value in self.values)


def lines(
    cells: pd.DataFrame, key: KeyAxis, *, title: str, number: str, say: Say, times: bool, of: str
) -> list[Axes]:
    """A number over the values of one key: a panel a system, a line a group, a band around it.

    Args:
        cells: a row per ``system``, ``group`` and value of the key: ``mean``, ``low``, ``high``.
        key: the key.
        title: what is seen, as a sentence.
        number: what the number is called.
        say: a value of it in words.
        times: whether it is a duration, s.
        of: what a point is, such as "mean of 5 runs".
    """
    systems = list(dict.fromkeys(str(system) for system in cells["system"]))
    bands = bool(cells["high"].notna().any())
    axes = panels(
        len(systems),
        title=title,
        subtitle=f"{number} over {key.name}: {of}"
        + (", and a band that holds the mean with 95 % confidence" if bands else ""),
    )
    groups = dict.fromkeys(str(group) for group in cells["group"])
    colours = {group: k % len(PALETTE) for k, group in enumerate(groups)}
    named = [
        _lines(ax, cells[cells["system"] == system], key, colours, say)
        for ax, system in zip(axes, systems, strict=True)
    ]
    finite = cells[["mean", "high"]].to_numpy(float)
    _y_axis(axes, finite[np.isfinite(finite)], times)
    _x_axis(axes, key)
    for ax, system, its in zip(axes, systems, named, strict=True):
        ax.set_title(system)
        name_lines(ax, its)
    for ax in outer(axes)[0]:
        ax.set_ylabel(number)
    return list(axes)


def _lines(
    ax: Axes, cells: pd.DataFrame, key: KeyAxis, colours: Mapping[str, int], say: Say
) -> list[Line]:
    out = []
    for group, its in cells.groupby("group", sort=False):
        k = colours[str(group)]
        x = _places(key, its[key.path].tolist())
        order = np.argsort(x)
        x, its = x[order], its.iloc[order]
        mean, low, high = (its[c].to_numpy(float) for c in ("mean", "low", "high"))
        shown = np.isfinite(mean)
        ax.fill_between(x, low, high, color=PALETTE[k], alpha=0.25, lw=0, zorder=2)
        style = "-" if key.numeric else ":"
        ax.plot(
            x[shown], mean[shown], style, marker="o", ms=3.5, color=PALETTE[k], lw=1.6, zorder=3
        )
        if shown.any():
            ends = f"{say(float(mean[shown][0]))} to {say(float(mean[shown][-1]))}"
            out.append(Line(x[shown], mean[shown], str(group), INK[k], ends))
    return out


def _places(key: KeyAxis, values: Sequence[float | str]) -> np.ndarray:
    """Where values stand on an axis: numbers at themselves, names in a row."""
    if key.numeric:
        return np.array(values, dtype=float)
    return np.array([key.values.index(value) for value in values], dtype=float)


def _x_axis(axes: Sequence[Axes], key: KeyAxis) -> None:
    places = _places(key, key.values)
    in_ratios = key.log or (key.numeric and places.min() > 0 and places.max() >= 20 * places.min())
    for ax in axes:
        if in_ratios:
            ax.set_xscale("log")
            room = (places.max() / places.min()) ** 0.06
            ax.set_xlim(places.min() / room, places.max() * room)
        else:
            room = 0.06 * np.ptp(places)
            ax.set_xlim(places.min() - room, places.max() + room)
        width = ax.bbox.width * 72 / ax.figure.dpi
        ax.xaxis.set_major_locator(FixedLocator(_apart(ax, key, places, width)))
        ax.xaxis.set_minor_locator(NullLocator())
        words = dict(zip(places, map(key.say, key.values), strict=True))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _, words=words: words.get(x, "")))
    for ax in outer(axes)[1]:
        ax.set_xlabel(key.name)


def _apart(ax: Axes, key: KeyAxis, places: np.ndarray, width: float) -> list[float]:
    """Those of the values whose words do not touch the ones before them."""
    taken, free = [], -np.inf
    for place, value in zip(places, key.values, strict=True):
        share = ax.transLimits.transform(ax.transScale.transform((place, ax.get_ylim()[0])))[0]
        half = width_pt(key.say(value), 8.5) / 2
        if share * width - half > free:
            taken.append(float(place))
            free = share * width + half + 6
    return taken


def _y_axis(axes: Sequence[Axes], values: np.ndarray, times: bool) -> None:
    highest = float(values.max(initial=0.0))
    if not times:
        counts_axis(axes, highest)
        return
    above = values[values > 0]
    if not above.size or values.min() <= 0 or highest < WIDE * above.min():
        linear_durations_axis(axes, highest)
        return
    low, high = above.min() / 1.6, highest * 4
    fine = [m * d for d in (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0) for m in (1, 2, 5)]
    ticks = DECADES_S if high > 1e3 * low else sorted({*fine, *DECADES_S})
    for ax in axes:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
        ax.yaxis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: duration(y)))


def heat(
    cells: Mapping[str, pd.DataFrame],
    across: KeyAxis,
    down: KeyAxis,
    *,
    title: str,
    number: str,
    say: Say,
    of: str,
) -> list[Axes]:
    """A number over the values of two keys: a panel a group, on one scale, with figures.

    Args:
        cells: of each group the ``mean`` for each pair of values.
        across: the key along x.
        down: the key along y.
        title: what is seen, as a sentence.
        number: what the number is called.
        say: a value of it in words.
        of: what a cell is, such as "mean of 5 runs".
    """
    shown = dict(list(cells.items())[:MOST_PANELS])
    rest = len(cells) - len(shown)
    values = np.concatenate([its["mean"].to_numpy(float) for its in shown.values()])
    words_pt = max(width_pt(say(float(value)), 8) for value in values if not np.isnan(value))
    figure, spots = _sheet_of_heat(
        list(shown), across, down, words_pt, title, f"{number}: {of}", rest
    )
    norm = _norm(values[np.isfinite(values)])
    ramp = LinearSegmentedColormap.from_list("lab", [_LOW, PALETTE[0], _HIGH])
    colours = ramp.with_extremes(bad=_NEVER)
    axes = []
    for (name, its), spot in zip(shown.items(), spots, strict=True):
        ax = figure.add_axes(spot)
        grid = its.pivot(index=down.path, columns=across.path, values="mean")
        grid = grid.reindex(index=list(down.values), columns=list(across.values))
        mean = grid.to_numpy(float)
        ax.imshow(
            np.where(np.isfinite(mean), mean, np.nan), cmap=colours, norm=norm, aspect="auto",
            origin="lower",
        )  # fmt: skip
        _figures(ax, mean, norm, say)
        ax.grid(visible=False)
        ax.set_title(name)
        for axis, key in ((ax.xaxis, across), (ax.yaxis, down)):
            axis.set_major_locator(FixedLocator(range(len(key.values))))
            axis.set_ticklabels([key.say(value) for value in key.values])
        ax.set_xlabel(across.name)
        ax.set_ylabel(down.name)
        axes.append(ax)
    return axes


def _sheet_of_heat(
    names: Sequence[str],
    across: KeyAxis,
    down: KeyAxis,
    words_pt: float,
    title: str,
    subtitle: str,
    rest: int,
) -> tuple[Figure, list[tuple[float, float, float, float]]]:
    columns = min(len(names), 1 if len(across.values) > 10 else 2 if len(across.values) > 5 else 3)
    rows = -(-len(names) // columns)
    left_in = 0.7 + max(width_pt(down.say(value), 8.5) for value in down.values) / 72
    labels_pt = max(width_pt(across.say(value), 8.5) for value in across.values)
    wide_in = max(2.2, (max(words_pt, labels_pt) + 8) / 72 * len(across.values))
    high_in = max(1.5, 0.34 * len(down.values))
    top_in, bottom_in, right_in = 0.38, 0.55, 0.25
    width_in = max(6.5, columns * (left_in + wide_in + right_in))
    note = f"And {rest} more groups, in the dataset." if rest > 0 else ""
    figure, top, _ = sheet(title, subtitle, note, width_in, rows * (top_in + high_in + bottom_in))
    height_in = figure.get_figheight()
    spots = []
    for i in range(len(names)):
        row, column = divmod(i, columns)
        x_in = column * (left_in + wide_in + right_in) + left_in
        y_in = top * height_in - (row + 1) * (top_in + high_in) - row * bottom_in
        spots.append((x_in / width_in, y_in / height_in, wide_in / width_in, high_in / height_in))
    return figure, spots


def _norm(values: np.ndarray) -> Normalize:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if low > 0 and high > WIDE * low:
        return LogNorm(low, high)
    return Normalize(min(low, 0.0) if high > 2 * low else low, high if high > low else low + 1)


def _figures(ax: Axes, mean: np.ndarray, norm: Normalize, say: Say) -> None:
    """Write each cell's figure into it."""
    for (row, column), value in np.ndenumerate(mean):
        words = "" if np.isnan(value) else say(float(value))
        if words:
            dark = np.isfinite(value) and float(norm(value)) > 0.45
            ax.text(
                column, row, words, ha="center", va="center", size=8,
                color="white" if dark else "#222222",
            )  # fmt: skip


def tornado(
    effects: Mapping[str, pd.DataFrame],
    middle: Mapping[str, float],
    names: Mapping[str, str],
    *,
    title: str,
    number: str,
    say: Say,
    times: bool,
) -> list[Axes]:
    """What each key does to a number: a panel a group, a bar a key from the least to the greatest.

    Args:
        effects: of each group a row per key: `sim.studies.sweeps.Sweep.effects`.
        middle: of each group the median of all settings.
        names: of each path, what it is called.
        title: what is seen, as a sentence.
        number: what the number is called.
        say: a value of it in words.
        times: whether it is a duration, s.
    """
    shown = dict(list(effects.items())[:MOST_PANELS])
    rest = len(effects) - len(shown)
    note = (
        "A bar goes from the values of the key with the least median of all settings that have "
        "them to those with the greatest; the line is the median of all settings. Percent: of the "
        "variance of the settings' ranks, how much goes with the key (epsilon squared); grey: "
        "below 5 %, which may be luck."
    )
    if rest > 0:
        note += f" And {rest} more groups, in the dataset."
    rows = [len(its) for its in shown.values()]
    gap_in, top_in, bottom_in, width_in = 0.8, 0.38, 0.5, 9.0
    heights_in = [_ROW_IN * n for n in rows]
    panels_in = sum(heights_in) + gap_in * (len(rows) - 1) + top_in + bottom_in
    what = f"{number}: median over the settings that have a value, whatever the other keys are"
    figure, top, _ = sheet(title, what, note, width_in, panels_in)
    height_in = figure.get_figheight()
    axes, down_in = [], (1 - top) * height_in + top_in
    for (name, its), each_in in zip(shown.items(), heights_in, strict=True):
        low = 1 - (down_in + each_in) / height_in
        left = _LABEL_IN / width_in
        ax = figure.add_axes((left, low, 0.97 - left, each_in / height_in))
        _bars(ax, its, middle[name], names, say, times)
        ax.set_title(name)
        ax.set_xlabel(number, color=MUTED)
        axes.append(ax)
        down_in += each_in + gap_in
    return axes


def _bars(
    ax: Axes, its: pd.DataFrame, middle: float, names: Mapping[str, str], say: Say, times: bool
) -> None:
    its = its.assign(**{end: _drawn(its, end) for end in ("at_low", "at_high")})
    low, high = its["at_low"].to_numpy(float), its["at_high"].to_numpy(float)
    y = np.arange(len(its))
    sure = [not row["share"] < LITTLE for row in its.to_dict("records")]
    colours = [PALETTE[0] if its_own else _UNSURE for its_own in sure]
    ax.barh(y, high - low, left=low, height=0.5, color=colours, zorder=3)
    if np.isfinite(middle):
        ax.axvline(middle, color=MUTED, lw=0.9, zorder=4)
    _x_of_bars(ax, float(low.min()), float(high.max()), say, times)
    width = ax.bbox.width * 72 / ax.figure.dpi

    def at_pt(value: float) -> float:
        x = ax.transLimits.transform(ax.transScale.transform((value, 0.0)))[0]
        return float(x) * width

    for at, row in enumerate(its.to_dict("records")):
        part = f" ({100 * row['share']:.0f} %)" if np.isfinite(row["share"]) else ""
        label = f"{names[row['path']]}{part}"
        ax.annotate(
            "\n".join(wrapped(label, _LABEL_IN - 0.3, 8.5)), (0, at),
            xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center", size=8.5, annotation_clip=False,
        )  # fmt: skip
        for end, number, side in (("from", "low", -1), ("to", "high", 1)):
            value, words = row[f"at_{number}"], f"{row[end]}: {say(row[number])}"
            inward = side < 0 and at_pt(value) < width_pt(words, 8) + 6
            if inward and at_pt(row["at_high"]) - at_pt(value) < width_pt(words, 8) + 10:
                continue
            ax.annotate(
                words, (value, at), xytext=((4 if inward else 5 * side), 0),
                textcoords="offset points", va="center", size=8, zorder=5,
                ha="left" if side > 0 or inward else "right",
                color="white" if inward else INK[0] if sure[at] else MUTED,
            )  # fmt: skip
    ax.set_ylim(len(its) - 0.4, -0.6)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")


def _drawn(its: pd.DataFrame, end: str) -> np.ndarray:
    """Where the end of each bar is: what never ends goes a little beyond what does."""
    values = its[["low", "high"]].to_numpy(float)
    most = values[np.isfinite(values)].max(initial=0.0)
    at = its[end.removeprefix("at_")].to_numpy(float)
    return np.where(np.isfinite(at), at, 1.2 * most or 1.0)


def _x_of_bars(ax: Axes, lowest: float, highest: float, say: Say, times: bool) -> None:
    """An x axis with room for words on both sides: logarithmic where durations span much."""
    if times and 0 < WIDE * lowest < highest:
        room = highest / lowest
        low, high = lowest / room**0.45, highest * room**0.65
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.xaxis.set_major_locator(FixedLocator([t for t in DECADES_S if low <= t <= high]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: say(x)))
        return
    ax.set_xlim(0, 1.35 * highest if highest > 0 else 1.0)
    ax.xaxis.set_major_locator(
        FixedLocator(round_durations(1.35 * highest)) if times else MaxNLocator(5)
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: say(x)))
