"""When a backlog is gone: by hand, and how often the interval holds the truth."""

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
