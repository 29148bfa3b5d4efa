"""Measured lag laid over a run."""

import numpy as np

from helpers.exports import EXPORTS
from helpers.tables import Group, build
from sim.charts import measured_lag, measured_time_lag
from sim.imports.read import read

SYSTEMS = {
    "sqs": {"analytics": Group(), "counters": Group()},
    "kafka": {"analytics": Group(kind="log"), "billing": Group(kind="log")},
}


def test_measured_lag_shares_the_axes_of_the_run_and_is_named():
    tables = build(SYSTEMS)
    measured = read(EXPORTS / "cloudwatch.csv")
    axes = measured_lag(tables, measured, "2024-05-01T19:30:00Z")
    (line,) = [line for line in axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(line.get_xdata(), [30, 35, 40, 45, 55])
    assert line.get_ydata().max() == 60314
    assert axes[0].get_ylim()[1] > 60314
    words = " ".join(text.get_text() for text in axes[0].texts)
    assert "measured analytics: max 60,314" in words
    page = " ".join(" ".join(t.get_text() for t in axes[0].figure.texts).split())
    assert "measured: 60,314 in analytics" in page and "from 2024-05-01 19:30:00 UTC on" in page
    late = measured_time_lag(tables, measured, "2024-05-01T20:11:00Z")
    page = " ".join(" ".join(t.get_text() for t in late[0].figure.texts).split())
    assert "3 samples before or after the run" in page
