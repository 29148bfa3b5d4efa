"""What the terminal and the report say of a run."""

from dataclasses import replace
from html import unescape
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from helpers.inlined import ABOUT
from helpers.tables import football, hopeless, with_limits, with_waits
from sim.engine.waits import Limit
from sim.report.page import page
from sim.words.opening import cells, columns, findings_of_groups, html_summary, print_summary


def test_a_busy_key_is_told_in_terminal_and_report_without_books() -> None:
    tables = football()
    t, odd = np.arange(1_000) * 7.0, np.arange(1_000) % 2
    busy = pd.DataFrame(
        {
            "system": "kafka", "group": "counters", "message": np.arange(1_000), "created_s": t,
            "key": np.where(odd, "quiet", "busy"), "done_s": t + np.where(odd, 1.0, 500.0),
            "effects": 1, "fate": "processed",
        }
    )  # fmt: skip
    tables = replace(tables, messages=busy)
    said = findings_of_groups(tables)
    assert len(said) == 2 and said[1].startswith("busy sends 50 % of the messages")
    text = StringIO()
    print_summary(tables, "title", Console(file=text, width=100))
    whole = " ".join(text.getvalue().split())
    assert all(" ".join(words.split()) in whole for words in said) and "books of" not in whole
    written = unescape(page(tables, ABOUT))
    assert all(words in written for words in said[1:])


@pytest.mark.parametrize("width", [100, 80, 60, 40])
def test_no_number_is_cut_however_narrow_the_terminal(width: int) -> None:
    tables = football()
    million = tables.summary.assign(max_lag=1_234_567, violations=1_792, double_effects=216_904)
    tables = replace(tables, summary=million)
    text = StringIO()
    print_summary(tables, "title", Console(file=text, width=width))
    table = text.getvalue().partition("\n\n\n")[0]
    lines = table.splitlines()
    assert max(map(len, lines)) <= width
    said = " ".join(" ".join(line.split()) for line in lines)
    for _, _, row in cells(tables):
        assert all(number in said for number in row), row
    assert all(word in said.split() for heading in columns(tables) for word in heading.split())
    assert "…" not in table and ("order" in lines[3].split()) == (width == 100), lines[:4]


@pytest.mark.parametrize("width", [100, 80, 60])
def test_below_the_table_stands_where_the_time_went_and_which_limits_acted(width: int) -> None:
    limit = Limit(
        "VisibilityTimeout", "queues.all.VisibilityTimeout", "30s", "",
        "made messages visible while they were worked on", 1_234, 60.0, 3_723.0,
    )  # fmt: skip
    limits = [limit._replace(key=f"limit{i}") for i in range(5)]
    tables = with_limits(with_waits(football()), {"sqs_single.all": limits})
    text = StringIO()
    print_summary(tables, "title", Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    at, then = lines.index("Where the time went:"), lines.index("Limits that acted:")
    went = " ".join(" ".join(lines[at + 1 : then]).split())
    assert went.startswith("sqs_single: 1 h 1 min a message: all consumers busy 99 %")
    assert " sqs_fanout.analytics: 16 min a message: delay asked for 92 %" in went
    whole = " ".join(" ".join(lines[then:]).split())
    what = "made messages visible while they were worked on, 1,234 times, 1:00 to 1:02:03"
    assert f"limit2 30s in sqs_single: {what} 2 more" in whole and "limit3" not in whole
    said = next(i for i, line in enumerate(lines) if line.startswith("sqs_single needs"))
    assert at < then < said


@pytest.mark.parametrize("width", [80, 100])
def test_each_system_that_falls_behind_has_one_line(width: int) -> None:
    text = StringIO()
    print_summary(with_waits(hopeless()), "title", Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    at = lines.index("Where the time went:")
    its = lines[at + 1 : lines.index("", at)]
    assert len(its) >= 4 and all(line.startswith("  ") and line[2] != " " for line in its)


def test_a_notebook_says_it_too() -> None:
    limit = Limit("a<b", "", "1", "", "held", 2, 60.0, 60.0)
    html = html_summary(with_limits(with_waits(football()), {"sqs_single.all": [limit]}), "title")
    assert "<p>Where the time went:<br>sqs_single: 1 h 1 min a message: all consumers" in html
    assert "<p>Limits that acted:<br>a&lt;b 1 in sqs_single: held, 2 times, 1:00</p>" in html
    assert "time went" not in html_summary(football(), "title")


def test_nothing_is_said_of_time_and_limits_where_nothing_is_known() -> None:
    text = StringIO()
    print_summary(football(), "title", Console(file=text, width=80))
    assert "time went" not in text.getvalue() and "Limits" not in text.getvalue()


def test_dead_letters_are_not_counted_as_lost() -> None:
    tables = football()
    tables = replace(tables, summary=tables.summary.assign(lost=0, dead_lettered=31))
    found = columns(tables)
    assert set(found["lost"].values) == {0.0} and set(found["dead-lettered"].values) == {31.0}
    none = columns(replace(tables, summary=tables.summary.assign(dead_lettered=0)))
    assert "dead-lettered" not in none and "dead-lettered" in columns(tables, alike=True)


def test_what_the_scenario_is_about_is_the_first_column() -> None:
    tables = football()
    whose = tables.summary[["system", "group"]]
    about = {"measure": "wrong_results", "quantile": np.nan, "called": "", "jobs": "", "bound": 0.0}
    wrong = whose.assign(**about, value=[*range(len(whose))])
    found = columns(replace(tables, shown=wrong))
    assert next(iter(found)) == "results still wrong" and "processed" in found
    assert found["results still wrong"].values == [*map(float, range(len(whose)))]
    some = columns(replace(tables, shown=wrong[1:]))["results still wrong"]
    assert np.isnan(some.values[0]) and some.say(some.values[0]) == "n/a"
    # One that is there anyway comes to the front.
    lost = columns(replace(tables, shown=wrong.assign(measure="lost")))
    assert next(iter(lost)) == "lost" and len(lost) == len(columns(tables))
