"""Partitions of a log: their three kinds of lag, and which of many are kept."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.offsets import offsets_of
from sim.measure.burrow import judged
from sim.measure.partitions import MOST_PARTITIONS, MOST_SAMPLES, partitions_table


def test_partitions_hold_the_three_kinds_of_lag():
    # Records become readable at 0, 10, 20, …; by 25 the first is done, the second in work, the
    # third not handed over yet.
    readable_s, done_s = np.arange(6) * 10.0, np.array([12.0, 29.0, np.inf, np.inf, np.inf, np.inf])
    offsets = offsets_of(
        [0, 3, 6], [-1, 0, 2], [-np.inf, 20.0, 30.0],
        start=np.array([[0], [0], [3]]), position=np.array([[-1], [2], [2]]),
        readable_s=lambda p, at_s: readable_s, done_s=lambda p, at_s: done_s,
    )  # fmt: skip
    outcome = SimpleNamespace(system="s", group="g", gauges_t_s=np.array([0.0, 25.0, 60.0]))
    table = partitions_table(outcome, offsets, judged(outcome.gauges_t_s, offsets))
    np.testing.assert_array_equal(table["lag_committed"], [np.nan, 3, 4])
    np.testing.assert_array_equal(table["lag_position"], [np.nan, 1, 4])
    assert table["lag_time_s"].tolist() == [0.0, 15.0, 30.0]  # since 10; since 30: 20 was deleted


@pytest.mark.parametrize("many", [10, 500])
def test_partitions_are_the_ones_that_lag_most_at_evenly_spaced_times(many):
    """Partition p has p more than it has committed; one without a commit lags by all it has."""
    n = 1_000
    end = np.full((n, many), many)
    committed = end - np.arange(many)
    committed[:, -1], end[:, -1] = -1, many - 1
    offsets = offsets_of(
        end,
        committed,
        np.zeros((n, many)),
        readable_s=lambda p, at_s: np.zeros(many),
        done_s=lambda p, at_s: np.full(many, np.inf),
    )
    t_s = np.arange(float(n))
    outcome = SimpleNamespace(system="s", group="g", gauges_t_s=t_s)
    table = partitions_table(outcome, offsets, judged(t_s, offsets))
    chosen = table["partition"].unique().tolist()
    assert chosen == list(range(max(0, many - MOST_PARTITIONS), many))
    assert 0.8 * MOST_SAMPLES <= table["t_s"].nunique() <= MOST_SAMPLES
