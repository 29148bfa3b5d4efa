"""A page: its letters, its words and its axis of time."""

from typing import Any

import pytest

from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts.page import apart, style, width_pt, wrapped


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


@pytest.mark.parametrize("chart", [charts.lag, charts.loss])
def test_words_alone_are_those_of_the_chart_and_nothing_is_drawn(chart: Any) -> None:
    tables = build({"a": {"g": Group()}})
    with style(), apart() as whole:
        chart(tables)
    drawn = False
    with style(), apart(words_alone=True) as words:
        chart(tables)
        drawn = True
    assert words.title and not drawn
    assert (words.title, words.subtitle, words.footnote) == (
        whole.title,
        whole.subtitle,
        whole.footnote,
    )


def test_an_error_among_words_alone_is_raised() -> None:
    with pytest.raises(ValueError, match="mine"), apart(words_alone=True):
        raise ValueError("mine")


def test_figures_are_made_at_the_dpi_that_is_asked_for() -> None:
    tables = build({"a": {"g": Group()}})
    with style(dpi=72.0):
        assert charts.lag(tables)[0].figure.dpi == 72.0
    with style():
        assert charts.lag(tables)[0].figure.dpi == 100.0
