"""Quantities as people write them: `5 ms`, `2_000/s`, `16 KiB`, a distribution of durations.

Inside the lab every duration is float seconds, every rate float 1/s, every size int bytes.
"""

import math
import re
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema, model_validator

from sim.foundation import quantiles
from sim.foundation.config import Config, Refusal, RefusedError
from sim.foundation.quantiles import FAR_S, FAR_Z, ONE_IN, Curve

_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_SECONDS["d"] = 86400.0
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PER = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0}

_LONGEST = 200
"""Letters of a duration."""
_NUMBER = r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PART = re.compile(rf"\s*({_NUMBER})\s*([a-zA-Zµ]+)\s*")
_WHOLE = re.compile(r"\s*[+-]?[0-9]+(?:_[0-9]+)*\s*")
_BARE = re.compile(rf"\s*[+-]?{_NUMBER}\s*")


_MOST_SECONDS = 1e16
"""More than a Java `long` of milliseconds, which means for ever."""
_MOST = 1e15
"""Of rates and plain numbers: with more, sums and products leave floating point."""
_MOST_COUNT = 2**63 - 1
_EXACT = 2**53
"""Floating point has every whole number up to here."""


def _bare(value: object) -> float | None:
    """A number, or a string that holds only a number; None for anything else."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, 1 if value == abs(value) else -1)
    if isinstance(value, str) and _BARE.fullmatch(value):
        return float(value)
    return None


def is_bare(value: object) -> bool:
    """Whether it is a number without a unit."""
    return _bare(value) is not None


def shown(value: object) -> str:
    """A value from a scenario as an error quotes it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return shown(value.item())  # numpy's, whose repr names its type
    try:
        words = repr(value)
    except ValueError:  # Python does not write out an int of more than 4,300 digits
        return "a number of thousands of digits"
    return words if len(words) <= 60 else f"{words[:57]}…"


def _not(what: str, value: object) -> ValueError:
    return ValueError(f"expected {what}, not {shown(value)}")


def _in_range(number: float, value: object, most: float = _MOST_COUNT, unit: str = "") -> float:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"must be finite, not {shown(value)}")
    if number < 0:
        raise ValueError(f"must not be negative: {shown(value)}")
    if number > most:
        limit = f"{most:,}" if isinstance(most, int) else f"{most:g}"
        raise ValueError(f"must be at most {limit}{unit}, not {shown(value)}")
    return number


def seconds(value: object) -> float:
    """Seconds in a duration such as ``"5 ms"``, ``"1h30m"`` or a bare number of seconds.

    Raises:
        ValueError: not a duration, negative or not finite; the text says what was expected.
    """
    number = _bare(value)
    if number is not None:
        return _in_range(number, value, _MOST_SECONDS, " s")
    if not isinstance(value, str):
        raise _not("a duration such as '5 ms', '90 s' or '1h30m'", value)
    text = value.strip()
    # In a long row of digits, the search would begin anew at each of them.
    parts = list(_PART.finditer(text.removeprefix("-"))) if len(text) <= _LONGEST else []
    if not parts or "".join(part.group() for part in parts) != text.removeprefix("-"):
        raise _not("a duration such as '5 ms', '90 s' or '1h30m'", value)
    total = 0.0
    for part in parts:
        digits, unit = part.groups()
        if unit not in _SECONDS:
            raise ValueError(
                f"unknown unit of time {unit!r} in {shown(value)}; use us, ms, s, min, h or d"
            )
        total += float(digits) * _SECONDS[unit]
    return _in_range(-total if text.startswith("-") else total, value, _MOST_SECONDS, " s")


def milliseconds(value: object) -> float:
    """Milliseconds in a duration; a bare number is milliseconds, as in Kafka's ``*.ms`` keys.

    Raises:
        ValueError: as `seconds`.
    """
    number = _bare(value)
    if number is None:
        return seconds(value) * 1e3
    return _in_range(number, value, _MOST_SECONDS * 1e3, " ms")


def whole_seconds(value: object) -> int:
    """Whole seconds in a duration, as SQS takes them.

    Raises:
        ValueError: as `seconds`, and for a fraction of a second.
    """
    number = seconds(value)
    if number != int(number):
        raise _not("whole seconds", value)
    return int(number)


