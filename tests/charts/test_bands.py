"""Bands of many runs: a panel a system, the median, and what nine of ten runs are within."""

import numpy as np
import pandas as pd

from sim.charts.bands import time_lag_bands
from sim.charts.picture import Picture


def drawn(duration_s=100.0):
    rows = [
        (system, group, t, 1.0 * t, 2.0 * t, 3.0 * t)
        for system, groups in (("a", ("g", "h")), ("b", ("h",)))
        for group in groups
        for t in np.linspace(0.0, 100.0, 11)
    ]
    bands = pd.DataFrame(rows, columns=["system", "group", "t_s", "low", "median", "high"])
    return Picture.of(time_lag_bands, bands, duration_s, title="It falls behind.", runs=20)


def test_each_panel_has_a_line_and_a_band_a_group():
    first, second = drawn()
    assert [ax.get_title("left") or ax.get_title() for ax in (first, second)] == ["a", "b"]
    assert [len(medians(ax)) for ax in (first, second)] == [2, 1]
    assert medians(first)[0].get_ydata().max() == 200.0


def medians(ax):
    return [line for line in ax.lines if len(line.get_xdata()) == 11]


def test_a_group_has_the_same_colour_in_every_panel():
    first, second = drawn()
    assert medians(first)[1].get_color() == medians(second)[0].get_color()


def test_what_is_said_is_the_most_of_nine_of_ten_runs():
    words = [text.get_text() for text in drawn()[1].texts]
    assert any("5 min" in said for said in words)


def test_the_end_of_arrivals_is_marked_where_it_is_not_the_end():
    assert not any("arrivals end" in text.get_text() for text in drawn()[0].texts)
    texts = [text.get_text() for ax in drawn(40.0) for text in ax.texts]
    assert any("arrivals end" in said for said in texts)
