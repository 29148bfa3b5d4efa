"""How figures look on the page."""

import pandas as pd

from sim.validate.page import rows, shown


def test_figures_are_counts_seconds_or_shares():
    assert [shown("peak", 1234.0), shown("p50_s", 0.0123), shown("drain_s", 12.345)] == [
        "1,234",
        "0.012",
        "12.35",
    ]
    assert shown("rms", 0.0432) == "4.3%"


def test_a_range_of_one_value_is_that_value():
    row = {
        "system": "a", "group": "g", "figure": "twice", "real_least": 2.0, "real_most": 3.0,
        "lab_least": 3.0, "lab_most": 3.0, "default": 0.0, "inside": True,
    }  # fmt: skip
    assert list(rows(pd.DataFrame([row])))[-1] == (
        "| a: g | processed twice or more | 2 to 3 | 0 | 3 | inside |"
    )
