"""A page: its letters, its words and its axis of time."""

from typing import Any

import pytest

from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts.page import apart, sentences, style, width_pt, wrapped


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


def test_a_number_stays_with_its_unit_and_a_duration_is_whole() -> None:
    words = "one needs 1 min 23 s to drain, 44 % of 12 M are late"
    for width in (0.8, 1.0, 1.2, 1.5, 2.0, 3.0):
        lines = wrapped(words, width, 10)
        assert " ".join(lines) == words
        for whole in ("1 min 23 s", "44 %", "12 M"):
            assert any(whole in line for line in lines), (width, lines)


def test_sentences_end_in_one_mark_each() -> None:
    assert sentences("Who can?", "The same") == "Who can? The same"
    assert sentences("One", "", "two", "three") == "One. two. three"
    assert sentences("", "") == ""
