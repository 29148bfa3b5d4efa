"""Lines over time: lag, throughput, order."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from helpers.pages import page_of
from helpers.run_tables import tables_of
from helpers.tables import (
    Group,
    build,
    three_groups,
)
from sim import charts
from sim.charts.over_time import colour_of, places
from sim.charts.page import PALETTE


def test_a_group_has_one_colour_in_every_system() -> None:
    tables = tables_of("football")
    seen: dict[str, set[str]] = {}
    for ax, (_, rows) in zip(
        charts.lag(tables), tables.summary.groupby("system", sort=False), strict=True
    ):
        data = [line for line in ax.lines if len(line.get_xdata()) > 10]  # type: ignore[arg-type]
        for line, group in zip(data, rows["group"], strict=True):
            seen.setdefault(group, set()).add(to_hex(line.get_color()).upper())
    assert all(len(colours) == 1 for colours in seen.values())
    assert len(set.union(*seen.values())) == len(seen) == 4
    assert set.union(*seen.values()) <= set(PALETTE)


def test_a_group_keeps_its_colour_where_systems_are_left_out_or_runs_compared() -> None:
    whole = tables_of("football")
    colours = colour_of(whole)
    assert len(set(colours.values())) == len(colours) == 4
    fanout = build({"sqs_fanout": three_groups()})
    alone = build({"kafka": {"analytics": Group()}})
    for runs in ([fanout], [fanout, fanout], [alone, whole], [whole, alone]):
        kept = colour_of(*runs)
        assert kept == {group: colours[group] for group in kept}


def test_lines_are_the_numbers_of_the_series() -> None:
    tables = tables_of("football")
    line = charts.lag(tables)[0].lines[0]
    series = tables.series[tables.series["system"] == "sqs_single"]
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), series["t_s"] / 60)
    np.testing.assert_array_equal(line.get_ydata(), series["lag"])


def test_throughput_adds_up_to_the_messages_processed() -> None:
    tables = tables_of("football")
    line = charts.throughput(tables)[0].lines[0]
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    series = tables.series[tables.series["system"] == "sqs_single"]
    assert (np.diff(x) * 60 * y[1:]).sum() == pytest.approx(series["processed"].iloc[-1])


def test_faults_and_the_end_of_arrivals_are_marked() -> None:
    said = [[text.get_text() for text in ax.texts] for ax in charts.lag(tables_of("football"))]
    assert all("arrivals end" in words for words in said)
    assert "crash *.0" in said[0]
    assert {"crash analytics 0", "restart analytics 0", "slow counters x4"} <= set(said[2])


def test_the_end_of_arrivals_is_not_marked_at_the_edge() -> None:
    tables = replace(tables_of("brief"), duration_s=3.0)
    assert not any("arrivals end" in t.get_text() for t in charts.lag(tables)[0].texts)


def test_counts_from_ten_to_a_million_can_be_read_on_one_axis() -> None:
    ax = charts.lag(tables_of("football"))[0]
    heights = ax.transData.transform([(0, y) for y in (0, 10, 100, 1_000_000)])[:, 1]
    assert (np.diff(heights) > 0.04 * ax.bbox.height).all()
    assert {"10", "100 k", "1 M"} <= {t.get_text() for t in page_of([ax]).axes[0].get_yticklabels()}


def test_measured_lag_is_drawn_where_it_belongs() -> None:
    systems = {
        "sqs": {"analytics": Group(), "counters": Group()},
        "kafka": {"analytics": Group(kind="log"), "billing": Group(kind="log")},
    }
    tables = build(systems)
    assert places(tables, "queue", ["analytics"]) == [["analytics"], []]
    assert places(tables, "log", ["analytics", "counters"]) == [["counters"], ["analytics"]]
    assert places(tables, "log", ["other"]) == [[], ["other"]]
    assert places(tables, "log", ["sqs.counters", "kafka"]) == [["sqs.counters"], ["kafka"]]
    only = build({"sqs": systems["sqs"]})
    assert places(only, "log", ["other"]) == [["other"]]
