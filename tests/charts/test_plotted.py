"""The numbers of charts, as a page gets them."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.run_tables import tables_of
from sim.charts.inline import inline
from sim.charts.plotted import BUCKETS, Read, plots, telling


def test_a_short_line_is_kept_and_of_a_long_one_the_lows_and_highs() -> None:
    assert telling(np.arange(2.0 * BUCKETS)).tolist() == list(range(2 * BUCKETS))
    rng = np.random.default_rng(3)
    y = rng.normal(size=100_000)
    y[777], y[5_000:6_000] = 99.0, np.nan
    kept = telling(y)
    assert len(kept) <= 2 * BUCKETS + 2 and {0, 777, 99_999, int(np.nanargmin(y))} <= set(kept)
    for part in np.array_split(np.arange(len(y)), 40):
        mine = kept[(kept >= part[0]) & (kept <= part[-1])]
        assert np.nanmax(y[mine]) >= np.quantile(y[part][~np.isnan(y[part])], 0.999)


def test_axes_are_told_as_they_stand_in_the_picture() -> None:
    figure = Figure(figsize=(4, 2))
    ax = figure.add_axes((0.25, 0.25, 0.5, 0.5))
    ax.plot([0, 1], [5, np.nan], color="#0072B2", label="kept")
    ax.plot([0, 1], [1, 1], label="_not")
    ax.set(xlim=(0, 2), ylim=(0, 10), ylabel="messages")
    ax.set_title("kafka", loc="left")
    (told,) = plots([ax], [Read("clock", "count", 60.0)], 288, 144)
    assert told == {
        "title": "kafka",
        "box": [72, 36, 216, 108],
        "x": {"kind": "clock", "unit": 60.0, "range": [0, 2]},
        "y": {
            "kind": "count", "name": "messages", "range": [0, 10], "scale": "linear",
            "threshold": None, "linscale": None,
        },
        "lines": [{"name": "kept", "colour": "#0072b2", "x": [0, 1], "y": [5, None]}],
    }  # fmt: skip
    ax.set_yscale("symlog", linthresh=10.0, linscale=0.5)
    (told,) = plots([ax], [Read("clock", "count")], 288, 144)
    assert (told["y"]["scale"], told["y"]["threshold"], told["y"]["linscale"]) == (
        "symlog", 10, 0.5,
    )  # fmt: skip
    ax.lines[0].remove()
    assert plots([ax], [Read("clock", "count")], 288, 144) == []


@pytest.mark.parametrize("name", ["football", "hopeless"])
def test_each_group_of_each_system_is_told_in_its_place(name: str) -> None:
    tables = tables_of(name)
    pairs = [tuple(pair) for pair in tables.summary[["system", "group"]].astype(str).to_numpy()]
    told = {chart.name: chart for chart in inline(tables)}
    overview = told["overview"].panels[0].plots
    for kind in ("rate", "count", "duration"):
        mine = [plot for plot in overview if plot["y"]["kind"] == kind]
        assert [(plot["title"], line["name"]) for plot in mine for line in plot["lines"]] == pairs
    for chart in ("throughput", "lag", "time_lag"):
        mine = [plot for panel in told[chart].panels for plot in panel.plots]
        assert [(plot["title"], line["name"]) for plot in mine for line in plot["lines"]] == pairs
    highest = {
        (plot["title"], line["name"]): max(y for y in line["y"] if y is not None)
        for panel in told["lag"].panels
        for plot in panel.plots
        for line in plot["lines"]
    }
    lags = tables.series.groupby(["system", "group"])["lag"].max()
    for pair in pairs:
        assert highest[pair] == pytest.approx(lags[pair], rel=1e-4)
    assert json.loads(json.dumps(overview, allow_nan=False)) == list(overview)
