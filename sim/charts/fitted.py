"""A lag that was measured, and the lag of the scenario that was fitted to it."""

from matplotlib.axes import Axes

from sim.charts.page import INK, PALETTE, TimeAxis, panels
from sim.foundation.arrays import F64
from sim.foundation.text import count


def fitted_lag(
    t_s: F64,
    measured: F64,
    lab: F64,
    *,
    title: str,
    group: str,
    stretch: tuple[float, float] | None,
) -> list[Axes]:
    """Both over time.

    Args:
        t_s: [samples] s since the first sample.
        measured: [samples] messages.
        lab: [samples] messages.
        title: what is seen, as a sentence.
        group: whose lag it is.
        stretch: from when until when the fault lasts, s; None: there is none.
    """
    (ax,) = panels(
        1,
        title=title,
        subtitle=f"Lag of {group}: as measured, and in the lab with what was fitted",
        footnote="" if stretch is None else "The shaded time is that of the fault.",
    )
    time = TimeAxis.until(float(t_s[-1]))
    x = t_s / time.unit_s
    if stretch is not None:
        low, high = (at / time.unit_s for at in stretch)
        ax.axvspan(low, min(high, float(x[-1])), color=PALETTE[3], alpha=0.15, lw=0, zorder=1)
    ax.plot(x, measured, ".", ms=4, color=PALETTE[0], zorder=3)
    ax.plot(x, lab, color=PALETTE[1], lw=1.6, zorder=4)
    whose = (("● as measured", measured), ("— in the lab", lab))
    for row, (what, lag) in enumerate(whose):
        words = f"{what}: at most {count(float(lag.max()))}"
        ax.annotate(
            words, (1.0, 1.02), (0, 16 * (1 - row)), xycoords="axes fraction",
            textcoords="offset points", ha="right", va="bottom", color=INK[row],
        )  # fmt: skip
    ax.set_ylabel("lag (messages)")
    ax.set_ylim(bottom=0)
    time.apply([ax])
    return [ax]
