"""What waits at the last sample, and since when: by hand."""

from dataclasses import replace
from math import isnan

import pandas as pd
import pytest

from helpers.sizing import ideal_log
from sim.foundation.errors import LabError
from sim.imports.measured import Measured
from sim.imports.waiting import Waiting, start_of, started, waiting
from sim.scenario.load import load

START = pd.Timestamp("2026-11-27 20:00", tz="UTC")


def measured(lag, age_s=None, end=None, name="g"):
    """A sample a minute; offsets, where the end of the log is given, are less the lag."""
    at = [START + pd.Timedelta(minutes=i) for i in range(len(lag))]
    samples = pd.DataFrame({"name": name, "measure": "lag", "at": at, "value": lag})
    if age_s is not None:
        of_age = samples.assign(measure="time_lag_s", value=age_s)
        samples = pd.concat([samples, of_age], ignore_index=True)
    offsets = None
    if end is not None:
        committed = [e - n for e, n in zip(end, lag, strict=True)]
        offsets = pd.DataFrame({"name": name, "at": at, "end": end, "committed": committed})
    return Measured("x", "log", samples, offsets=offsets)


def test_the_age_is_the_one_that_was_measured():
    assert waiting(measured([5.0, 7.0], [10.0, 42.0])) == [Waiting("g", 7, 42.0)]


def test_else_so_long_ago_the_end_was_where_the_group_is_now():
    # The end is at 1,000, 1,600 and 2,200; the group at 1,300 at last: between the first two.
    (one,) = waiting(measured([0.0, 500.0, 900.0], end=[1_000.0, 1_600.0, 2_200.0]))
    assert one == Waiting("g", 900, 90.0)


def test_what_came_before_the_export_is_as_old_as_the_mean_rate_says():
    # At 10 a second, 3,000 are of 300 s, and the export is of 120 s.
    (one,) = waiting(measured([2_000.0, 2_500.0, 3_000.0], end=[5_000.0, 5_600.0, 6_200.0]))
    assert one == Waiting("g", 3_000, 300.0, guessed=True)


def test_without_age_or_offsets_nobody_knows():
    its = measured([1.0, 2.0])
    assert isnan(waiting(its)[0].age_s)
    with pytest.raises(LabError, match=r"g: the export does not tell how old .*backlog: 2, age"):
        started(ideal_log("1 s"), its)
    with pytest.raises(LabError, match="nothing waits at the last sample"):
        started(ideal_log("1 s"), measured([1.0, 0.0], [1.0, 0.0]))


def test_a_scenario_starts_with_it():
    made = started(ideal_log("1 s"), measured([5.0, 700.0], [10.0, 42.5]))
    assert made.start.backlog == {"kafka.g": 700}
    assert made.start.age == {"kafka.g": 42.5}
    # An export of one name is the only group's, whatever it is called.
    assert started(ideal_log("1 s"), measured([7.0], [4.0], name="x")).start.backlog == {
        "kafka.g": 7
    }


def test_a_group_that_the_scenario_does_not_have_is_an_error():
    with pytest.raises(
        LabError, match=r"x: x: no group .* there are sqs_single\.everything, sqs_f"
    ):
        started(load("tournament_spike"), measured([7.0], [4.0], name="x"))


def test_ages_that_the_same_messages_cannot_have_are_that_of_the_most():
    names = {"a": ["log.a"], "b": ["log.b"]}
    agreeing = [Waiting("a", 10, 5.0), Waiting("b", 20, 6.0)]
    assert start_of(agreeing, names)["age"] == {"log.a": 5.0, "log.b": 6.0}
    odd = [Waiting("a", 10, 7.0), Waiting("b", 20, 6.0)]
    assert start_of(odd, names) == {"backlog": {"log.a": 10, "log.b": 20}, "age": 6.0}


def in_parts(*offsets, minutes=3):
    """Of each partition: where its end and its commit are at last; 600 come a minute to each."""
    rows = [
        ("g", f"t-{p}", START + pd.Timedelta(minutes=i), end - 600.0 * (minutes - i), done)
        for p, (end, done) in enumerate(offsets)
        for i in range(minutes + 1)
    ]
    its = pd.DataFrame(rows, columns=["name", "part", "at", "end", "committed"])
    parts = its.assign(lag=(its["end"] - its["committed"]).clip(lower=0), consumer="c")
    sums = parts.groupby("at")[["lag", "end", "committed"]].sum().reset_index()
    whole = measured(sums["lag"].tolist(), end=sums["end"].tolist())
    return replace(whole, parts=parts.sort_values("at", kind="stable"))


def test_the_oldest_is_that_of_the_partition_furthest_behind():
    """900 wait in one of two, so for 90 s; over both the end was there 45 s ago."""
    its = in_parts((5_000.0, 5_000.0), (7_000.0, 6_100.0))
    assert waiting(its) == [Waiting("g", 900, 90.0)]
    assert waiting(replace(its, parts=None)) == [Waiting("g", 900, 45.0)]


def test_a_backlog_of_one_partition_starts_in_that_partition():
    its = in_parts((5_000.0, 4_990.0), (7_000.0, 6_100.0), (6_000.0, 6_000.0))
    made = started(ideal_log("1 s", partitions=3), its)
    assert made.start.backlog == {"kafka.g": {"0": 10, "1": 900}}
    assert made.start.age == {"kafka.g": 90.0}
    # Where the scenario has other partitions, or it hardly matters in which, it is one number.
    other = started(ideal_log("1 s", partitions=4), its)
    assert other.start.backlog == {"kafka.g": 910}
    even = in_parts((5_000.0, 4_300.0), (7_000.0, 6_200.0), (6_000.0, 5_200.0))
    assert started(ideal_log("1 s", partitions=3), even).start.backlog == {"kafka.g": 2_300}
