"""A distribution of durations by some of its quantiles: lines on lognormal probability paper.

Between two quantiles the logarithm of the duration is linear in the normal quantile, so that two of
them are exactly a lognormal, and a longer list is one with a bend at each. Beyond the outermost
quantiles their lines go on; a least and a most, if given, cut them off.
"""

import csv
import math
import re
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

from sim.foundation import files
from sim.foundation.errors import LabError, nearest

NAME = r"p(100|[0-9]{1,2})(\.[0-9]{1,12})?"
"""Of a quantile: p50, p99.9. Besides: min, max."""
LEAST, MOST = "min", "max"
ONE_IN = 6e-16
"""How likely it is to be eight standard deviations above the mean."""
FAR_Z = 8.0
FAR_S = 1e30
"""Durations are drawn as float32, which end at 3e38."""
MOST_ROWS = 100_000
"""Of a file."""
_NORMAL = NormalDist()
_SHARES = {"quantile": 1.0, "percentile": 100.0}
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
COLUMNS = (
    "expected a header with the columns 'quantile' (0 to 1) or 'percentile' (0 to 100), and 's', "
    "'ms' or 'us'"
)


class BadCurveError(ValueError):
    """Quantiles that cannot be those of a distribution; ``at`` says which of them, from 0."""

    def __init__(self, at: int | None, message: str) -> None:
        super().__init__(message)
        self.at = at


class Curve(NamedTuple):
    """A distribution of durations."""

    z: tuple[float, ...]
    """[quantiles] ascending: how far each is from the median of the standard normal."""
    log_s: tuple[float, ...]
    """[quantiles] logarithm of the duration, s; does not fall."""
    least_s: float
    """No draw is shorter, s; 0 if none is given."""
    most_s: float
    """No draw is longer, s; inf if none is given."""

    @property
    def slopes(self) -> tuple[float, float]:
        """Of the first and the last line, which go on beyond the outermost quantiles."""
        z, y = self.z, self.log_s
        return (y[1] - y[0]) / (z[1] - z[0]), (y[-1] - y[-2]) / (z[-1] - z[-2])

    def far_s(self) -> float:
        """What hardly any draw (`ONE_IN`) exceeds, s; inf where floating point ends."""
        above = self.log_s[-1] + self.slopes[1] * max(0.0, FAR_Z - self.z[-1])
        try:
            return min(self.most_s, math.exp(above))
        except OverflowError:
            return self.most_s

    def mean_s(self) -> float:
        """Mean duration, s: between two bends, that of a piece of a lognormal in closed form."""
        first, last = self.slopes
        total = 0.0
        for low, high, anchor, level, slope in self._pieces(first, last):
            total += _piece_mean(low, high, anchor, level, slope, self.least_s, self.most_s)
        return total

    def _pieces(self, first: float, last: float) -> Iterator[tuple[float, ...]]:
        z, y = self.z, self.log_s
        yield -math.inf, z[0], z[0], y[0], first
        for i in range(len(z) - 1):
            yield z[i], z[i + 1], z[i], y[i], (y[i + 1] - y[i]) / (z[i + 1] - z[i])
        yield z[-1], math.inf, z[-1], y[-1], last


def _piece_mean(
    low: float,
    high: float,
    anchor: float,
    level: float,
    slope: float,
    least_s: float,
    most_s: float,
) -> float:
    """Share of the mean from z in [low, high], where log s = level + slope * (z - anchor), s."""
    if slope == 0.0:
        value_s = min(max(math.exp(level), least_s), most_s)
        return value_s * (_NORMAL.cdf(high) - _NORMAL.cdf(low))
    total = 0.0
    if least_s > 0.0:
        cut = min(max(anchor + (math.log(least_s) - level) / slope, low), high)
        total += least_s * (_NORMAL.cdf(cut) - _NORMAL.cdf(low))
        low = cut
    if most_s < math.inf:
        cut = min(max(anchor + (math.log(most_s) - level) / slope, low), high)
        total += most_s * (_NORMAL.cdf(high) - _NORMAL.cdf(cut))
        high = cut
    if low < high:
        share = _NORMAL.cdf(high - slope) - _NORMAL.cdf(low - slope)
        total += math.exp(level - slope * anchor + slope**2 / 2) * share
    return total


def median_s(of: Curve) -> float:
    """What half of the durations are shorter than, s."""
    i = min(max(bisect(of.z, 0.0) - 1, 0), len(of.z) - 2)
    slope = (of.log_s[i + 1] - of.log_s[i]) / (of.z[i + 1] - of.z[i])
    return min(max(math.exp(of.log_s[i] - slope * of.z[i]), of.least_s), of.most_s)


