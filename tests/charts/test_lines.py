"""Lines through many samples."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from sim.charts.lines import Sampled, draw_line, of_stretches, stretches


def saw(teeth: int, n: int = 24_000) -> np.ndarray:
    return 1_000.0 * ((np.arange(n) * teeth / n) % 1)


@pytest.mark.parametrize(("teeth", "parts"), [(600, 120), (60, 60), (90, 30)])
def test_a_saw_is_its_middle_in_the_band_that_it_fills(teeth: int, parts: int) -> None:
    y = saw(teeth)
    cut = stretches(y)
    assert cut is not None and len(cut) == parts - 1
    ax = Figure().add_subplot()
    x = np.arange(len(y)) / 60.0
    clear = draw_line(ax, x, y, color="#0072B2", lw=2.0, zorder=3, label="g")
    (line,) = ax.lines
    assert isinstance(line, Sampled) and line.get_label() == "g"
    assert line.samples[0] is x and line.samples[1] is y
    middle = np.asarray(line.get_ydata())
    assert len(middle) == parts and (np.abs(middle - 500) < 320).all()
    assert (clear[1] > 700).all() and clear[0][0] == x[0] and clear[0][-1] == x[-1]
    (band,) = ax.collections
    edge = band.get_paths()[0].vertices
    assert edge[:, 1].min() < 60 and edge[:, 1].max() > 940


def test_a_peak_among_teeth_stays_in_the_middle_and_the_band_has_its_height() -> None:
    y = saw(600)
    y[12_000:14_400] += 14_000.0
    ax = Figure().add_subplot()
    _, high = draw_line(ax, np.arange(24_000.0), y, color="k", lw=1.0, zorder=3, label="g")
    assert high.max() == y.max()
    assert np.asarray(ax.lines[0].get_ydata()).max() > 14_000


@pytest.mark.parametrize(
    "y",
    [
        np.r_[np.linspace(0, 9e5, 3_000), np.linspace(9e5, 0, 3_000)],
        np.zeros(5_000),
        saw(8),
        saw(100, 300),
        np.r_[saw(600), np.nan],
    ],
    ids=["smooth", "zero", "few teeth", "few samples", "gap"],
)
def test_what_can_be_seen_is_drawn_as_it_is(y: np.ndarray) -> None:
    assert stretches(y) is None
    ax = Figure().add_subplot()
    x = np.arange(float(len(y)))
    clear = draw_line(ax, x, y, color="k", lw=1.0, zorder=3, drawstyle="steps-pre")
    assert clear[0] is x and clear[1] is y and not ax.collections
    assert not isinstance(ax.lines[0], Sampled)


@pytest.mark.parametrize("cut", [[1], [3, 4, 50], [100, 250, 399]])
def test_lowest_median_and_highest_of_each_stretch_are_those_of_numpy(cut: list[int]) -> None:
    y = np.random.default_rng(1).normal(size=400)
    y[::7] = 0.0
    parts = np.split(y, cut)
    for found, of_one in zip(
        of_stretches(y, np.array(cut)), (np.min, np.median, np.max), strict=True
    ):
        assert found.tolist() == [of_one(part) for part in parts]


def test_teeth_that_are_nothing_beside_a_peak_are_a_band_where_a_logarithmic_axis_shows_them() -> (
    None
):
    y = saw(600)
    y[12_000:14_400] += 14e6
    x = np.arange(24_000.0)
    ax = Figure().add_subplot()
    draw_line(ax, x, y, color="k", lw=1.0, zorder=3)
    assert not ax.collections and not isinstance(ax.lines[0], Sampled)
    ax = Figure().add_subplot()
    ax.set_yscale("symlog", linthresh=10.0, linscale=0.5)
    _, high = draw_line(ax, x, y, color="k", lw=1.0, zorder=3)
    assert ax.collections and isinstance(ax.lines[0], Sampled)
    assert high.max() == y.max()
    assert high[:30].max() < 1_001
