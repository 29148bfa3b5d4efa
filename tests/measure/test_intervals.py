"""Confidence intervals: by hand, against tables, and by how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from sim.measure.intervals import Interval, at_least, of_mean, of_quantile, of_share


def test_a_mean_is_students():
    # Mean 4, standard deviation 2, five values: 2.7764 x 2 / sqrt(5), of the table of t.
    found = of_mean(np.array([2.0, 2.0, 4.0, 6.0, 6.0]))
    assert found.estimate == 4.0
    assert found.high - 4.0 == pytest.approx(2.776445 * 2.0 / 5**0.5, rel=1e-6)
    assert found.low == pytest.approx(8.0 - found.high)


@pytest.mark.parametrize("values", [[3.0], [1.0, np.inf], []])
def test_of_too_little_no_mean_is_known(values):
    found = of_mean(np.array(values))
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_the_median_of_ten_lies_between_the_second_and_the_ninth():
    # 97.85 % by the binomial; between the third and the eighth only 89 %.
    found = of_quantile(np.arange(1.0, 11.0)[::-1].copy())
    assert found == Interval(5.5, 2.0, 9.0)


def test_of_five_values_the_median_has_no_interval_and_of_six_their_ends():
    assert of_quantile(np.arange(5.0)) == Interval(2.0, -np.inf, np.inf)
    assert of_quantile(np.arange(6.0)) == Interval(2.5, 0.0, 5.0)


def test_a_median_may_have_infinite_neighbours():
    values = np.array([1.0] * 6 + [np.inf] * 14)
    assert of_quantile(values) == Interval(np.inf, 1.0, np.inf)


@pytest.mark.parametrize(("hits", "of"), [(0, 30), (27, 30), (30, 30), (1, 2)])
def test_a_share_is_clopper_and_pearsons(hits, of):
    found = of_share(hits, of)
    theirs = stats.binomtest(hits, of).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert found.estimate == hits / of


@pytest.mark.parametrize(("hits", "of"), [(3, 2), (-1, 2), (0, 0)])
def test_no_share_is_more_than_all(hits, of):
    with pytest.raises(ValueError, match=f"{hits} of {of}"):
        of_share(hits, of)


@pytest.mark.parametrize(
    ("interval", "truth", "least", "most"),
    [
        # Of normal values Student's is exact; of a median the confidence is at least 95 %.
        (lambda rng: of_mean(rng.normal(3.0, 2.0, 12)), 3.0, 0.935, 0.965),
        (lambda rng: of_quantile(rng.exponential(1.0, 20)), np.log(2.0), 0.94, 0.98),
        (lambda rng: of_quantile(rng.exponential(1.0, 40), 0.9), np.log(10.0), 0.94, 0.99),
        (lambda rng: of_share(int(rng.binomial(30, 0.2)), 30), 0.2, 0.965, 0.995),
    ],
)
def test_they_hold_the_truth_as_often_as_they_say(interval, truth, least, most):
    rng = np.random.default_rng(11)
    held = np.mean([low <= truth <= high for _, low, high in (interval(rng) for _ in range(1_500))])
    assert least <= held <= most


def test_an_interval_is_narrow_enough_by_its_estimate():
    assert Interval(100.0, 95.0, 105.0).within(0.05)
    assert not Interval(100.0, 94.0, 106.0).within(0.05)


def test_a_share_is_decided_once_it_is_sure():
    assert at_least(32, 32, 0.9) is None
    assert at_least(33, 33, 0.9) is True
    assert at_least(0, 1, 0.9) is None
    assert at_least(0, 2, 0.9) is False
    assert at_least(90, 100, 0.9) is None
    assert at_least(0, 0, 0.9) is None
    assert at_least(500, 1_000, 0.6) is False
    assert at_least(700, 1_000, 0.6) is True


def test_looking_after_each_run_does_not_make_it_less_sure():
    # At the share itself each answer is wrong; it may be given in 5 % of all series of runs.
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(400):
        hits = np.cumsum(rng.random(120) < 0.9)
        wrong += any(at_least(int(h), n, 0.9) is True for n, h in enumerate(hits, 1))
    assert wrong / 400 <= 0.05


@pytest.mark.parametrize(("hits", "of", "share"), [(2, 1, 0.5), (1, 2, 0.0), (1, 2, 1.0)])
def test_what_is_no_share_cannot_be_decided(hits, of, share):
    with pytest.raises(ValueError, match=f"{hits} of {of}"):
        at_least(hits, of, share)
