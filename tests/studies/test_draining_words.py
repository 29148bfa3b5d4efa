"""An outlook in words."""

import numpy as np
import pandas as pd

from sim.studies.draining import outlooks
from sim.studies.draining_words import told
from studies.test_draining import START, by_partition, measured, one, steady, stood


def test_a_backlog_that_falls():
    assert list(told(steady(300.0, 400.0), 7_200.0, 86_400.0)) == [
        "g: 880,000 messages wait at 2026-11-27 20:20:00 UTC",
        "It falls by 100 msg/s (100 to 100) since 20:00:00 (21 samples): gone in 2 h 27 min "
        "(2 h 27 min to 2 h 27 min), at 22:46:40",
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
        "The backlog is gone since 20:03:00 (at 20:02:00 10 still waited). It was highest at "
        "20:00:00, 30 messages, and took 3 min from there. To see what was known then: --at "
        "2026-11-27T20:00:00Z"
    )
    assert list(told(one([0.0] * 5), None, None))[1] == (
        "Nothing waited at any time since 20:00:00 (5 samples)"
    )


def said_of(export, by_s=None, retention_s=None, **asked):
    (its,) = outlooks(export, **asked)
    return list(told(its, by_s, retention_s))


def test_a_backlog_that_is_gone():
    assert said_of(stood(), 600.0, 3_600.0) == [
        "g: 0 messages wait at 2026-11-27 21:00:00 UTC",
        "The backlog is gone since 20:40:00 (at 20:39:00 6,000 still waited). It was highest at "
        "20:20:00, 120,000 messages, and took 20 min from there. To see what was known then: --at "
        "2026-11-27T20:20:00Z",
        "While it fell, 200 msg/s (200 to 200) arrived and 300 msg/s (300 to 300) were worked off "
        "by 4 consumers",
    ]
    assert said_of(stood(), arrivals_per_s=500.0)[2] == (
        "With 500 msg/s from then on it grows by 200 msg/s (200 to 200)"
    )
    assert said_of(stood(), arrivals_per_s=250.0)[2] == (
        "With 250 msg/s from then on nothing builds up: 300 msg/s (300 to 300) were worked off"
    )


def test_as_of_a_time():
    at = START + pd.Timedelta(minutes=30)
    said = said_of(stood(), at=at, arrivals_per_s=250.0)
    assert said[2] == (
        "With 250 msg/s from now on it is gone in 20 min (20 min to 20 min), at 20:50:00"
    )
    assert said_of(stood(), at=at)[2] == (
        "In the export, which goes on, it was gone at 20:40:00, 10 min later, as said"
    )
    assert said_of(stood(minutes=35), at=at)[2] == "In the export, which goes on, it is not gone"
    quick = stood(off=300.0)
    quick.samples.loc[quick.samples["at"] > at, "value"] = 0.0
    assert said_of(quick, at=at)[2].endswith("20:31:00, 1 min later: sooner than these rates say")


def test_what_comes_and_goes_is_no_backlog():
    lag = [3, 40, 12, 0, 50, 7, 22, 1, 30, 0, 44, 2]
    assert said_of(measured([float(x) for x in lag]))[1] == (
        "There is no backlog: what waits comes and goes since 20:00:00 (12 samples), between 0 "
        "and 50"
    )
    end = 1e6 + 60.0 * 100 * np.arange(12)
    said = said_of(measured([float(x) for x in lag], end=end, committed=end - lag))
    assert said[1].endswith("between 0 and 50, what comes in 500 ms")


def test_of_a_turn_just_now_nothing_is_made_up():
    lag = [float(x) for x in [*range(0, 10_000, 1_000), 3_000, 2_500]]
    assert said_of(measured(lag))[1] == (
        "It turned at 20:09:00, and 3 samples since are too few to say more; --window 10m takes "
        "rates from so far back"
    )


def test_a_partition_that_stands_still():
    assert said_of(by_partition(), 600.0, 7_200.0) == [
        "g: 69,035 messages wait at 2026-11-27 21:00:00 UTC",
        "t-3 stands still: nothing is committed there since 20:14:00, while 69,000 messages came; "
        "c1 has it, and works on t-2, which moves. 69,000 wait in it, 99.95 % of all; the oldest "
        "of them is 46 min old",
        "Its other partitions: 35 messages wait there. There is no backlog: what waits comes and "
        "goes since 20:00:00 (61 samples), between 35 and 35, what comes in 200 ms",
        "While t-3 stands still, it is never gone. The export does not show how fast it goes once "
        "it moves, for nothing waited before: at twice what comes, it takes 46 min",
        "More consumers move no partition that stands still: it has one at a time",
        "The oldest message is some 46 min old: retention of 2 h deletes unread ones in 1 h 14 min",
    ]


def test_all_partitions_stand_still():
    said = said_of(by_partition(stuck=range(8)))
    assert said[1] == (
        "Nothing is committed in any of its 8 partitions since 20:14:00, while 552,000 messages "
        "came"
    )
