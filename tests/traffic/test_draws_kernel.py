"""Draws: arrivals spread within their cells, and values chosen by weight."""

import numpy as np
import pytest

from sim.traffic import draws_kernel as k


def spread(counts, edges_s):
    exponentials = np.random.default_rng(1).exponential(size=sum(counts) + len(counts))
    return drawn(counts, edges_s, exponentials)


def drawn(counts, edges_s, exponentials):
    out = np.empty(sum(counts))
    k.spread(np.array(counts), np.array(edges_s, float), exponentials, out)
    return out


def test_arrivals_ascend_and_stay_in_their_cells():
    at_s = spread([3, 0, 200], [0.0, 1.0, 5.0, 6.0])
    assert (np.diff(at_s) >= 0).all()
    assert np.histogram(at_s, [0.0, 1.0, 5.0, 6.0])[0].tolist() == [3, 0, 200]


def test_gaps_share_a_cell_in_proportion():
    assert drawn([2], [10.0, 20.0], np.array([1.0, 3.0, 1.0])).tolist() == [12.0, 18.0]


@pytest.mark.parametrize("weights", [[1.0], [3.0, 1.0], [0.5, 1.0, 2.0, 5.0]])
def test_values_are_chosen_as_often_as_they_weigh(weights):
    probability, alias = k.alias_table(np.array(weights))
    uniforms = (np.arange(80_000) + 0.5) / 80_000
    out = np.empty(uniforms.size, np.int32)
    k.choose(uniforms, probability, alias, out)
    share = np.bincount(out, minlength=len(weights)) / out.size
    np.testing.assert_allclose(share, np.array(weights) / sum(weights), atol=1e-4)
