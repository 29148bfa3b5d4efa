"""The picture of what is worth paying for."""

from math import inf

import numpy as np

from sim.charts.page import MUTED, style
from sim.charts.worth import worth
from sim.words.worth import Offer

CHEAP, DEAR = Offer("cheap", 10.0, 200.0), Offer("dear", 250.0, 150.0)


def test_a_line_leads_from_each_offer_that_is_worth_it_to_the_next():
    waste = Offer("waste", 300.0, 190.0)
    with style():
        ax = worth([waste, DEAR, CHEAP, Offer("left", 1.0, inf)], title="scenario/run")
    (line,) = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert list(zip(*line.get_data(), strict=True)) == [(10, 200), (250, 150), (375, 150)]
    good, beaten = ax.collections
    assert np.asarray(good.get_offsets()).tolist() == [[250, 150], [10, 200]]
    assert np.asarray(beaten.get_offsets()).tolist() == [[300, 190]]
    said = {text.get_text().replace("\n", " "): text.get_color() for text in ax.texts}
    assert said["waste: 300 USD, 3 min 10 s"] == MUTED
    assert "cheap: 10.00 USD, 3 min 20 s" in said and "left" not in str(said)
    # However close the offers are, the axis has two times to read them by.
    assert len([tick for tick in ax.get_yticks() if 60 <= tick <= 600]) >= 2


def test_what_misses_a_need_is_hollow_and_no_part_of_the_line():
    short = Offer("short", 5.0, 0.5, unmet=("loss: none",))
    with style():
        ax = worth([short, CHEAP], title="scenario/run")
    hollow = [
        its for its in ax.collections if len(its.get_offsets()) and not its.get_facecolor().size
    ]
    (points,) = hollow
    assert points.get_offsets().tolist() == [[5.0, 0.5]]
    assert "short: 5.00 USD, 500 ms, misses a need" in [text.get_text() for text in ax.texts]
    (line,) = ax.lines
    assert line.get_xdata()[0] == 10.0
