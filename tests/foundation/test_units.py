"""Quantities as people write them, against hand-computed values and scipy."""

import math
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from sim.foundation import units
from sim.foundation.units import inches


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 ms", 0.005),
        ("500us", 0.0005),
        ("500 µs", 0.0005),
        ("90 s", 90.0),
        ("2 min", 120.0),
        ("10m", 600.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("1 h 30 min 5 s", 5405.0),
        ("2 d", 172800.0),
        ("1_000 s", 1000.0),
        ("1.5e3 ms", 1.5),
        ("90", 90.0),
        (90, 90.0),
        (0.25, 0.25),
        (0, 0.0),
    ],
)
def test_seconds(text, expected):
    assert units.seconds(text) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (units.per_second, "2_000/s", 2000.0),
        (units.per_second, "120/min", 2.0),
        (units.per_second, "36 / h", 0.01),
        (units.per_second, 300, 300.0),
        (units.per_second, "0/s", 0.0),
        (units.size_bytes, "300 B", 300),
        (units.size_bytes, "16 KiB", 16384),
        (units.size_bytes, "1 MiB", 1048576),
        (units.size_bytes, "1 MB", 1000000),
        (units.size_bytes, "1.5kB", 1500),
        (units.size_bytes, 16384, 16384),
        (units.count, "2_000", 2000),
        (units.count, 2e6, 2000000),
        (units.count, "2e6", 2000000),
        (units.milliseconds, 5, 5.0),
        (units.milliseconds, "5", 5.0),
        (units.milliseconds, "5 ms", 5.0),
        (units.milliseconds, "1 min", 60000.0),
        (units.whole_seconds, "2 min", 120),
        (units.whole_seconds, "30", 30),
    ],
)
def test_other_quantities(parse, text, expected):
    value = parse(text)
    assert value == pytest.approx(expected, rel=1e-15)
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("parse", "bad", "fragment"),
    [
        (units.seconds, "5 parsecs", "unknown unit of time 'parsecs' in '5 parsecs'"),
        (units.seconds, "5 MS", "unknown unit of time 'MS'"),
        (units.seconds, "1h30", "expected a duration such as"),
        (units.seconds, "1__0", "expected a duration such as"),
        (units.count, "2_", "expected a whole number"),
        (units.seconds, "", "expected a duration such as"),
        (units.seconds, "ms", "expected a duration such as"),
        (units.seconds, "5 s and more", "expected a duration such as"),
        (units.seconds, "-5 s", "must not be negative: '-5 s'"),
        (units.seconds, -5, "must not be negative: -5"),
        (units.seconds, math.inf, "must be finite"),
        (units.seconds, math.nan, "must be finite"),
        (units.seconds, True, "expected a duration such as '5 ms', '90 s' or '1h30m', not true"),
        (units.seconds, None, "not nothing"),
        (units.seconds, [5], "not a list"),
        (units.seconds, {"s": 5}, "not a mapping"),
        (units.whole_seconds, "500 ms", "expected whole seconds, not '500 ms'"),
        (units.per_second, "300/fortnight", "use /s, /min, /h or /d"),
        (units.per_second, "fast", "expected a rate such as"),
        (units.per_second, "300 s", "expected a rate such as"),
        (units.per_second, "-3/s", "must not be negative"),
        (units.size_bytes, "3 stone", "unknown unit of size 'stone'"),
        (units.size_bytes, "0.5 B", "expected a whole number of bytes"),
        (units.size_bytes, "big", "expected a size such as"),
        (units.count, 2.5, "expected a whole number"),
        (units.count, "many", "expected a whole number"),
        (units.count, -1, "must not be negative: -1"),
        (units.count, math.inf, "expected a whole number"),
        (units.ratio, "twice", "expected a number, not 'twice'"),
        (units.share, "half", "expected a share such as 0.001 or 0.1 %, not 'half'"),
        (units.share, 1.5, "expected a share such as 0.001 or 0.1 %, not 1.5"),
        (units.share, "101 %", "expected a share such as"),
        (units.share, "-1 %", "expected a share such as"),
    ],
)
def test_errors_say_what_was_expected(parse, bad, fragment):
    with pytest.raises(ValueError) as raised:
        parse(bad)
    assert fragment in str(raised.value)


@given(st.floats(0, 1e6), st.sampled_from(["us", "ms", "s", "min", "h"]))
def test_a_bare_number_of_seconds_is_the_same_duration(number, unit):
    size_s = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[unit]
    assert units.seconds(f"{number!r} {unit}") == pytest.approx(units.seconds(number * size_s))


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.text()))
@pytest.mark.parametrize(
    "parse",
    [units.seconds, units.milliseconds, units.per_second, units.size_bytes, units.count],
)
def test_anything_else_is_a_value_error(parse, value):
    try:
        number = parse(value)
    except ValueError:
        return
    assert math.isfinite(number)
    assert number >= 0


@pytest.mark.parametrize(
    ("data", "kind", "a", "b", "mean_s"),
    [
        ("5 ms", "constant", 0.005, 0.0, 0.005),
        (0, "constant", 0.0, 0.0, 0.0),
        ({"constant": "2 s"}, "constant", 2.0, 0.0, 2.0),
        ({"exponential": "4 ms"}, "exponential", 0.004, 0.0, 0.004),
        ({"gamma": {"mean": "2 ms", "cv": 0.5}}, "gamma", 0.002, 0.5, 0.002),
    ],
)
def test_distributions(data, kind, a, b, mean_s):
    distribution = units.Distribution.model_validate(data)
    assert (distribution.kind, distribution.a, distribution.b) == (kind, a, b)
    assert distribution.mean_s() == mean_s


