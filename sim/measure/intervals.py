"""How sure a number is: confidence intervals from independent runs.

Student's for means, order statistics for medians and other quantiles, and the exact binomial
(Clopper and Pearson 1934) for shares: the textbook ones, e.g. Law, *Simulation Modeling and
Analysis*, ch. 9, and Hahn and Meeker, *Statistical Intervals*, ch. 5 and 6.
"""

from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """An estimate, and between which two values the truth lies at a stated confidence."""

    estimate: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the distance between the two."""
        return (self.high - self.low) / 2

    def within(self, precision: float) -> bool:
        """Whether the interval reaches no further than this share of the estimate."""
        return bool(self.half_width <= precision * abs(self.estimate))


def of_mean(values: F64, confidence: float = CONFIDENCE) -> Interval:
    """The mean of what ``values`` [runs] are drawn from, by Student's t.

    Of one value, or where one is infinite or not a number, nothing is known: (mean, -inf, inf).
    """
    from scipy.stats import t

    estimate = float(np.mean(values)) if values.size else np.nan
    if values.size < 2 or not np.isfinite(estimate):
        return Interval(estimate, -np.inf, np.inf)
    error = float(np.std(values, ddof=1)) / np.sqrt(values.size)
    half = float(t.ppf(0.5 + confidence / 2, values.size - 1)) * error
    return Interval(estimate, estimate - half, estimate + half)


def of_quantile(values: F64, q: float = 0.5, confidence: float = CONFIDENCE) -> Interval:
    """The ``q`` quantile of what ``values`` [runs] are drawn from, whatever its distribution.

    Two of the values, the closest in rank that hold it with at least the confidence; too few
    values hold it with less: then an end is infinite. Values may be infinite.
    """
    from scipy.stats import binom

    n = values.size
    if n == 0 or np.isnan(values).any():
        return Interval(np.nan, -np.inf, np.inf)
    ordered = np.sort(values)
    estimate = float(np.quantile(ordered, q, method="inverted_cdf"))
    if q == 0.5 and np.isfinite(ordered).all():
        estimate = float(np.median(ordered))
    tail = (1 - confidence) / 2
    # The quantile is below the k-th smallest if fewer than k values are below it.
    low = int(binom.ppf(tail, n, q))
    high = int(binom.ppf(1 - tail, n, q)) + 1
    return Interval(
        estimate,
        float(ordered[low - 1]) if low >= 1 else -np.inf,
        float(ordered[high - 1]) if high <= n else np.inf,
    )


def of_share(hits: int, of: int, confidence: float = CONFIDENCE) -> Interval:
    """The probability of something that happened in ``hits`` of so many runs.

    Raises:
        ValueError: more happened than there were runs, or there were none.
    """
    from scipy.stats import beta

    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of}")
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, of - hits)) if hits < of else 1.0
    return Interval(hits / of, low, high)
