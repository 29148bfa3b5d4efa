"""What Burrow says, as a strip under the lag."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts.burrow import COLOURS


def test_a_strip_under_the_lag_shows_what_burrow_says_at_each_time():
    made = build({"kafka": {"a": Group(kind="log"), "b": Group(kind="log")}, "sqs": {"a": Group()}})
    t_s = made.series["t_s"].unique()
    words = np.where(t_s < 600.0, "OK", np.where(t_s < 1_200.0, "STALL", "WARN"))
    burrow = pd.concat(
        [
            pd.DataFrame({"system": "kafka", "group": "a", "t_s": t_s, "status": "OK"}),
            pd.DataFrame({"system": "kafka", "group": "b", "t_s": t_s, "status": words}),
        ]
    )
    (panel,) = charts.LOG_CHARTS["status"][0](replace(made, burrow=burrow))
    strip = panel.figure.axes[1]
    assert panel.get_title("left") == "kafka"
    assert [text.get_text() for text in strip.texts] == ["a", "b"]
    whole, parts = strip.collections
    assert len(whole.get_paths()) == 1 and len(parts.get_paths()) == 3
    colours = [to_hex(colour) for colour in parts.get_facecolors()]
    assert colours == [COLOURS[word] for word in ("OK", "STALL", "WARN")]
    assert parts.get_paths()[1].get_extents().x0 == pytest.approx(10.0, abs=0.5)  # min
