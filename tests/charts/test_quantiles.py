"""Latency by its quantiles."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.exports import EXPORTS
from helpers.pages import page_of
from helpers.run_tables import tables_of
from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.imports.read import read


def test_the_latency_line_is_the_quantiles_below_the_maximum() -> None:
    tables = tables_of("football")
    line = charts.latency(tables)[0].lines[0]
    quantiles = tables.latency[tables.latency["system"] == "sqs_single"][:-1]
    x = np.asarray(line.get_xdata(), float)
    np.testing.assert_allclose(1 - 10**-x, quantiles["q"])
    np.testing.assert_array_equal(line.get_ydata(), quantiles["latency_s"])


def test_what_99_percent_took_is_written_beside_a_dot_there() -> None:
    slow = build({"sqs": {"lookup": Group()}})
    made = slow.latency.assign(latency_s=np.where(slow.latency["q"] > 0.99, 20.0, 0.118))
    summary = slow.summary.assign(latency_p99_s=0.118)
    (ax,) = charts.latency(replace(slow, latency=made, summary=summary))
    page_of([ax])
    (dot,) = (line for line in ax.lines if line.get_marker() == "o")
    (at,) = np.column_stack([dot.get_xdata(), dot.get_ydata()])  # type: ignore[list-item]
    assert tuple(at) == (pytest.approx(-np.log10(1 - 0.99)), 0.118)
    (words,) = (text for text in ax.texts if text.get_text() == "lookup: 118 ms")
    box, spot = words.get_window_extent(), ax.transData.transform(at)
    away = spot - np.clip(spot, box.min, box.max)
    assert np.hypot(*away) * 72 / ax.figure.dpi < 40
    end = np.asarray(ax.lines[0].get_xdata(), float).max()
    assert end > 0.94 * ax.get_xlim()[1], "the width is used"


def test_measured_quantiles_are_drawn_over_those_of_the_run() -> None:
    tables = build({"kafka": {"g": Group(kind="log")}, "sqs": {"g": Group()}})
    measured = read(EXPORTS / "omb_result.json")
    axes = charts.latency(tables, measured=measured)
    plain = charts.latency(tables)
    assert [len(ax.lines) for ax in axes] == [len(plain[0].lines) + 1, len(plain[1].lines)]
    line = axes[0].lines[-1]
    np.testing.assert_allclose(
        1 - 10 ** -np.asarray(line.get_xdata(), float), [1e-5, 0.5, 0.9, 0.99, 0.999]
    )
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), [1e-6, 3e-3, 4e-3, 5e-3, 17e-3])
    page_of(axes)
    assert "measured kafka: 5 ms" in [text.get_text() for text in axes[0].texts]
    page = " ".join(text.get_text() for text in axes[0].figure.texts)
    assert "Measured: omb_result.json (OpenMessaging Benchmark)." in " ".join(page.split())
