"""When a backlog is gone: by hand, and how often the interval holds the truth."""

from dataclasses import replace
from math import inf, isnan

import numpy as np
import pandas as pd
import pytest

from helpers.sizing import ideal_log
from sim.foundation.errors import LabError
from sim.imports.measured import Measured
from sim.imports.waiting import started
from sim.lab import run
from sim.studies.draining import _turned, outlooks

START = pd.Timestamp("2026-11-27 20:00", tz="UTC")


def measured(lag, step_s=60.0, end=None, committed=None, consumers=4):
    at = [START + pd.Timedelta(seconds=step_s * i) for i in range(len(lag))]
    samples = pd.DataFrame({"name": "g", "measure": "lag", "at": at, "value": lag})
    offsets = None
    if end is not None:
        offsets = pd.DataFrame({"name": "g", "at": at, "end": end, "committed": committed})
    return Measured("x", "log", samples, offsets=offsets, consumers={"g": consumers})


def one(*given, **how):
    (outlook,) = outlooks(measured(*given, **how))
    return outlook


def steady(arrive, off, minutes=20, backlog=1_000_000.0):
    end = 5e6 + arrive * 60.0 * np.arange(minutes + 1)
    committed = 5e6 - backlog + off * 60.0 * np.arange(minutes + 1)
    return one(end - committed, end=end, committed=committed)


def test_a_backlog_that_falls_steadily_is_gone_when_the_line_says():
    its = steady(arrive=300.0, off=400.0)
    assert its.lag == 1_000_000 - 20 * 60 * 100
    assert its.net_per_s.estimate == pytest.approx(-100.0)
    assert its.gone_s == pytest.approx((8_800.0, 8_800.0, 8_800.0))
    assert its.age_s == pytest.approx(880_000 / 300.0)


def test_consumers_are_as_many_as_do_the_arrivals_and_the_backlog_in_time():
    # A consumer does 100 a second; 300 arrive and 880,000 wait: within 2 h it takes 422.2 a second.
    its = steady(arrive=300.0, off=400.0)
    assert its.needed(7_200.0) == (5.0, 5.0, 5.0)
    assert its.needed(8_800.0).estimate == 4.0


def test_without_offsets_nobody_knows_how_many_it_takes():
    its = one([1_000.0 - 10.0 * i for i in range(20)])
    assert its.needed(60.0) is None
    assert isnan(its.eaten_s(100.0))
    assert its.gone_s.estimate == pytest.approx(810.0 / (10.0 / 60.0))


def test_a_backlog_that_grows_is_never_gone_and_retention_eats_it():
    # 300 arrive, 240 are worked off: the oldest gets older by a fifth of the time.
    its = steady(arrive=300.0, off=240.0, backlog=300_000.0)
    assert its.gone_s.estimate == inf
    age_s = (300_000 + 60 * 20 * 60) / 300.0
    assert its.eaten_s(3_600.0) == pytest.approx((3_600.0 - age_s) / 0.2)
    assert its.eaten_s(600.0) == 0.0


def test_a_backlog_that_falls_gets_no_older():
    assert steady(arrive=300.0, off=400.0).eaten_s(1e6) == inf


@pytest.mark.parametrize(
    ("lag", "since"),
    [
        ([0, 500, 1_000, 900, 800, 700, 600], 2),  # since the peak
        ([900, 600, 300, 0, 100, 200, 300, 400], 3),  # since it began to grow
        ([0, 500, 1_000, 900, 910, 700, 705, 600, 500], 2),  # small turns are noise
        ([1_000, 900, 800, 700, 600], 0),
    ],
)
def test_rates_are_taken_since_the_lag_turned_last(lag, since):
    assert one([float(x) for x in lag]).since == START + pd.Timedelta(minutes=since)


def test_a_window_may_be_given():
    (its,) = outlooks(measured([float(i * i) for i in range(30)]), window_s=600.0)
    assert its.since == START + pd.Timedelta(minutes=19)
    assert its.samples == 11
    (its,) = outlooks(measured([float(i) for i in range(30)]), consumers=9)
    assert its.consumers == 9


@pytest.mark.parametrize("lag", [[5.0], [5.0, 4.0, 3.0]])
def test_of_too_few_samples_nothing_is_said(lag):
    with pytest.raises(LabError, match="fewer than 4 samples"):
        list(outlooks(measured(lag)))


