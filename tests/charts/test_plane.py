"""The plane of price and harm."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.pages import page_of, title_of
from helpers.tables import football, nothing
from sim import charts
from sim.charts.plane import _log_durations


def test_a_point_is_where_the_numbers_are_and_bears_its_name() -> None:
    tables = football()
    figure = page_of(charts.plane([("a", tables)]))
    (ax,) = (a for a in figure.axes if "out of order" in a.get_title(loc="left"))
    drawn = np.vstack([points.get_offsets() for points in ax.collections])
    worst = tables.summary.groupby("system")[["latency_p99_s", "violations"]].max()
    wanted = worst.to_numpy(float)
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(wanted, axis=0))
    said = " ".join(text.get_text() for text in ax.texts)
    assert all(system in said for system in worst.index) and "better" in said
    corner = next(t for t in ax.texts if t.get_text() == "better")
    assert corner.xy == (0.0, 0) and corner.get_ha() == "left"
    paid = page_of(charts.plane([("a", tables)], price="throughput"))
    corner = next(t for t in paid.axes[0].texts if t.get_text() == "better")
    assert corner.xy == (1.0, 0) and corner.get_ha() == "right"


def test_a_system_that_processed_nothing_is_named_and_not_drawn() -> None:
    tables = football()
    lost = tables.summary.assign(latency_p99_s=[np.nan, *tables.summary["latency_p99_s"][1:]])
    figure = page_of(charts.plane([("a", replace(tables, summary=lost))]))
    assert "Not shown, as they processed nothing: sqs_single." in [
        t.get_text() for t in figure.texts
    ]
    assert title_of(page_of(charts.plane([("a", nothing())]))) == "No message was processed"


@pytest.mark.parametrize("low", [10.0 ** (k / 7) for k in range(-42, 45)])
def test_its_axis_has_ticks_wherever_the_values_are(low: float) -> None:
    for factor in (1.0, 1.2, 5.0, 1e3):
        ax = Figure().add_subplot()
        _log_durations(ax, np.array([low, low * factor]))
        left, right = ax.get_xlim()
        ticks = [t for t in ax.xaxis.get_majorticklocs() if left <= t <= right]
        assert len(ticks) >= 2, (low, factor)