def per_second(value: object) -> float:
    """Events per second in a rate such as ``"2_000/s"``, ``"120/min"``; bare numbers are 1/s.

    Raises:
        ValueError: not a rate, negative or not finite.
    """
    number = _bare(value)
    if number is not None:
        return _in_range(number, value, _MOST, "/s")
    top, slash, unit = value.partition("/") if isinstance(value, str) else ("", "", "")
    number = _bare(top)
    if number is None or not slash:
        raise _not("a rate such as '300/s' or '120/min'", value)
    if unit.strip() not in _PER:
        raise ValueError(f"unknown unit in the rate {shown(value)}; use /s, /min, /h or /d")
    return _in_range(number / _PER[unit.strip()], value, _MOST, "/s")


def size_bytes(value: object) -> int:
    """Bytes in a size such as ``"300 B"``, ``"16 KiB"`` (1,024 B) or ``"1 MB"`` (10^6 B).

    Raises:
        ValueError: not a size, negative, or not a whole number of bytes.
    """
    number: float | None = _whole(value)
    if number is None:
        number = _bare(value)
    if number is None:
        part = _PART.fullmatch(value) if isinstance(value, str) else None
        if part is None:
            raise _not("a size such as '300 B', '16 KiB' or '1 MiB'", value)
        digits, unit = part.groups()
        if unit not in _BYTES:
            raise ValueError(
                f"unknown unit of size {unit!r} in {shown(value)}; use B, KiB, MiB, GiB, kB, MB, GB"
            )
        number = float(digits) * _BYTES[unit]
    number = _in_range(number, value)
    if number != int(number):
        raise _not("a whole number of bytes", value)
    return int(number)


def inches(value: object) -> float:
    """A width on paper, in inches: `89mm`, `18.3 cm`, `7in`."""
    found = _PART.fullmatch(value) if isinstance(value, str) else None
    if not found or found[2] not in _INCHES:
        raise _not("a width such as 89mm, 18.3cm or 7in", value)
    return float(found[1]) * _INCHES[found[2]]


def count(value: object) -> int:
    """A whole number such as ``2000``, ``"2_000"`` or ``2e6``.

    Raises:
        ValueError: not a whole number, negative, or more than an int64 holds.
    """
    number: float | None = _whole(value)
    if number is None:
        number = _bare(value)
        if number is None or not math.isfinite(number) or number != int(number):
            raise _not("a whole number such as 12 or 2_000", value)
        if _EXACT < number <= _MOST_COUNT:
            raise ValueError(
                f"expected a whole number in digits alone, not {shown(value)}: above {_EXACT:,}, "
                "other ways to write it are not exact"
            )
    return int(_in_range(number, value))