def test_the_interval_holds_the_true_time_about_as_often_as_it_says():
    """Poisson arrivals and work: 95 % of the intervals of the slope hold it, and so of the time."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        steps = rng.poisson(300.0 * 60, 30) - rng.poisson(400.0 * 60, 30)
        lag = 1_000_000.0 + np.concatenate([[0], np.cumsum(steps)])
        its = one(lag)
        held += its.gone_s.low <= its.lag / 100.0 <= its.gone_s.high
    assert 0.92 <= held / 400 <= 0.98


def stood(stop=10, go=20, minutes=60, arrive=200.0, off=300.0):
    """Fluid: consumers stand still from ``stop`` to ``go``, and work off what waits from there."""
    t_min = np.arange(minutes + 1.0)
    lag = 60.0 * arrive * np.clip(t_min - stop, 0.0, go - stop)
    lag = np.maximum(lag - 60.0 * (off - arrive) * np.maximum(t_min - go, 0.0), 0.0)
    end = 1e6 + 60.0 * arrive * t_min
    return measured(lag, end=end, committed=end - lag)


def test_a_backlog_that_is_gone_was_there_as_high_and_as_long_as_the_fluid_says():
    """120,000 wait at 20:20, and 100/s less each second: nothing waits from 20:40 on."""
    (its,) = outlooks(stood())
    was = its.drained
    assert (was.peak, was.peak_at) == (120_000.0, START + pd.Timedelta(minutes=20))
    assert (was.gone_at, was.waited) == (START + pd.Timedelta(minutes=40), 6_000.0)
    assert its.gone_s == (0.0, 0.0, 0.0)
    assert its.net_per_s == pytest.approx((-100.0, -100.0, -100.0))
    assert its.worked_off_per_s == pytest.approx((300.0, 300.0, 300.0))
    assert its.arrive_per_s == pytest.approx((200.0, 200.0, 200.0))


def test_rates_of_a_backlog_that_is_gone_are_those_while_it_was_worked_off():
    """At 85/s less it is gone in the middle of a minute, the rest of which counts for no rate."""
    (its,) = outlooks(stood(off=285.0))
    assert its.drained.gone_at == START + pd.Timedelta(minutes=44)
    assert its.net_per_s == pytest.approx((-85.0, -85.0, -85.0))
    assert its.worked_off_per_s == pytest.approx((285.0, 285.0, 285.0))


def test_as_of_a_time_only_what_was_known_then_counts_and_what_came_is_told():
    at = START + pd.Timedelta(minutes=30, seconds=20)
    (its,) = outlooks(stood(), at=at)
    assert (its.at, its.lag) == (START + pd.Timedelta(minutes=30), 60_000.0)
    assert its.drained is None
    assert its.gone_s == pytest.approx((600.0, 600.0, 600.0))
    assert its.age_s == pytest.approx(300.0)
    assert its.really_s == (600.0, 540.0, 600.0)  # it went between the samples of 20:39 and 20:40
    (before,) = outlooks(stood(), at=START + pd.Timedelta(minutes=5))
    assert (before.no_backlog, before.consumers) == (True, 4)


@pytest.mark.parametrize(
    ("arrivals", "gone_s"),
    [(100.0, 300.0), (200.0, 600.0), (250.0, 1_200.0), (300.0, inf), (400.0, inf)],
)
def test_with_other_arrivals_it_is_gone_when_the_fluid_says(arrivals, gone_s):
    """60,000 wait and 300/s are worked off."""
    at = START + pd.Timedelta(minutes=30)
    (its,) = outlooks(stood(), at=at, arrivals_per_s=arrivals)
    assert its.gone_s.estimate == pytest.approx(gone_s)
    wanted = (60_000 / 600.0 + arrivals) / (300.0 / 4)
    assert its.needed(600.0).estimate == np.ceil(wanted)


def test_with_other_arrivals_the_oldest_ages_by_those_of_now_first_and_then_by_the_new():
    """300,000 wait, 1,000 s old: 300/s came, 250/s are worked off; from now on 500/s come.

    What waits now is worked off in 1,200 s; by then the oldest is 1,200 s old; from there on it
    gets half a second older each second.
    """
    end = 5e6 + 300.0 * 60 * np.arange(21)
    committed = end[-1] - 300_000 + 250.0 * 60 * np.arange(-20, 1)
    export = measured(end - committed, end=end, committed=committed)
    (its,) = outlooks(export, arrivals_per_s=500.0)
    assert its.age_s == pytest.approx(1_000.0)
    assert its.eaten_s(1_100.0) == pytest.approx(600.0)
    assert its.eaten_s(1_200.0) == pytest.approx(1_200.0)
    assert its.eaten_s(2_200.0) == pytest.approx(1_200.0 + 2_000.0)
    (less,) = outlooks(export, arrivals_per_s=200.0)
    assert less.eaten_s(1_100.0) == pytest.approx(600.0)
    assert less.eaten_s(1_300.0) == inf


def test_what_a_backlog_that_is_gone_tells_of_more_traffic():
    """300/s were worked off while it fell: 500/s would pile up by 200 a second."""
    (its,) = outlooks(stood(), arrivals_per_s=500.0)
    assert its.then_per_s == pytest.approx((200.0, 200.0, 200.0))
    assert its.gone_s.estimate == inf


def test_without_offsets_other_arrivals_say_nothing():
    (its,) = outlooks(measured([1_000.0 - 10.0 * i for i in range(20)]), arrivals_per_s=5.0)
    assert isnan(its.gone_s.estimate)


def test_a_backlog_after_one_that_is_gone_is_the_one_that_counts():
    lag = np.r_[np.linspace(0, 1e6, 20), np.linspace(9e5, 0, 10), np.linspace(0, 15_000, 30)]
    (its,) = outlooks(measured(lag))
    assert its.drained is None
    assert its.since >= START + pd.Timedelta(minutes=29)
    assert its.net_per_s.estimate == pytest.approx(15_000 / 29 / 60, rel=0.05)


def by_partition(stuck=(3,), partitions=8, minutes=60, stop=14):
    """25/s come to each; those of ``stuck`` are worked off until minute 14."""
    rows = []
    for minute in range(minutes + 1):
        for p in range(partitions):
            end = 1e6 + 1_500.0 * minute
            committed = 1e6 + 1_500.0 * min(minute, stop) if p in stuck else end - 5
            at = START + pd.Timedelta(minutes=minute)
            rows.append(("g", f"t-{p}", at, end - committed, end, committed, f"c{p // 2}"))
    columns = ["name", "part", "at", "lag", "end", "committed", "consumer"]
    parts = pd.DataFrame(rows, columns=columns)
    sums = parts.groupby("at")[["lag", "end", "committed"]].sum().reset_index()
    whole = measured(sums["lag"].to_numpy(), end=sums["end"], committed=sums["committed"])
    return replace(whole, parts=parts)


def test_a_partition_that_stands_still_is_not_averaged_with_those_that_move():
    (its,) = outlooks(by_partition())
    (one,) = its.still
    assert (one.part, one.lag, one.since) == ("t-3", 69_000.0, START + pd.Timedelta(minutes=14))
    assert its.others.no_backlog
    # Its oldest is as old as it stands; of all partitions together it would be 345 s.
    assert its.eaten_s(3_000.0) == pytest.approx(3_000.0 - 46 * 60.0)
    assert its.eaten_s(600.0) == 0.0


def test_where_all_partitions_stand_still_there_are_no_others():
    (its,) = outlooks(by_partition(stuck=range(8)))
    assert (len(its.still), its.others) == (8, None)


def of_run(scenario, from_s, to_s):
    """What an export of a run would hold between two times, a sample every 10 s."""
    series = run(scenario).tables.series
    its = series[(series["t_s"] >= from_s) & (series["t_s"] <= to_s) & (series["t_s"] % 10 == 0)]
    at = [START + pd.Timedelta(seconds=t) for t in its["t_s"]]
    lag = its["lag"].to_numpy(float)
    rows = [
        {"name": "g", "measure": measure, "at": t, "value": value}
        for measure, values in (("lag", lag), ("time_lag_s", its["time_lag_s"]))
        for t, value in zip(at, values, strict=True)
    ]
    return Measured("x", "log", pd.DataFrame(rows)), series


def test_what_is_said_of_an_export_is_what_a_run_that_starts_there_does():
    """Of a backlog that a run works off, after five minutes: the rest of it, and from there anew.

    A consumer works off 20 a second, 14 come: 3,000 are gone in 500 s. Of one partition: where some
    are done before others, their consumers are idle, and rates do not stay as they are.
    """
    before = ideal_log("50 ms", rate="14/s", duration="900 s", partitions=1).with_(
        {"start": {"backlog": 3_000, "age": "300 s"}}
    )
    export, series = of_run(before, 60.0, 300.0)
    (its,) = outlooks(export)
    gone = series[(series["t_s"] > 300) & (series["lag"] < 20)]["t_s"].iloc[0] - 300
    anew = started(before, export)
    assert anew.start.backlog == {"kafka.g": int(its.lag)}
    later = run(anew.with_({"seed": 99})).tables.series
    assert later["time_lag_s"].iloc[0] == pytest.approx(anew.start.age["kafka.g"], rel=0.02)
    gone_anew = later[later["lag"] < 20]["t_s"].iloc[0]
    assert its.gone_s.estimate == pytest.approx(gone, rel=0.1)
    assert gone_anew == pytest.approx(its.gone_s.estimate, rel=0.1)
    assert its.gone_s.low <= gone_anew <= its.gone_s.high


def test_what_was_level_before_a_rise_is_not_part_of_it():
    rise = np.r_[np.zeros(35), np.arange(1, 36) * 2_574.0]
    assert _turned(rise) == 34
    assert _turned(np.arange(70.0)) == 0
