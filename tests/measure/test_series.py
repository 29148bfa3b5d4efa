"""What a group did over time."""

import numpy as np
from hypothesis import given, settings

from helpers.random_outcome import STEP_S, WHO, cases
from sim.measure.lag import lag_of
from sim.measure.series import peaks, series_table


@settings(max_examples=100, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    t_s, counted, late = case.outcome.gauges_t_s, case.counted, np.array(case.late)
    series = series_table(WHO, t_s, counted, lag_of(case.outcome, counted))
    columns = series[["t_s", "arrived", "processed", "violations"]]
    for t, arrived, processed, violations in columns.itertuples(index=False):
        assert arrived == (case.created <= t).sum()
        assert processed == (case.done <= t).sum()
        assert violations == (case.done[late] <= t).sum()
    best = peaks(t_s, counted)
    # The very first grid time has a step of its own, that of what happened at 0 s.
    assert best["throughput_peak"] == series["processed"].diff().max() / STEP_S
    assert best["arrival_peak"] == series["arrived"].diff().max() / STEP_S
