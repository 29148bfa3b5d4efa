"""Latencies from a histogram of their bits, against the exact ones."""

import numpy as np
import pytest
from hypothesis import given, settings

from helpers.random_outcome import WHO, cases, count, made, outcome
from sim.engine.outcome import Fate
from sim.measure.latency import QUANTILES, late, latency_table, level_s, quantiles, sums


@settings(max_examples=100, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    found = quantiles(case.counted)
    finished = np.isfinite(case.done)
    if not finished.any():
        assert np.isnan(found).all()
        return
    latencies = (case.done - case.created)[finished]
    exact = np.quantile(latencies, QUANTILES, method="inverted_cdf")
    np.testing.assert_allclose(latency_table(WHO, found)["latency_s"], exact, rtol=5e-4)
    row = sums(found)
    assert row["latency_max_s"] == latencies.max()
    assert row["latency_p50_s"] == pytest.approx(
        np.sort(latencies)[(latencies.size - 1) // 2], 1e-3
    )
    assert row["latency_p99_s"] == found[QUANTILES == 0.99]


def test_a_quantile_is_the_middle_of_its_bin_and_the_last_is_exact():
    # From 1 to 2 s there are 2,048 bins.
    took_s = [1.0 + 3.25 / 2_048, 1.5]
    group = outcome([Fate.PROCESSED] * 2, took_s, [1] * 2)
    found = quantiles(count(made(np.zeros(2), [0] * 2, 1), ["key"], group))
    assert found[QUANTILES == 0.25] == 1.0 + 3.5 / 2_048
    assert found[-1] == 1.5


def test_level_is_a_hundredth_of_the_arrivals_and_a_second_at_least():
    assert [level_s(duration_s) for duration_s in (7_200.0, 100.0, 3.0)] == [72.0, 1.0, 1.0]


def test_late_is_what_took_longer_than_level():
    took_s = np.array([0.5, 1.01, 1.99, 2.01, 300.0])
    group = outcome([Fate.PROCESSED] * 5 + [Fate.UNFINISHED], [*took_s, np.inf], [1] * 5 + [0])
    counted = count(made(np.zeros(6), [0] * 6, 1), ["key"], group)
    assert late(counted, 1.0) == 4
    assert late(counted, 2.0) == 2
