"""Random columns from uniform and exponential draws."""

from statistics import NormalDist

import numpy as np
import pytest

from helpers.plain_kernel import plain
from sim.foundation import quantiles
from sim.traffic import draws, draws_kernel
from sim.traffic.draws import alias_table, along
from sim.traffic.draws_kernel import choose, spread


def test_arrivals_are_spread_in_their_cells_in_proportion_to_their_spacings():
    out = np.zeros(3)
    # Cell 0 has no arrival; in cell 1 the spacings 1, 1, 2 and 4 share the width of 2 s.
    spread(np.array([0, 3]), np.array([0.0, 1.0, 3.0]), np.array([9.0, 1.0, 1.0, 2.0, 4.0]), out)
    assert out.tolist() == [1.25, 1.5, 2.0]


def test_spread_arrivals_are_ascending_and_stay_in_their_cells():
    rng = np.random.default_rng(1)
    counts = rng.poisson(5.0, 200)
    edges_s = np.arange(201) * 0.5
    out = np.zeros(counts.sum())
    spread(counts, edges_s, rng.exponential(size=counts.sum() + 200), out)
    assert (np.diff(out) > 0).all()
    assert (np.histogram(out, edges_s)[0] == counts).all()


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0, 1.0], [5.0, 1.0, 0.5, 3.5], [1e-9, 1.0]])
def test_a_value_is_chosen_as_often_as_its_weight_says(weights):
    given = np.array(weights)
    probability, alias = alias_table(given)
    # The chance of a value is its own column's share and what other columns hand to it.
    chance = probability.copy()
    for column, other in enumerate(alias):
        chance[other] += 1 - probability[column]
    np.testing.assert_allclose(chance / given.size, given / given.sum(), rtol=1e-12, atol=1e-15)
    uniforms = (np.arange(100_000) + 0.5) / 100_000
    out = np.zeros(uniforms.size, np.int32)
    choose(uniforms, probability, alias, out)
    shares = np.bincount(out, minlength=given.size) / out.size
    np.testing.assert_allclose(shares, given / given.sum(), atol=2e-5)


def _drawn(kernel):
    rng = np.random.default_rng(2)
    counts = rng.poisson(2.0, 50)
    created_s, chosen = np.zeros(counts.sum()), np.zeros(1_000, np.int32)
    kernel.spread(counts, np.arange(51) * 0.3, rng.exponential(size=counts.sum() + 50), created_s)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draws, "k", kernel)
        table = alias_table(rng.random(37))
    kernel.choose(rng.random(1_000), *table, chosen)
    return created_s, *table, chosen


def test_the_compiler_changes_nothing():
    for compiled, uncompiled in zip(_drawn(draws_kernel), _drawn(plain(draws_kernel)), strict=True):
        np.testing.assert_array_equal(compiled, uncompiled)


def test_draws_have_the_quantiles_that_were_given_and_stay_within_the_bounds():
    named = {"p1": 1.2, "p50": 2.0, "p95": 3.5, "p99": 4.3, "p99.9": 17.0, "max": 60.0, "min": 0.9}
    curve = quantiles.of_names(named)
    # Normal quantiles of an even grid: a sample without chance.
    z = np.array([NormalDist().inv_cdf((i + 0.5) / 20_000) for i in range(20_000)])
    drawn = along(curve, z)
    assert (np.diff(drawn) >= 0).all()
    for share, value in ((0.01, 1.2), (0.5, 2.0), (0.95, 3.5), (0.99, 4.3), (0.999, 17.0)):
        np.testing.assert_allclose(np.quantile(drawn, share, method="hazen"), value, rtol=1e-3)
    assert along(curve, np.array([-9.0, 0.0, 9.0])).tolist() == pytest.approx([0.9, 2.0, 60.0])
    assert drawn.mean() == pytest.approx(curve.mean_s(), rel=1e-3)
    # Between two quantiles, and beyond the outermost, the logarithm is linear in z.
    free = quantiles.of_names({"p50": 1.0, "p90": 2.0, "p99": 8.0})
    between = (free.z[0] + free.z[1]) / 2
    assert along(free, np.array([between]))[0] == pytest.approx(2.0**0.5)
    step = free.z[2] - free.z[1]
    np.testing.assert_allclose(along(free, np.array([free.z[2] + step])), 32.0)
    np.testing.assert_allclose(along(free, np.array([-free.z[1]])), 0.5)
