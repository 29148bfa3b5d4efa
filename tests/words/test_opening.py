"""What the terminal and the report say of a run."""

from dataclasses import replace
from html import unescape
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from helpers.inlined import ABOUT
from helpers.tables import football
from sim.report.page import page
from sim.words.opening import COLUMNS, cells, findings_of_groups, print_summary


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
    for _, _, row in cells(tables.summary):
        assert all(number in said for number in row), row
    assert all(heading in said for heading in COLUMNS)
    assert "…" not in table and ("violations" in lines[1]) == (width == 100)
