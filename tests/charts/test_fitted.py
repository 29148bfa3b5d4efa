"""A measured lag and the lab's: both curves, named, and the fault shaded."""

import numpy as np

from sim.charts.fitted import fitted_lag
from sim.charts.picture import Picture

T_S = np.arange(5) * 60.0
MEASURED, LAB = np.array([0, 5, 1_000, 3, 0.0]), np.array([0, 4, 900, 0, 0.0])


def drawn(stretch):
    return Picture.of(
        fitted_lag, T_S, MEASURED, LAB, title="It stood still.", group="kafka.g", stretch=stretch
    )[0]


def test_both_curves_are_there_and_named():
    ax = drawn(None)
    assert [line.get_ydata().tolist() for line in ax.lines] == [MEASURED.tolist(), LAB.tolist()]
    words = [text.get_text() for text in ax.texts]
    assert words == ["● as measured: at most 1,000", "— in the lab: at most 900"]
    assert not ax.patches


def test_the_fault_is_shaded_to_its_end_or_that_of_the_curve():
    (span,) = drawn((60.0, 900.0)).patches
    assert (span.get_x(), span.get_width()) == (1.0, 3.0)