def test_lognormal_by_median_and_p99_against_scipy():
    distribution = units.lognormal(0.012, 0.080)
    assert (distribution.kind, distribution.a, distribution.b) == ("lognormal", 0.012, 0.080)
    sigma = np.log(0.080 / 0.012) / stats.norm.ppf(0.99)
    reference = stats.lognorm(s=sigma, scale=0.012)
    assert reference.ppf(0.99) == pytest.approx(0.080)
    assert distribution.mean_s() == pytest.approx(reference.mean(), rel=1e-12)


def test_a_distribution_by_quantiles_or_by_their_file(tmp_path):
    given = {"quantiles": {"p99.9": "17 ms", "p50": "2 ms", "max": "90 ms"}}
    by_name = units.Distribution.model_validate(given)
    assert by_name.kind == "curve" and by_name.a == pytest.approx(0.002)
    assert by_name == units.by_quantiles(p99_9=0.017, p50=0.002, max=0.090)
    assert by_name.model_dump() == {"quantiles": {"p99.9": 0.017, "p50": 0.002, "max": 0.090}}
    path = tmp_path / "q.csv"
    path.write_text("percentile,ms\n50,2\n99.9,17\n100,90\n")
    by_file = units.Distribution.model_validate({"csv": str(path)})
    assert (by_file.kind, by_file.csv.file) == ("curve", path)
    assert by_file.mean_s() == pytest.approx(by_name.mean_s(), rel=1e-12)
    path.unlink()
    assert by_file.a == pytest.approx(0.002)  # read once
    assert by_file.model_dump() == {"csv": {"path": str(path)}}


@pytest.mark.parametrize("wrong", ["89", "89 px", "wide", "-3in"])
def test_a_width_needs_a_unit_of_length(wrong: str) -> None:
    with pytest.raises(ValueError, match="a width such as 89mm"):
        inches(wrong)


@pytest.mark.parametrize("parse", [units.seconds, units.per_second, units.size_bytes, units.count])
def test_a_long_row_of_digits_is_refused_in_no_time(parse):
    began = process_time()
    for text in ("1" * 100_000 + "!", "1_" * 100_000, "1 " * 100_000 + "!"):
        with pytest.raises(ValueError, match="expected"):
            parse(text)
    assert process_time() - began < 0.5


@pytest.mark.parametrize(
    ("written", "part"), [(0, 0.0), (1, 1.0), ("0.1 %", 0.001), ("12.5%", 0.125), ("1e-3", 0.001)]
)
def test_a_share_is_a_number_or_percent(written, part):
    assert units.share(written) == part


@pytest.mark.parametrize("written", [2**53 + 1, "9007199254740993", " 9_007_199_254_740_993 "])
def test_a_whole_number_is_exact_to_the_last_digit(written):
    assert units.count(written) == 2**53 + 1
    assert units.size_bytes(written) == 2**53 + 1
    assert units.count(str(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize("rounded", [2.0**53 + 2, "9.007199254740994e15", "1e18"])
def test_a_whole_number_that_may_be_rounded_is_refused(rounded):
    with pytest.raises(ValueError, match=r"in digits alone.*above 9,007,199,254,740,992"):
        units.count(rounded)


@pytest.mark.parametrize(
    ("parse", "bad", "says"),
    [
        (units.count, 2**63, "at most 9,223,372,036,854,775,807, not 9223372036854775808"),
        (units.count, "9" * 5000, "must be finite|expected a whole number"),
        (units.size_bytes, 1e300, "must be at most"),
        (units.seconds, 2e16, "at most 1e\\+16 s, not 2e"),
        (units.seconds, "1000000000000 d", "at most 1e\\+16 s, not '1000000000000 d'"),
        (units.seconds, 10**400, "must be finite"),
        (units.seconds, -(10**400), "must be finite"),
        (units.milliseconds, 1e20, "at most 1e\\+19 ms"),
        (units.per_second, "1e16/s", "at most 1e\\+15/s"),
        (units.ratio, 1e308, "at most 1e\\+15, not 1e"),
        (units.ratio, np.float64("nan"), "must be finite, not nan$"),
        (units.ratio, np.float32("inf"), "must be finite, not inf$"),
        (units.count, np.float64(2.5), "not 2.5$"),
        (units.count, np.int64(-3), "must not be negative: -3$"),
        (units.seconds, np.bool_(True), "not true$"),
    ],
)
def test_what_leaves_floating_point_or_int64_is_refused_in_plain_numbers(parse, bad, says):
    with pytest.raises(ValueError, match=says):
        parse(bad)


def test_a_number_too_long_to_write_is_refused():
    with pytest.raises(ValueError, match="not a number of thousands of digits"):
        units.count(10**5000)


def test_numbers_of_numpy_are_numbers():
    assert units.count(np.int64(7)) == units.count(np.float64(7)) == 7
    assert units.seconds(np.float32(1.5)) == 1.5
    assert units.milliseconds(9223372036854775807) == 2**63  # Kafka's for ever


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"gamma": {"mean": 1, "cv": 1e200}}, "at most"),
        ({"gamma": {"mean": 1, "cv": 1e-200}}, "greater than or equal to"),
        ({"lognormal": {"median": 1e-300, "p99": 1}}, "too far above the median"),
        ({"lognormal": {"median": 1e-3, "p99": 1e12}}, "too far above the median"),
    ],
)
def test_distributions_beyond_floating_point_are_refused(data, says):
    with pytest.raises(ValidationError, match=says):
        units.Distribution.model_validate(data)
    assert units.Distribution(lognormal={"median": 0.001, "p99": 1000}).b == 1000


@pytest.mark.parametrize(
    ("value", "bare"), [("5", True), (0.5, True), ("5 ms", False), ("a", False)]
)
def test_a_bare_number_has_no_unit(value, bare):
    assert units.is_bare(value) is bare