def curve(points: Sequence[tuple[float, float]]) -> Curve:
    """A distribution by its quantiles.

    Args:
        points: (share of the durations that are no longer, duration in s), in ascending order; at 0
            the least, at 1 the most.

    Raises:
        BadCurveError: fewer than two between 0 and 1, not ascending, not more than 0 s, or so steep
            at the end that draws would leave floating point.
    """
    for at, (share, value_s) in enumerate(points):
        if not 0.0 <= share <= 1.0:
            raise BadCurveError(at, f"{share:g} is no share of the whole, from 0 to 1")
        if not 0.0 < value_s < math.inf:
            raise BadCurveError(at, "a duration must be more than 0 and finite")
        if at and share <= points[at - 1][0]:
            raise BadCurveError(at, "quantiles must ascend")
        if at and value_s < points[at - 1][1]:
            raise BadCurveError(at, "durations must not fall where quantiles rise")
    inner = [(share, value_s) for share, value_s in points if 0.0 < share < 1.0]
    if len(inner) < 2:
        raise BadCurveError(None, "give at least two quantiles between the least and the most")
    made = Curve(
        tuple(_NORMAL.inv_cdf(share) for share, _ in inner),
        tuple(math.log(value_s) for _, value_s in inner),
        points[0][1] if points[0][0] == 0.0 else 0.0,
        points[-1][1] if points[-1][0] == 1.0 else math.inf,
    )
    if made.far_s() > FAR_S:
        raise BadCurveError(
            len(points) - 1,
            "the last quantiles rise too steeply: one duration in "
            f"{1 / ONE_IN:.0e} would be {made.far_s():.0e} s long; give a 'max'",
        )
    return made


def share_of(name: str) -> float | None:
    """Which share of the durations is no longer: 0.999 of `p99.9`; None: no such name."""
    if name in (LEAST, MOST):
        return float(name == MOST)
    if not re.fullmatch(NAME, name):
        return None
    # 99.9 / 100 is not the double that is nearest to 0.999; what is read from a text is.
    share = float(f"{name[1:]}e-2")
    return share if 0.0 < share < 1.0 else None


def of_names(quantiles: Mapping[str, float]) -> Curve:
    """A distribution by named quantiles, in s, in any order.

    Raises:
        BadCurveError: as `curve`, and for what is no name; ``at`` counts the names as they stand.
    """
    names = list(quantiles)
    shares = [share_of(name) for name in names]
    for at, share in enumerate(shares):
        if share is None:
            raise BadCurveError(
                at, f"expected a quantile such as p50 or p99.9, min or max, not {names[at]!r}"
            )
    order = sorted(range(len(names)), key=lambda at: shares[at] or 0.0)
    try:
        return curve([(shares[at] or 0.0, quantiles[names[at]]) for at in order])
    except BadCurveError as error:
        if error.at is None:
            raise
        before = names[order[error.at - 1]] if error.at else ""
        said = str(error)
        if "fall" in said:
            said = f"must not be less than {before}"
        elif "ascend" in said:
            said = f"is the same quantile as {before}"
        raise BadCurveError(order[error.at], said) from None


def read(path: Path) -> Curve:
    """A distribution from a CSV file of quantiles, gzipped if its name ends in ``.gz``.

    Its header names a column ``quantile`` (0 to 1) or ``percentile`` (0 to 100) and one of ``s``,
    ``ms`` and ``us``; other columns are left alone. A row a quantile, ascending.

    Raises:
        LabError: there is no such file, or it is not like that; the message names the line.
    """
    lines: list[int] = []
    points: list[tuple[float, float]] = []
    try:
        with files.open_text(path, "utf-8-sig", newline="") as file:
            for line, share, value_s in _rows(path, csv.reader(file)):
                lines.append(line)
                points.append((share, value_s))
        return curve(points)
    except FileNotFoundError:
        raise LabError(f"{path}: no such file; {COLUMNS}") from None
    except csv.Error as error:
        raise LabError(f"{path}: cannot be read as CSV: {error}") from None
    except (OSError, UnicodeError, *files.PACKED) as error:
        raise LabError(f"{path}: {files.why(error)}") from None
    except BadCurveError as error:
        where = "" if error.at is None else f":{lines[error.at]}"
        raise LabError(f"{path}{where}: {error}") from None


def _rows(path: Path, rows: Iterator[list[str]]) -> Iterator[tuple[int, float, float]]:
    header = [name.strip().lower() for name in next(rows, [])]
    shares = [name for name in header if name in _SHARES]
    units = [name for name in header if name in _UNITS]
    if len(shares) != 1 or len(units) != 1:
        near = next((found for name in header if (found := nearest(name, _SHARES))), None)
        hint = f"; did you mean {near!r}?" if near and not shares else ""
        raise LabError(f"{path}:1: {COLUMNS}{hint}")
    share, value = header.index(shares[0]), header.index(units[0])
    most, unit_s = _SHARES[shares[0]], _UNITS[units[0]]
    for line, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if line > MOST_ROWS:
            raise LabError(f"{path}:{line}: more than {MOST_ROWS:,} rows")
        try:
            yield line, float(row[share]) / most, float(row[value]) * unit_s
        except (ValueError, IndexError):
            raise LabError(f"{path}:{line}: expected a number in each of its columns") from None
