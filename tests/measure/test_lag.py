"""How far a group is behind: of a log, of a queue, and for how long messages wait."""

import numpy as np
import pytest
from hypothesis import given, settings

from helpers.random_outcome import GRID, cases, count, made, outcome
from sim.engine.outcome import Fate
from sim.measure.lag import lag_of, sums


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_time_lag_is_the_age_of_the_oldest_that_waits(case):
    group = case.outcome
    lag = lag_of(group, case.counted)
    for t, time_lag in zip(group.gauges_t_s, lag.time_lag_s, strict=True):
        waiting = (case.created <= t) & (case.done > t) & (case.fate <= Fate.PROCESSED)
        expected = t - case.created[waiting].min() if waiting.any() else 0.0
        assert time_lag == pytest.approx(expected)


def lag_and(kind):
    group = outcome([Fate.PROCESSED], [1.0], [1], kind=kind)
    return group, lag_of(group, count(made([0.0], [0], 1), ["key"], group))


def test_a_log_lags_by_commits_and_by_positions():
    _, lag = lag_and("log")
    assert (lag.lag == 2 * np.arange(GRID)).all()
    assert (lag.position_lag == np.arange(GRID)).all()
    assert np.isnan(lag.ready).all() and np.isnan(lag.in_flight).all()


def test_a_queue_has_a_depth():
    _, lag = lag_and("queue")
    assert (lag.lag == lag.ready + lag.in_flight).all()
    assert lag.ready[2] == 6.0 and lag.in_flight[2] == 4.0
    assert np.isnan(lag.position_lag).all()


def test_the_most_that_wait_and_how_many_do_when_arrivals_end():
    group, lag = lag_and("log")
    assert sums(group.gauges_t_s, lag, duration_s=7.2) == {
        "max_lag": 118,
        "max_lag_at_s": 29.5,
        "lag_at_end_of_arrivals": 30,
        "max_time_lag_s": 0.5,
    }
    assert sums(group.gauges_t_s, lag, duration_s=1e6)["lag_at_end_of_arrivals"] == 118


def test_more_committed_than_there_is_is_a_bug():
    group = outcome([Fate.PROCESSED], [1.0], [1])
    counted = count(made([0.0], [0], 1), ["key"], group)
    group.gauges["committed"][3] = 1_000
    with pytest.raises(AssertionError, match="below zero"):
        lag_of(group, counted)
