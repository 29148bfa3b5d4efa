"""Counts of years, drawn by the block: as if each second were drawn by itself."""

import numpy as np
import pytest
from scipy import stats

from sim.traffic.split import split


def test_every_message_falls_into_a_unit_of_its_block():
    edges = np.array([0, 7, 1_000, 1_001, 50_000])
    counts = np.array([3, 0, 5, 400])
    found = split(edges, counts, lambda unit: unit * 1.0, 1.0, np.random.default_rng(1))
    assert (np.diff(found.unit) > 0).all()
    assert (found.messages > 0).all()
    block = np.searchsorted(edges, found.unit, side="right") - 1
    assert np.bincount(block, found.messages, minlength=4).tolist() == counts.tolist()


def test_none_where_nothing_is_expected():
    def mass(unit):
        return np.clip(unit, 10, 20) - 10.0

    found = split(np.array([0, 64]), np.array([1_000]), mass, 1.0, np.random.default_rng(1))
    assert found.unit.tolist() == list(range(10, 20))
    assert stats.chisquare(found.messages).pvalue > 1e-3


@pytest.mark.parametrize("dispersion", [1.0, 1.5, 4.0])
def test_counts_of_units_are_as_dispersed_as_those_drawn_by_themselves(dispersion):
    rng = np.random.default_rng(2)
    units, mean = 1 << 16, 3.0
    edges = np.arange(0, units + 1, 1 << 10)
    means = np.full(edges.size - 1, mean * (1 << 10))
    if dispersion > 1:
        means = rng.gamma(means / (dispersion - 1)) * (dispersion - 1)
    found = split(edges, rng.poisson(means), lambda unit: unit * mean, dispersion, rng)
    counts = np.zeros(units)
    counts[found.unit] = found.messages
    # The ratio's standard error is about ratio * sqrt(2 / 65536) = 0.6 %.
    assert counts.var() / counts.mean() == pytest.approx(dispersion, rel=0.03)
    if dispersion > 1:
        n, p = mean / (dispersion - 1), 1 / dispersion
        expected = stats.nbinom.pmf(np.arange(4), n, p)
    else:
        expected = stats.poisson.pmf(np.arange(4), mean)
    seen = np.bincount(counts.astype(int), minlength=4)[:4] / units
    assert seen == pytest.approx(expected, abs=0.008)


def test_a_block_of_which_rounding_hides_the_halves_is_halved_evenly():
    found = split(
        np.array([0, 2]), np.array([10_000]), np.zeros_like, 1.0, np.random.default_rng(3)
    )
    assert found.unit.tolist() == [0, 1]
    assert found.messages[0] == pytest.approx(5_000, abs=200)
