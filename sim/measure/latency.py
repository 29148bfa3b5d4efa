"""How long messages took from creation to first effect: the table ``latency``, and what is late."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine.outcome import Fate
from sim.foundation.arrays import F64
from sim.measure import latency_bins
from sim.measure.counts import Counted

QUANTILES = np.concatenate([np.arange(0, 99) / 100, [0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0]])


def quantiles(counted: Counted) -> F64:
    """[QUANTILES] latencies, s: the middle of the bin that holds each; the last is exact.

    NaN if nothing was processed.
    """
    processed, longest_s = counted.fates[Fate.PROCESSED], counted.longest_latency_s
    if processed == 0:
        return np.full(QUANTILES.size, np.nan)
    rank = np.ceil(QUANTILES * processed).clip(1)
    out = _middles_s(np.searchsorted(np.cumsum(counted.latency), rank))
    out[-1] = longest_s
    out[out > longest_s] = longest_s
    return out


def _middles_s(bins: NDArray[np.intp]) -> F64:
    """The middle of each bin, s."""
    middle = (bins.astype(np.uint32) << latency_bins.SHIFT) + np.uint32(
        1 << (latency_bins.SHIFT - 1)
    )
    return middle.view(np.float32).astype(np.float64)


def in_bin_s(which: int) -> float:
    """The latency in the middle of a bin, s."""
    return float(_middles_s(np.array([which]))[0])


def latency_table(who: Mapping[str, str], latencies_s: F64) -> pd.DataFrame:
    """A row per quantile ``q``: ``latency_s``, created -> first processed, from `quantiles`."""
    return pd.DataFrame({**who, "q": QUANTILES, "latency_s": latencies_s})


def sums(latencies_s: F64) -> dict[str, float]:
    """Columns of the summary: the median, what 99 % stay within, and the longest latency, s."""
    return {
        "latency_p50_s": latencies_s[int(np.searchsorted(QUANTILES, 0.5))],
        "latency_p99_s": latencies_s[int(np.searchsorted(QUANTILES, 0.99))],
        "latency_max_s": latencies_s[-1],
    }


def level_s(duration_s: float) -> float:
    """How far behind counts as level, s, if nobody says: 1 % of the time of arrivals, or 1 s."""
    return max(1.0, 0.01 * duration_s)


def late(counted: Counted, allowed_s: float) -> int:
    """Messages processed longer after their creation than is allowed, s, to a bin's width."""
    first = int(np.float32(allowed_s).view(np.uint32)) >> latency_bins.SHIFT
    return int(counted.latency[first + 1 :].sum())
