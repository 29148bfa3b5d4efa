"""Many runs of a scenario over time: a panel a system, a line for the median, a band around it."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from sim.charts.labels import Line, Mark, mark, name_lines, rows_needed, title_pad
from sim.charts.over_time import durations_axis
from sim.charts.page import INK, PALETTE, TimeAxis, outer, panels
from sim.foundation.text import duration


def time_lag_bands(bands: pd.DataFrame, duration_s: float, *, title: str, runs: int) -> list[Axes]:
    """Time lag of each group, of many runs.

    Args:
        bands: a row per system, group and time ``t_s``: ``low``, ``median`` and ``high``, s.
        duration_s: when arrivals end.
        title: what is seen, as a sentence.
        runs: how many there were.
    """
    systems = [str(system) for system in bands["system"].unique()]
    end_s = float(bands["t_s"].max())
    ends = [Mark(duration_s, 0.0, "arrivals end", mergeable=False)]
    marks = ends if duration_s < 0.99 * end_s else []
    axes = panels(
        len(systems),
        title=title,
        subtitle=f"Time lag per group: median of {runs} runs, and a band that holds 9 of 10",
        footnote="Time lag: age of the oldest message that is created and not yet processed.",
        marks_pt=title_pad(rows_needed([marks])),
    )
    time = TimeAxis.until(max(end_s, duration_s))
    colours = _colours(bands)
    for ax, system in zip(axes, systems, strict=True):
        lines = _draw(ax, bands[bands["system"] == system], colours, time)
        its = [Mark(m.at / time.unit_s, 0.0, m.words, mergeable=False) for m in marks]
        rows = mark(ax, its)
        ax.set_title(system, pad=title_pad(rows))
        name_lines(ax, lines)
    durations_axis(axes, float(bands["high"].max()))
    time.apply(axes)
    for ax in outer(axes)[0]:
        ax.set_ylabel("time lag")
    return list(axes)


def _draw(
    ax: Axes, bands: pd.DataFrame, colours: Mapping[str, int], time: TimeAxis
) -> Sequence[Line]:
    lines = []
    for group, its in bands.groupby("group", sort=False):
        k = colours[str(group)]
        x = its["t_s"].to_numpy(float) / time.unit_s
        low, middle, high = (its[name].to_numpy(float) for name in ("low", "median", "high"))
        ax.fill_between(x, low, high, color=PALETTE[k], alpha=0.25, lw=0, zorder=2)
        ax.plot(x, middle, color=PALETTE[k], lw=1.6, zorder=3)
        most = f"at most {duration(float(high.max()))}"
        lines.append(Line(x, middle, str(group), INK[k], most))
    return lines


def _colours(bands: pd.DataFrame) -> Mapping[str, int]:
    groups = dict.fromkeys(str(group) for group in bands["group"])
    return {group: i % len(PALETTE) for i, group in enumerate(groups)}
