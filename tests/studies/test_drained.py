"""A backlog that is over."""

import numpy as np
import pandas as pd
import pytest

from sim.studies.drained import drained, gone_after

START = pd.Timestamp("2026-11-27 20:00", tz="UTC")


def times(lag):
    return pd.DatetimeIndex([START + pd.Timedelta(minutes=i) for i in range(len(lag))])


def of(lag):
    return drained(times(lag), np.array(lag, float))


def test_it_is_gone_from_the_first_sample_on_after_which_it_stays_so():
    was = of([0, 500, 1_000, 600, 200, 10, 0, 0])
    assert (was.peak, was.first, was.last) == (1_000.0, 2, 4)
    assert (was.waited, was.gone_at) == (200.0, START + pd.Timedelta(minutes=5))


def test_what_was_usual_before_it_rose_is_no_backlog():
    usual = [60, 50, 40, 55, 45]
    assert of([*usual, 500, 1_000, 500, 58, 40, 57]).last == 7
    assert of([*usual[:2], 500, 1_000, 500, 58, 40, 57]) is None  # two samples are no usual level
    assert of([800, 500, 200, 500, 1_000, 500, 300]) is None  # and that is no level


@pytest.mark.parametrize(
    "lag",
    [
        [0, 500, 1_000, 600, 200],  # it is still there
        [0, 0, 0],
        [0, 80, 0, 100, 0, 90, 0, 70, 0, 95, 0],  # comes and goes
    ],
)
def test_what_is_no_backlog_that_is_over(lag):
    assert of(lag) is None


def test_two_backlogs_are_not_yet_a_coming_and_going():
    assert of([0, 900, 400, 0, 0, 1_000, 500, 0, 0]).first == 5


def test_when_a_backlog_of_then_was_really_gone():
    lag = np.array([0.0, 500, 1_000, 600, 200, 10, 0, 0])
    asked = START + pd.Timedelta(minutes=3, seconds=30)
    assert gone_after(times(lag), lag, asked) == (90.0, 30.0, 90.0)
    assert gone_after(times(lag[:5]), lag[:5], asked).estimate == np.inf
