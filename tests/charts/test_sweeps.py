"""Pictures of sweeps: lines, heat maps and tornados say what they show, with units."""

import numpy as np
import pandas as pd
import pytest

from sim.charts.picture import Picture
from sim.charts.sweeps import MOST_PANELS, KeyAxis, heat, lines, tornado
from sim.foundation.text import duration


def key(*values, name="consumers", log=False):
    return KeyAxis(f"a.{name}", name, lambda v: v if isinstance(v, str) else f"{v:g}", values, log)


def cells(its, mean, band=0.0):
    mean = np.array(mean)
    return pd.DataFrame(
        {its.path: its.values, "mean": mean, "low": mean - band, "high": mean + band}
    )


def drawn_lines(its, mean, band=0.1, times=True):
    frame = cells(its, mean, band).assign(system="kafka", group="counters")
    return Picture.of(
        lines, frame, its, title="It falls.", number="p99", say=duration, times=times, of="mean"
    )


def test_a_line_has_its_values_a_band_and_its_ends_in_words():
    (ax,) = drawn_lines(key(1.0, 2.0, 4.0), [9.0, 3.0, 1.0])
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [1.0, 2.0, 4.0]
    assert line.get_ydata().tolist() == [9.0, 3.0, 1.0]
    (band,) = ax.collections
    assert band.get_datalim(ax.transData).y1 == pytest.approx(9.1)
    assert [text.get_text() for text in ax.texts] == ["counters: 9 s to 1 s"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "4"]
    assert ax.get_ylabel() == "p99"


@pytest.mark.parametrize(
    ("mean", "times", "scale"),
    [([9.0, 3.0, 1.0], True, "linear"), ([9000.0, 3.0, 0.01], True, "log"),
     ([9000.0, 3.0, 0.0], True, "linear"), ([9000.0, 3.0, 0.0], False, "symlog")],
)  # fmt: skip
def test_durations_that_span_much_are_on_a_logarithmic_axis(mean, times, scale):
    (ax,) = drawn_lines(key(1.0, 2.0, 4.0), mean, 0.0, times)
    assert ax.get_yscale() == scale


@pytest.mark.parametrize(
    ("its", "scale"),
    [(key(1.0, 2.0, 3.0), "linear"), (key(1.0, 2.0, 20.0), "log"),
     (key(1.0, 2.0, 3.0, log=True), "log"), (key("a", "b", "c"), "linear")],
)  # fmt: skip
def test_values_in_ratios_are_on_a_logarithmic_axis_and_names_in_a_row(its, scale):
    (ax,) = drawn_lines(its, [1.0, 2.0, 3.0])
    assert ax.get_xscale() == scale
    assert [label.get_text() for label in ax.get_xticklabels()] == [its.say(v) for v in its.values]


def test_what_never_ends_is_a_gap():
    (ax,) = drawn_lines(key(1.0, 2.0, 4.0), [np.inf, 3.0, 1.0], np.nan)
    assert ax.lines[0].get_xdata().tolist() == [2.0, 4.0]


def grid(across, down, mean):
    rows = [(a, d) for a in across.values for d in down.values]
    frame = pd.DataFrame(rows, columns=[across.path, down.path])
    return frame.assign(mean=mean)


def test_a_heat_map_has_every_figure_in_its_cell():
    across, down = key(1.0, 2.0), key("a", "b", name="mode")
    found = {"kafka.g": grid(across, down, [1.0, 2.0, 3.0, np.inf])}
    (ax,) = Picture.of(heat, found, across, down, title="It.", number="p99", say=duration, of="x")
    where = {tuple(int(x) for x in text.get_position()): text.get_text() for text in ax.texts}
    assert where == {(0, 0): "1 s", (0, 1): "2 s", (1, 0): "3 s", (1, 1): "forever"}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    image = ax.images[0].get_array()
    assert image[0, 0] == 1.0 and image.mask[1, 1]


def test_more_groups_than_fit_are_counted():
    across, down = key(1.0, 2.0), key(3.0, 4.0, name="partitions")
    found = {f"kafka.g{i}": grid(across, down, [1.0, 2.0, 3.0, 4.0]) for i in range(8)}
    axes = Picture.of(heat, found, across, down, title="It.", number="p99", say=duration, of="x")
    assert len(axes) == MOST_PANELS
    assert "And 2 more groups, in the dataset." in [t.get_text() for t in axes.figure.texts]


def effects(*rows):
    return pd.DataFrame(rows, columns=["path", "from", "to", "low", "high", "share"])


def bars(frame):
    return Picture.of(
        tornado, {"kafka.g": frame}, {"kafka.g": 2.0}, {"a": "consumers", "b": "partitions"},
        title="It.", number="p99", say=duration, times=True,
    )[0]  # fmt: skip


def test_a_bar_goes_from_the_least_to_the_greatest_and_says_of_which_value():
    ax = bars(effects(("a", "8", "1", 1.0, 9.0, 0.6), ("b", "24", "4", 2.0, 3.0, 0.01)))
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert ends == [(1.0, 9.0), (2.0, 3.0)]
    said = [text.get_text() for text in ax.texts]
    assert said == ["consumers (60 %)", "8: 1 s", "1: 9 s", "partitions (1 %)", "24: 2 s", "4: 3 s"]
    sure, unsure = (bar.get_facecolor() for bar in ax.patches)
    assert sure != unsure
    assert ax.get_xscale() == "linear"


def test_bars_of_durations_that_span_much_are_logarithmic():
    ax = bars(effects(("a", "8", "1", 0.01, 9.0, 0.6), ("b", "24", "4", 2.0, 3.0, 0.01)))
    assert ax.get_xscale() == "log"


def test_a_bar_that_never_ends_goes_beyond_the_others_and_says_so():
    ax = bars(effects(("a", "8", "1", 1.0, np.inf, 0.6), ("b", "24", "4", 2.0, 5.0, 0.3)))
    assert ax.patches[0].get_x() + ax.patches[0].get_width() == 6.0
    assert "1: forever" in [text.get_text() for text in ax.texts]
