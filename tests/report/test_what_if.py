"""The page with sliders as a file: whole, without network, and escaped."""

import json
import re

from sim.report.what_if import what_if_page

DATA = {
    "scenario": "made_up",
    "about": "Less < more",
    "command": "sim run made_up",
    "knobs": [{"name": "a </script> b", "says": ["1", "2"], "sets": {"a.b": ["1", "2"]}}],
    "at": [0],
    "numbers": ["lost"],
    "runs": [
        {
            "title": "x",
            "rows": [["s", "g", 0]],
            "usd": {"s": 1},
            "t": [0],
            "lag": [[0]],
            "age": [[0]],
        }
    ]
    * 2,
}


def test_it_needs_nothing_else_and_what_it_quotes_is_escaped() -> None:
    text = what_if_page(DATA)
    assert "Less &lt; more" in text and "a </script> b" not in text
    outside = text.replace("/*! https://github.com/leeoniya/uPlot", "")
    assert not re.search(r"https?:|@import|//cdn", outside)
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    assert json.loads(found) == DATA
    assert len(text.encode()) < 100_000
    assert "Each of the 2 positions is a run" in text
