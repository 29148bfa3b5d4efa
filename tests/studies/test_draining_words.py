"""An outlook in words."""

import numpy as np

from sim.studies.draining_words import told
from studies.test_draining import one, steady


def test_a_backlog_that_falls():
    assert list(told(steady(300.0, 400.0), 7_200.0, 86_400.0)) == [
        "g: 880,000 messages wait at 2026-11-27 20:20:00 UTC",
        "It falls by 100 msg/s (100 to 100) since 20:00:00 (21 samples): gone in 2 h 27 min "
        "(2 h 27 min to 2 h 27 min)",
        "300 msg/s (300 to 300) arrive and 400 msg/s (400 to 400) are worked off by 4 consumers",
        "To be drained within 2 h takes 5 consumers, if each does what it does now and there are "
        "partitions enough",
        "The oldest message is some 49 min old, and does not reach 24 h",
    ]


def test_a_backlog_that_grows():
    said = list(told(steady(300.0, 240.0, backlog=300_000.0), None, 3_600.0))
    assert said[1] == (
        "It grows by 60 msg/s (60 to 60) since 20:00:00 (21 samples): at these rates it is never "
        "gone"
    )
    assert said[3] == (
        "The oldest message is some 21 min old: retention of 1 h deletes unread ones in 3 h 17 min"
    )
    already = list(told(steady(300.0, 240.0, backlog=300_000.0), None, 600.0))[3]
    assert already.endswith("retention of 10 min deletes unread messages already")


def test_what_neither_falls_nor_grows():
    rng = np.random.default_rng(1)
    said = list(told(one(1_000.0 + rng.normal(0.0, 30.0, 40)), None, None))
    assert said[1].startswith("It neither clearly falls nor grows")
    assert said[1].endswith("at the best, or never")


def test_what_an_export_does_not_tell_is_said():
    said = list(told(one([1_000.0 - 10.0 * i for i in range(20)]), 60.0, 3_600.0))
    assert said[2] == (
        "How many consumers drain it within 1 min cannot be said: the export has no rates of "
        "arrivals and of work (offsets)"
    )
    assert said[3].startswith("How old the oldest message is cannot be said")


def test_nothing_waits():
    assert list(told(one([30.0, 20.0, 10.0, 0.0, 0.0]), None, None))[1] == (
        "Nothing has to be drained"
    )
