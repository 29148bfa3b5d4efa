"""What is worth paying for, in words."""

from math import inf, nan

import pandas as pd

from sim.words.worth import Offer, finding, fit, notes, offers, worth_it

CHEAP, DEAR = Offer("cheap", 10.0, 60.0), Offer("dear", 250.0, 0.05, lost=3)
WASTE, LEFT = Offer("waste", 300.0, 1.0), Offer("left", 1.0, inf)


def test_worth_is_what_no_other_beats():
    assert worth_it([DEAR, WASTE, CHEAP, LEFT]) == [CHEAP, DEAR]
    # As dear and slower, or dearer and as fast: beaten.
    same = [Offer("slower", 10.0, 61.0), Offer("dearer", 11.0, 60.0)]
    assert worth_it([*same, CHEAP]) == [CHEAP]


def test_the_finding_says_what_more_money_buys():
    assert finding([WASTE, DEAR, CHEAP]) == (
        "240 USD a month more, for dear instead of cheap, take p99 from 1 min to 50 ms; 1 other "
        "costs more than what is no slower"
    )
    assert finding([CHEAP]) == "Take cheap at 10.00 USD a month (p99 1 min)"
    assert finding([Offer("b", 11.0, 61.0), CHEAP]).endswith("(p99 1 min), cheapest and fastest")
    assert finding([LEFT]).startswith("Nothing here has processed all of its messages")


def test_what_is_not_drawn_is_named():
    assert notes([CHEAP]) == []
    assert notes([DEAR, LEFT]) == [
        "Not drawn, since messages were left unprocessed: left.", "Lost messages: dear.",
    ]  # fmt: skip


def test_a_system_stands_for_its_slowest_group():
    summary = pd.DataFrame(
        {
            "system": ["a", "a", "b", "c"],
            "latency_p99_s": [1.0, 2.0, 3.0, nan],
            "unfinished": [0, 0, 1, 0],
            "lost": [1, 2, 0, 0],
        }
    )
    found = offers(summary, {"a": 5.0, "b": 6.0, "c": 7.0})
    assert found == [Offer("a", 5.0, 2.0, 3), Offer("b", 6.0, inf), Offer("c", 7.0, inf)]


def test_offers_that_do_not_meet_the_needs_are_named():
    short = Offer("a", 1.0, 1.0, unmet=("loss: none",))
    assert notes([short]) == ["Not all that the scenario needs: a."]


def test_what_misses_a_need_is_worth_nothing_beside_what_does_not():
    short = Offer("short", 1.0, 0.01, unmet=("loss: none",))
    assert worth_it([short, CHEAP, DEAR]) == [CHEAP, DEAR]
    assert finding([short, CHEAP]) == "Take cheap at 10.00 USD a month (p99 1 min)"
    assert worth_it([short]) == [short] and fit([short]) == [short]


def test_offers_know_the_needs_that_a_system_misses():
    summary = pd.DataFrame(
        {"system": ["a", "b"], "latency_p99_s": [1.0, 2.0], "unfinished": [0, 0], "lost": [0, 0]}
    )
    found = offers(summary, {"a": 5.0, "b": 6.0}, {"a": ["loss: none"], "b": []})
    assert [one.unmet for one in found] == [("loss: none",), ()]
