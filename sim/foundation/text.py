"""Numbers in the words a person would use, for tables, findings and the labels of charts."""

import math
from collections.abc import Sequence

MISSING = "n/a"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


_MILLION_YEARS_S = 1e6 * 365.25 * 86_400


def duration(seconds: float) -> str:
    """`seconds` as people say it: "3 h 12 min", "45 s", "4.2 s", "12 ms", "0.4 ms", "40 µs".

    Two units at most, and no more digits than a reader would keep. NaN reads "n/a", infinity
    "forever", and what nobody counts "over a million years".
    """
    if math.isnan(seconds):
        return MISSING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if math.isinf(seconds):
        return "forever"
    if seconds > _MILLION_YEARS_S:
        return "over a million years"
    if seconds == 0:
        return "0 s"
    if seconds < 0.9995e-6:
        return "under 1 µs"
    if seconds < 0.0995e-3:
        return f"{_digits(seconds * 1e6, 2)} µs"
    if seconds < 0.9995:
        return f"{_digits(seconds * 1e3, 2)} ms"
    if seconds < 59.5:
        return f"{_digits(seconds, 2)} s"
    return _two_units(seconds)


def clock(seconds: float, finest_s: float = 1.0) -> str:
    """A time since the start as a clock shows it: "24:45", "1:02:03"; "0:12.345" if so fine."""
    decimals = max(0, -math.floor(math.log10(finest_s)))
    tenths = round(seconds * 10**decimals)
    whole, part = divmod(tenths, 10**decimals)
    minutes, s = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{s:02}" if hours else f"{minutes}:{s:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text


def drain(seconds: float) -> str:
    """The time a backlog took to drain, as `duration`; infinity reads "did not drain"."""
    return "did not drain" if math.isinf(seconds) else duration(seconds)


def count(number: float) -> str:
    """A whole number to read: "1,234", "1.23 M", "4.5 bn"; what is not finite reads "n/a"."""
    if not math.isfinite(number):
        return MISSING
    size = abs(round(number))
    if size < 1_000_000:
        return f"{round(number):,}"
    scale, unit = (1e6, "M") if size < 999_500_000 else (1e9, "bn")
    return f"{_digits(number / scale, 3)} {unit}"


def money(cents: float) -> str:
    """Cents as money: "1,234.50", "4.56 bn"; what is not finite reads "n/a"."""
    if math.isfinite(cents) and abs(cents) < 1e11:
        return f"{cents / 100:,.2f}"
    return count(cents / 100)


def tick(number: float) -> str:
    """A number short enough for an axis: "250", "10 k", "1.5 M", "2 bn"."""
    for scale, unit in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= scale * (1 - 1e-9):
            return f"{number / scale:.4g}{unit}"
    return f"{number:.4g}"


def rate(per_second: float) -> str:
    """Messages per second: "1,234 msg/s", "18.5 msg/s", "0.25 msg/s", "1.2 M msg/s"."""
    if not math.isfinite(per_second):
        return MISSING
    if abs(per_second) >= 100:
        return f"{count(per_second)} msg/s"
    return f"{_digits(per_second, 3)} msg/s"


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent, where only none at all is "0 %" and only all is "100 %"."""
    if math.isnan(part) or math.isnan(whole) or whole == 0:
        return MISSING
    percent = 100 * part / whole
    if 0 < percent < 0.01:
        return "under 0.01 %"
    if 99.99 < percent < 100:
        return "over 99.99 %"
    return f"{_digits(percent, 4 if percent > 99 else 2)} %"


def names(words: Sequence[str]) -> str:
    """A list in a sentence: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _two_units(seconds: float) -> str:
    """From a minute up; the smaller unit is dropped where it would be noise, or is zero."""
    step = 1 if seconds < 600 else 60 if seconds < 172_800 else 3_600
    rest = round(seconds / step) * step
    words: list[str] = []
    for size, unit in _UNITS:
        if size == 86_400 and rest < 172_800:
            continue
        if amount := rest // size:
            words.append(f"{amount:,} {unit}")
            rest -= amount * size
    return " ".join(words)


def _digits(number: float, significant: int) -> str:
    """At least `significant` digits, all of the whole part, and no zeros after the decimals."""
    if number == 0:
        return "0"
    decimals = max(significant - 1 - math.floor(math.log10(abs(number))), 0)
    text = f"{number:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def messages(number: float) -> str:
    """ "1 message", "1.2 M messages"."""
    return f"{count(number)} message{'' if number == 1 else 's'}"
