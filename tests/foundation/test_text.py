import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.foundation import text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (4e-7, "under 1 µs"),
        (40e-6, "40 µs"),
        (0.0004, "0.4 ms"),
        (0.00342, "3.4 ms"),
        (0.012, "12 ms"),
        (0.999, "999 ms"),
        (0.9999, "1 s"),
        (4.24, "4.2 s"),
        (45.0, "45 s"),
        (59.9, "1 min"),
        (61.0, "1 min 1 s"),
        (192.0, "3 min 12 s"),
        (599.9, "10 min"),
        (12 * 60.0 + 20, "12 min"),
        (3599.9, "1 h"),
        (3 * 3600.0 + 12 * 60, "3 h 12 min"),
        (36 * 3600.0, "36 h"),
        (2 * 86_400.0 + 3 * 3600, "2 d 3 h"),
        (-45.0, "-45 s"),
        (math.inf, "forever"),
        (3.2e13, "over a million years"),
        (math.nan, "n/a"),
    ],
)
def test_a_duration_reads_as_people_say_it(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_no_positive_duration_reads_as_zero_or_overflows_its_unit(seconds: float) -> None:
    words = text.duration(seconds)
    assert re.search(r"[1-9]", words)
    assert not re.search(r"\b(60 s|60 min|1,000 ms|1,000 µs|0\.0+ )", words), words


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_duration_is_within_five_percent(seconds: float) -> None:
    size = {"µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86_400}
    parts = re.findall(r"([\d.,]+) (µs|ms|s|min|h|d)\b", text.duration(seconds))
    read = sum(float(number.replace(",", "")) * size[unit] for number, unit in parts)
    assert read == pytest.approx(seconds, rel=0.05)


def test_an_endless_drain_says_so() -> None:
    assert text.drain(math.inf) == "did not drain"
    assert text.drain(192.0) == "3 min 12 s"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (1234, "1,234"),
        (999_999, "999,999"),
        (999_999.6, "1 M"),
        (1_234_567, "1.23 M"),
        (12_300_000, "12.3 M"),
        (999_600_000, "1 bn"),
        (4_500_000_000, "4.5 bn"),
        (-1234, "-1,234"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
    ],
)
def test_a_count_is_grouped_then_scaled(number: float, words: str) -> None:
    assert text.count(number) == words


@pytest.mark.parametrize(
    ("per_second", "words"),
    [
        (0.0, "0 msg/s"),
        (0.25, "0.25 msg/s"),
        (18.5, "18.5 msg/s"),
        (99.96, "100 msg/s"),
        (1234.4, "1,234 msg/s"),
        (1_200_000.0, "1.2 M msg/s"),
        (math.nan, "n/a"),
    ],
)
def test_a_rate_keeps_three_digits(per_second: float, words: str) -> None:
    assert text.rate(per_second) == words


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (0, "0 %"),
        (1, "under 0.01 %"),
        (1_234, "0.12 %"),
        (500_000, "50 %"),
        (999_000, "99.9 %"),
        (999_999, "over 99.99 %"),
        (1_000_000, "100 %"),
    ],
)
def test_a_share_is_zero_or_all_only_when_it_is(part: int, words: str) -> None:
    assert text.share(part, 1_000_000) == words


def test_a_share_of_nothing_is_missing() -> None:
    assert text.share(0, 0) == "n/a"


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (250, "250"), (10_000, "10 k"), (1_500_000, "1.5 M"), (2e9, "2 bn"), (0.5, "0.5")],
)
def test_a_tick_is_short(number: float, words: str) -> None:
    assert text.tick(number) == words


def test_names_are_listed_as_in_a_sentence() -> None:
    assert text.names([]) == ""
    assert text.names(["a"]) == "a"
    assert text.names(["a", "b"]) == "a and b"
    assert text.names(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("cents", "words"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (-123_450, "-1,234.50"),
        (9_999_999_999, "99,999,999.99"),
        (456_000_000_000, "4.56 bn"),
        (math.nan, "n/a"),
    ],
)
def test_money_has_two_decimals(cents: float, words: str) -> None:
    assert text.money(cents) == words


def test_one_message_is_not_several() -> None:
    assert [text.messages(n) for n in (0, 1, 2_000_000)] == [
        "0 messages", "1 message", "2 M messages"
    ]  # fmt: skip