def _whole(value: object) -> int | None:
    """A whole number in digits alone, to the last of them; None for anything else."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and len(value) < 100 and _WHOLE.fullmatch(value):
        return int(value)
    return None


def ratio(value: object) -> float:
    """A plain number, 0 or more.

    Raises:
        ValueError: not a number, negative or not finite.
    """
    number = _bare(value)
    if number is None:
        raise _not("a number", value)
    return _in_range(number, value, _MOST)


def share(value: object) -> float:
    """A part of a whole such as ``0.001`` or ``"0.1 %"``.

    Raises:
        ValueError: not a number, less than 0 or more than all.
    """
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    try:
        part = ratio(str(value).rstrip()[:-1].rstrip()) / 100 if percent else ratio(value)
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise _not("a share such as 0.001 or 0.1 %", value)
    return part


def _schema(example: str, pattern: str, number: str = "number", lowest: int = 0) -> WithJsonSchema:
    """Either a bare number or a string, for editors that read the JSON schema."""
    return WithJsonSchema(
        {
            "anyOf": [{"type": number, "minimum": lowest}, {"type": "string", "pattern": pattern}],
            "examples": [example],
        }
    )


def _positive(parse: Callable[[object], float]) -> Callable[[object], float]:
    def positive(value: object) -> float:
        number = parse(value)
        if number == 0:
            raise ValueError(f"must be more than 0, not {shown(value)}")
        return number

    return positive


def _or_unlimited(parse: Callable[[object], float]) -> Callable[[object], float]:
    def limit(value: object) -> float:
        return -1 if _bare(value) == -1 else parse(value)

    return limit


_DURATION = rf"^\s*({_NUMBER}\s*(us|µs|ms|s|min|m|h|d)?\s*)+$"
_A_DURATION = _schema("5 ms", _DURATION)
_A_RATE = _schema("300/s", rf"^\s*{_NUMBER}\s*(/\s*(s|min|h|d))?\s*$")
_SIZE = rf"^\s*{_NUMBER}\s*({'|'.join(_BYTES)})?\s*$"
_A_SIZE = _schema("16 KiB", _SIZE)
_A_COUNT = _schema("2_000", rf"^\s*{_NUMBER}\s*$")
_A_NUMBER = _schema("1.5", rf"^\s*{_NUMBER}\s*$")

Seconds = Annotated[float, BeforeValidator(seconds), _A_DURATION]
"""A duration of 0 or more, in seconds."""
PositiveSeconds = Annotated[float, BeforeValidator(_positive(seconds)), _A_DURATION]
"""A duration of more than 0, in seconds."""
Milliseconds = Annotated[float, BeforeValidator(milliseconds), _A_DURATION]
"""A duration of 0 or more, in milliseconds; a bare number is milliseconds."""
PositiveMilliseconds = Annotated[float, BeforeValidator(_positive(milliseconds)), _A_DURATION]
"""A duration of more than 0, in milliseconds; a bare number is milliseconds."""
WholeSeconds = Annotated[int, BeforeValidator(whole_seconds), _A_DURATION]
"""A duration of 0 or more whole seconds."""
Rate = Annotated[float, BeforeValidator(per_second), _A_RATE]
"""A rate of 0 or more, per second."""
Bytes = Annotated[int, BeforeValidator(size_bytes), _A_SIZE]
"""A size of 0 or more bytes."""
PositiveBytes = Annotated[int, BeforeValidator(_positive(size_bytes)), _A_SIZE]
"""A size of at least one byte."""
MillisecondsOrUnlimited = Annotated[
    float, BeforeValidator(_or_unlimited(milliseconds)), _schema("5 ms", _DURATION, lowest=-1)
]
"""As Milliseconds, or -1: without limit."""
BytesOrUnlimited = Annotated[
    int, BeforeValidator(_or_unlimited(size_bytes)), _schema("16 KiB", _SIZE, lowest=-1)
]
"""As Bytes, or -1: without limit."""
Count = Annotated[int, BeforeValidator(count), _A_COUNT]
"""A whole number of 0 or more."""
PositiveCount = Annotated[int, BeforeValidator(_positive(count)), _A_COUNT]
"""A whole number of 1 or more."""
Ratio = Annotated[float, BeforeValidator(ratio), _A_NUMBER]
"""A plain number of 0 or more."""
PositiveRatio = Annotated[float, BeforeValidator(_positive(ratio)), _A_NUMBER]
"""A plain number of more than 0."""
Share = Annotated[float, BeforeValidator(share), _schema("0.1 %", r"^\s*[\d._e-]+\s*%?\s*$")]
"""A part of a whole: 0 to 1, or in percent."""

Z99 = 2.3263478740408408
"""99 % point of the standard normal distribution."""


def far_tail(median: float, p99: float) -> float:
    """What hardly any draw (`ONE_IN`) of a lognormal distribution exceeds; inf where none is."""
    try:
        return median * math.exp(FAR_Z * math.log(p99 / median) / Z99)
    except (OverflowError, ZeroDivisionError):
        return math.inf


class Lognormal(Config):
    """Lognormal by the two numbers that monitoring shows."""

    median: PositiveSeconds
    """Half of the durations are shorter."""
    p99: PositiveSeconds
    """99 % of the durations are shorter."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.p99 < self.median:
            raise ValueError("the p99 must not be less than the median")
        far_s = far_tail(self.median, self.p99)
        if far_s > FAR_S:
            raise ValueError(
                f"the p99 is too far above the median: one in {1 / ONE_IN:.0e} would be "
                f"{far_s:.0e} s long"
            )
        return self


class Gamma(Config):
    """Gamma by its mean and coefficient of variation; `cv: 1` is the exponential."""

    mean: PositiveSeconds
    """Mean duration."""
    cv: Annotated[PositiveRatio, Field(ge=1e-6, le=1000)]
    """Standard deviation divided by the mean."""


