"""Partitions that stand still."""

from math import inf, isnan

import pandas as pd
import pytest

from sim.foundation.errors import LabError
from sim.imports.measured import Measured
from sim.studies.still_parts import refuse_averages, share_of_greatest, still, without

START = pd.Timestamp("2026-11-27 20:00", tz="UTC")


def parts(**offsets):
    """Of each partition: the member that has it, and a pair of end and commit a minute."""
    rows = [
        (
            "g",
            part,
            START + pd.Timedelta(minutes=i),
            float(end - done),
            float(end),
            float(done),
            who,
        )
        for part, (who, *pairs) in offsets.items()
        for i, (end, done) in enumerate(pairs)
    ]
    columns = ["name", "part", "at", "lag", "end", "committed", "consumer"]
    return pd.DataFrame(rows, columns=columns).sort_values("at", kind="stable")


MOVES = ("a", (100, 90), (160, 150), (220, 210), (280, 270), (340, 330))
STANDS = ("a", (100, 100), (160, 130), (220, 130), (280, 130), (340, 130))


def test_nothing_is_committed_while_more_comes():
    (one,) = still(parts(t0=MOVES, t1=STANDS), "g")
    assert (one.part, one.consumer, one.moves) == ("t1", "a", "t0")
    assert (one.since, one.lag, one.came) == (START + pd.Timedelta(minutes=1), 210.0, 180.0)
    assert one.arrive_per_s == 1.0
    assert one.age_s == 210.0  # 130 was the end half a minute after 20:00
    assert one.eaten_s(300.0) == 90.0
    assert one.eaten_s(100.0) == 0.0


def test_how_fast_it_goes_again_is_known_only_where_more_was_done_than_came():
    (one,) = still(parts(t0=MOVES, t1=STANDS), "g")
    assert (one.most_per_s, one.gone_s()) == (1.0, inf)
    quick = ("a", (500, 0), (560, 180), (620, 360), (680, 540), (740, 720))
    (one,) = still(parts(t0=quick, t1=STANDS), "g")
    assert (one.most_per_s, one.gone_s()) == (3.0, 210.0 / 2.0)
    assert one.gone_s(2.0) == 210.0


@pytest.mark.parametrize(
    "pairs",
    [
        [(100, 90), (160, 90), (220, 90), (280, 100), (340, 100)],  # it moved a minute ago
        [(100, 90), (100, 90), (100, 90), (100, 90), (100, 90)],  # nothing came: a message is long
        [(100, 100), (160, 160), (220, 220), (280, 280), (340, 340)],
    ],
)
def test_what_stands_not_still(pairs):
    assert still(parts(t0=("a", *pairs)), "g") == []


def test_an_oldest_message_from_before_the_export_has_no_known_age():
    (one,) = still(parts(t0=("", (100, 90), (160, 90), (220, 90), (280, 90))), "g")
    assert isnan(one.age_s) and isnan(one.eaten_s(60.0))
    assert (one.consumer, one.moves) == ("", "")


def test_the_greatest_comes_first_and_the_others_are_left():
    more = ("b", *((end + 1_000, done) for end, done in STANDS[1:]))
    those = still(parts(t0=MOVES, t1=STANDS, t2=more), "g")
    assert [one.part for one in those] == ["t2", "t1"]
    assert set(without(parts(t0=MOVES, t1=STANDS, t2=more), "g", those)["part"]) == {"t0"}


def test_the_partition_in_which_most_waits():
    assert share_of_greatest(parts(t0=MOVES, t1=STANDS), "g") is None  # of two, one has the most
    part, of_all = share_of_greatest(parts(t0=MOVES, t1=STANDS, t2=MOVES), "g")
    assert (part, of_all) == ("t1", 210 / 230)
    assert share_of_greatest(None, "g") is None
    assert still(None, "g") == [] and still(parts(t0=MOVES), "other") == []


def test_no_fault_of_all_consumers_is_fitted_to_one_partition_that_stands():
    def of(**offsets):
        return Measured("x", "log", pd.DataFrame(), parts=parts(**offsets))

    with pytest.raises(LabError, match=r"t1 stands still since 20:01:00") as error:
        refuse_averages(of(t0=MOVES, t1=STANDS), "g", START, "kafka.g")
    assert "{at: 1 min, fault: poison, target: kafka.g, effect: fail}" in str(error.value)
    refuse_averages(of(t1=STANDS), "g", START, "kafka.g")  # all stand: a pause of all is a fault
    refuse_averages(of(t0=MOVES), "g", START, "kafka.g")
    refuse_averages(Measured("x", "log", pd.DataFrame()), "g", START, "kafka.g")
