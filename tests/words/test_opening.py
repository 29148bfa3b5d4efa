"""What the terminal and the report say of a run."""

from dataclasses import replace
from html import unescape
from io import StringIO

import numpy as np
import pandas as pd
from rich.console import Console

from helpers.inlined import ABOUT
from helpers.tables import football
from sim.report.page import page
from sim.words.opening import findings_of_groups, print_summary


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
