"""A page: its letters, its words and its axis of time."""

import pytest

from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts.page import width_pt, wrapped


@pytest.mark.parametrize(
    ("end_s", "unit"), [(30.0, "s"), (3_600.0, "min"), (6 * 3_600.0, "h"), (9e5, "days")]
)
def test_time_is_shown_in_a_unit_that_fits(end_s: float, unit: str) -> None:
    tables = build({"a": {"g": Group()}}, duration_s=end_s)
    assert charts.lag(tables)[0].get_xlabel() == f"time since start ({unit})"


def test_words_wrap_and_long_ones_break_at_their_punctuation() -> None:
    assert wrapped("", 1, 10) == []
    assert wrapped("one two three", 10, 10) == ["one two three"]
    lines = wrapped("see results/tournament_slow_group/seed1998-5b22b0 now", 1.5, 10)
    assert lines[0] == "see results/" and len(lines) > 2
    assert all(width_pt(line, 10) <= 1.5 * 72 for line in lines)
