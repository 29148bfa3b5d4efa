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


def at_least(hits: int, of: int, share: float, confidence: float = CONFIDENCE) -> bool | None:
    """Whether something happens in at least ``share`` of all runs; None: too few runs to say.

    It may be asked again after each run: whatever the true share, the chance that it is ever
    answered wrongly is at most ``1 - confidence``. The evidence against a share is how much better
    others explain what was seen: half of the weight on that it always (or never) happens, half even
    on all shares beyond. Where the share is the true one, this is a martingale, and Ville's
    inequality bounds how high it ever gets (Robbins 1970, *Statistical Methods Related to the Law
    of the Iterated Logarithm*).

    Raises:
        ValueError: more happened than there were runs, or the share is not between 0 and 1.
    """
    if not 0 <= hits <= of or not 0 < share < 1:
        raise ValueError(f"{hits} of {of}, {share}")
    enough = -np.log(1 - confidence)
    if _evidence(hits, of - hits, share) >= enough:
        return True
    if _evidence(of - hits, hits, 1 - share) >= enough:
        return False
    return None


def _evidence(hits: int, misses: int, share: float) -> float:
    """Logarithm of how much better shares above this one explain it."""
    from scipy.special import betaln
    from scipy.stats import beta

    null = hits * np.log(share) + misses * np.log1p(-share)
    beyond = float(beta.logsf(share, hits + 1, misses + 1)) + float(betaln(hits + 1, misses + 1))
    mixed = beyond - np.log1p(-share)
    always = 0.0 if misses == 0 else -np.inf
    return float(np.logaddexp(mixed, always) - np.log(2) - null)
