"""The page `results/published.md` is what the lab gives, and the bounds on it hold."""

import re

import pytest

from tools import published
from tools.published import LEFT, PAGE, ROWS, Figure

ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")


@pytest.fixture(scope="module")
def now():
    return published.predicted()


def figures(page):
    """What was published and predicted, as they stand in the page."""
    rows = [found.groups() for found in ROW.finditer(page)][2:]
    return [[float(NUMBER.search(cell)[0].replace(",", "")) for cell in row[2:4]] for row in rows]


def words(page):
    """The page without the two columns that another machine may have otherwise in a last digit."""
    return ROW.sub(lambda row: f"|{row[1]}|{row[2]}|{row[3]}|{row[6]}|", page)


def test_every_bound_holds(now):
    beyond = [(f.what, f.off) for row in now for f in row if not f.holds]
    assert beyond == []


def test_what_was_asked_for_has_a_bound(now):
    bounds = {row.title: {f.bound for f in its} for row, its in zip(ROWS, now, strict=True)}
    assert bounds["Polls of River, a queue in Postgres"] == {0.02}
    assert bounds["Kafka, end to end at 200,000 msg/s"] == {0.10, None}
    assert [f.what for f in now[1] if f.bound is not None] == ["p50", "p95", "p99"]
    assert 0.05 in bounds["RabbitMQ, the knee of one queue"]
    assert bounds["Celery, one worker with 200 threads over Valkey"] == {0.25}


def test_the_page_is_that_of_the_lab(now):
    kept, made = PAGE.read_text(), published.page(now)
    assert words(kept) == words(made), "run: make published"
    assert len(figures(kept)) == sum(map(len, now)) > 20
    assert figures(kept) == [pytest.approx(row, rel=0.02) for row in figures(made)]


def test_a_figure_beyond_its_bound_is_told_on_the_page():
    far = Figure("p50", published=89.0, predicted=100.0, unit="ms", bound=0.10)
    assert (far.holds, far.off) == (False, pytest.approx(-0.11))
    near = Figure("p50", published=313.6, predicted=320.0, unit="/s", bound=0.02)
    assert near.holds  # to the last digit
    assert Figure("p50", 1.0, 9.0, "s").holds
    page = published.page([[far]] + [[near]] * (len(ROWS) - 1))
    assert "| p50 | 89 ms | 100 ms | -11.0% | 10%, not reached |" in page.replace("89.00", "89")


def test_every_row_says_where_it_is_from_and_every_one_left_out_says_why():
    assert all(row.source and row.given and row.asked for row in ROWS)
    assert all(left.published and left.why for left in LEFT)