class DistributionFile(Config):
    """A distribution as a table of quantiles, in a CSV or CSV.gz file."""

    shorthand = "path"

    path: str
    """The file: a column `quantile` (0 to 1) or `percentile` (0 to 100), and a column `s`, `ms` or
    `us`; relative to the scenario file, then to the working directory."""

    _file: Path | None = PrivateAttr(None)
    _curve: Curve | None = PrivateAttr(None)

    @property
    def file(self) -> Path:
        """The file that `path` names, resolved when the scenario was loaded."""
        return self._file or Path(self.path)

    @property
    def curve(self) -> Curve:
        """What is in the file, read once.

        Raises:
            LabError: it cannot be read, or does not hold a distribution.
        """
        if self._curve is None:
            self._curve = quantiles.read(self.file)
        return self._curve


_NAMES = {"propertyNames": {"pattern": f"^(min|max|{quantiles.NAME})$"}}
Quantiles = Annotated[dict[str, PositiveSeconds], Field(json_schema_extra=_NAMES)]
"""Durations by the names of quantiles: p50, p99.9, min, max."""


class Distribution(Config):
    """How long something takes. A bare duration (`5 ms`) means always that long."""

    alternatives = (
        ("constant",),
        ("exponential",),
        ("lognormal",),
        ("gamma",),
        ("quantiles",),
        ("csv",),
    )
    shorthand = "constant"

    constant: Seconds | None = None
    """Always this long."""
    exponential: PositiveSeconds | None = None
    """Exponential with this mean."""
    lognormal: Lognormal | None = None
    """`{median, p99}`"""
    gamma: Gamma | None = None
    """`{mean, cv}`"""
    quantiles: Quantiles | None = None
    """`{p50, p99, p99.9, …}`, at least two, and `min` and `max`, which no draw is beyond. Between
    them the logarithm of the duration is linear in the normal quantile (two are a lognormal), and
    so it goes on beyond the outermost."""
    csv: DistributionFile | None = None
    """A file with such quantiles, a row each."""

    @model_validator(mode="after")
    def _a_curve(self) -> Self:
        if self.quantiles is not None:
            try:
                quantiles.of_names(self.quantiles)
            except quantiles.BadCurveError as error:
                where = () if error.at is None else (list(self.quantiles)[error.at],)
                raise RefusedError([Refusal((("quantiles", *where),), str(error))]) from None
        return self

    @property
    def kind(self) -> Literal["constant", "exponential", "lognormal", "gamma", "curve"]:
        """Which it is; a curve: by quantiles, wherever they stand."""
        if self.constant is not None:
            return "constant"
        if self.exponential is not None:
            return "exponential"
        if self.quantiles is not None or self.csv is not None:
            return "curve"
        return "lognormal" if self.lognormal is not None else "gamma"

    @property
    def curve(self) -> Curve:
        """Of a curve: its quantiles.

        Raises:
            LabError: as `DistributionFile.curve`.
        """
        if self.csv is not None:
            return self.csv.curve
        assert self.quantiles is not None
        return quantiles.of_names(self.quantiles)

    @property
    def a(self) -> float:
        """First parameter, s: the constant, the mean (exponential, gamma), or the median."""
        if self.kind == "curve":
            return quantiles.median_s(self.curve)
        if self.lognormal is not None:
            return self.lognormal.median
        if self.gamma is not None:
            return self.gamma.mean
        return self.constant if self.constant is not None else self.exponential or 0.0

    @property
    def b(self) -> float:
        """Second parameter: p99 in s (lognormal), coefficient of variation (gamma); else 0."""
        if self.lognormal is not None:
            return self.lognormal.p99
        return self.gamma.cv if self.gamma is not None else 0.0

    def mean_s(self) -> float:
        """Mean duration, s. Lognormal: median * exp(s^2 / 2), s = ln(p99 / median) / z(0.99)."""
        if self.kind == "curve":
            return self.curve.mean_s()
        if self.lognormal is None:
            return self.a
        sigma = math.log(self.b / self.a) / Z99
        return self.a * math.exp(sigma**2 / 2)


def lognormal(median_s: float, p99_s: float) -> Distribution:
    """A lognormal distribution of durations, for defaults."""
    return Distribution(lognormal=Lognormal(median=median_s, p99=p99_s))


def by_quantiles(**names_s: float) -> Distribution:
    """A distribution by quantiles in s, for defaults; `p99_9` is p99.9."""
    return Distribution(quantiles={n.replace("_", "."): at_s for n, at_s in names_s.items()})
