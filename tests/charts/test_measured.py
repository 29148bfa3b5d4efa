"""Measured lag laid over a run."""

import numpy as np
import pandas as pd
import pytest

from helpers.exports import EXPORTS
from helpers.tables import Group, build
from sim.charts import measured_lag, measured_time_lag
from sim.charts.measured import as_sampled, write_measured
from sim.foundation.errors import LabError
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


def test_the_run_is_looked_at_as_often_as_it_was_measured():
    t_s = np.arange(0.0, 901.0, 1.5)
    lag = (np.arange(t_s.size) % 4) * 500
    rows = [
        {"system": s, "group": "g", "t_s": t, "lag": value + i}
        for i, s in enumerate(("a", "b"))
        for t, value in zip(t_s, lag, strict=True)
    ]
    series = pd.DataFrame(rows)
    seen = as_sampled(series, 15.0)
    for i, (_, mine) in enumerate(seen.groupby("system")):
        assert mine["t_s"].tolist() == np.arange(0.0, 901.0, 15.0).tolist()
        assert mine["lag"].tolist() == [lag[10 * k] + i for k in range(61)]
    assert as_sampled(series, 2.0) is series and as_sampled(series, 0.0) is series
    between = as_sampled(series, 20.0)
    assert between["lag"].iloc[1] == lag[13] and between["t_s"].iloc[1] == 20.0


def test_groups_can_be_chosen_and_one_that_is_not_there_is_told(tmp_path):
    tables = build(SYSTEMS)
    measured = read(EXPORTS / "cloudwatch.csv")
    one, *_ = write_measured(
        tables, measured, None, tmp_path, title="", formats=("svg",), groups=["analytics"]
    )
    text = one.read_text()
    assert "lag_measured.svg" in one.name and "kafka" in text
    with pytest.raises(LabError, match="did you mean 'counters'"):
        write_measured(tables, measured, None, tmp_path, title="", groups=["counter"])
