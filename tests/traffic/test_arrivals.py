"""When messages come: profiles, counts and traces."""

import gzip

import numpy as np
import pytest
from scipy import stats

from helpers.traffic import scenario
from sim.foundation.errors import LabError
from sim.traffic.arrivals import draw, expected
from sim.traffic.generate import generate


def profile(*segments, duration):
    return scenario(**{"workload.arrivals.profile": list(segments), "duration": duration})


def test_a_profile_without_dispersion_is_poisson():
    created = generate(scenario()).created_s
    assert (np.diff(created) >= 0).all()
    assert abs(created.size - 50_000) < 4 * np.sqrt(50_000)
    gaps = np.diff(created)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 500)).pvalue > 1e-3
    per_second = np.bincount(created.astype(int), minlength=100)
    assert 0.6 < per_second.var() / per_second.mean() < 1.6


@pytest.mark.parametrize("rate", ["50/s", "2_000/s"])
def test_dispersion_is_the_variance_to_mean_ratio_of_counts_per_second(rate):
    s = profile({"for": "2000 s", "rate": rate}, duration="2000 s")
    created = generate(s.with_({"workload.arrivals.dispersion": 1.5})).created_s
    per_second = np.bincount(created.astype(int), minlength=2_000)
    # The ratio's standard error is about ratio * sqrt(2 / 2000) = 0.05.
    assert per_second.var() / per_second.mean() == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize(
    ("segment", "rate_at"),
    [
        ({"for": "60 s", "from": "100/s", "to": "1000/s"}, lambda t: 100 + 15 * t),
        (
            {
                "for": "60 s",
                "spike": {
                    "base": "100/s", "peak": "2000/s", "rise": "5 s", "decay": "10 s", "at": "20 s"
                },
            },
            lambda t: 100
            + 1900 * np.where(t < 20, np.clip((t - 15) / 5, 0, 1), np.exp(-(t - 20) / 10)),
        ),
        (
            {"for": "60 s", "sine": {"mean": "500/s", "amplitude": "400/s", "period": "20 s"}},
            lambda t: 500 + 400 * np.sin(2 * np.pi * t / 20),
        ),
    ],
)  # fmt: skip
def test_the_shape_of_a_segment(segment, rate_at):
    s = profile(segment, duration="60 s").with_({"workload.arrivals.multiply": 20})
    created = generate(s).created_s
    fine = (np.arange(60_000) + 0.5) / 1_000
    expected = 20 * rate_at(fine).reshape(60, 1_000).mean(axis=1)
    counts = np.bincount(created.astype(int), minlength=60)
    assert stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue > 1e-4
    assert abs(counts.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())


def test_counts_keep_their_totals_at_any_scale():
    values = [100, 0, 7, 50]
    s = scenario(
        **{"workload.arrivals.counts": {"values": values, "interval": "25 s"}, "duration": 100}
    )
    for dispersion in (1.0, 2.0):
        created = generate(s.with_({"workload.arrivals.dispersion": dispersion})).created_s
        assert np.histogram(created, [0, 25, 50, 75, 100])[0].tolist() == values
    thirds = generate(s.with_(scale=1 / 3)).created_s
    assert np.histogram(thirds, [0, 25, 50, 75, 100])[0].tolist() == [33, 0, 3, 16]


def trace_file(folder, text):
    path = folder / "trace.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(text)
    return str(path)


def test_a_trace_is_cropped_and_its_missing_rows_are_nothing(tmp_path):
    path = trace_file(
        tmp_path,
        "t,bytes,n\n2020-01-01 00:00,9,5\n2020-01-01 00:01,9,6\n2020-01-01 00:03,9,8\n",
    )
    s = scenario(**{"workload.arrivals.trace": {"path": path, "column": "n"}})
    m = generate(s)
    assert m.duration_s == 240
    assert np.histogram(m.created_s, [0, 60, 120, 180, 240])[0].tolist() == [5, 6, 0, 8]
    later = s.with_({"workload.arrivals.trace.start": "2020-01-01 00:01"})
    assert np.histogram(generate(later).created_s, [0, 60, 120, 180])[0].tolist() == [6, 0, 8]
    assert len(generate(s.with_({"workload.arrivals.trace.end": "2020-01-01 00:02"}))) == 11


_YEARS = "26280 h"


def test_three_years_have_no_cell_a_second():
    s = profile({"for": _YEARS, "rate": "1/h"}, duration=_YEARS)
    cells = draw(s, np.random.default_rng(1))
    assert cells.counts.sum() == pytest.approx(26_280, abs=4 * 162)
    assert cells.counts.size < 2 * cells.counts.sum() + 2
    assert cells.edges_s[[0, -1]].tolist() == [0.0, 26_280 * 3_600.0]
    assert (np.diff(cells.edges_s)[cells.counts > 0] == 1.0).all()
    created = generate(s).created_s
    assert stats.kstest(np.diff(created), "expon", args=(0, 3_600)).pvalue > 1e-3


def test_a_short_burst_within_years_keeps_its_seconds():
    s = profile(
        {"for": "20000 h", "rate": 0},
        {"for": "4 s", "from": "0/s", "to": "4000/s"},
        {"for": "26280 h", "rate": 0},
        duration=46_280 * 3_600 + 4,
    )
    seconds, counts = np.unique(np.floor(generate(s).created_s), return_counts=True)
    assert seconds.tolist() == [72_000_000.0 + i for i in range(4)]
    assert stats.chisquare(counts, np.array([1, 3, 5, 7]) / 16 * counts.sum()).pvalue > 1e-3


def test_dispersion_over_years_is_of_counts_per_second():
    s = profile({"for": _YEARS, "rate": "20/h"}, duration=_YEARS)
    s = s.with_({"workload.arrivals.dispersion": 3.0})
    cells = draw(s, np.random.default_rng(1))
    n = cells.counts.astype(np.float64)
    mean = n.sum() / (26_280 * 3_600)
    variance = (n**2).sum() / (26_280 * 3_600) - mean**2
    assert variance / mean == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("dispersion", [1.0, 2.0])
def test_long_counts_keep_their_totals(dispersion):
    s = scenario(
        **{
            "workload.arrivals.counts": {"values": [100, 0, 7, 50], "interval": "40 d"},
            "duration": "160 d",
        }
    ).with_({"workload.arrivals.dispersion": dispersion})
    created = generate(s).created_s
    edges = np.arange(5) * 40 * 86_400
    assert np.histogram(created, edges)[0].tolist() == [100, 0, 7, 50]
    assert generate(s).duration_s == 160 * 86_400


@pytest.mark.parametrize("dispersion", [1.0, 2.0])
def test_a_trace_with_a_gap_of_years_is_as_small_as_its_rows(tmp_path, dispersion):
    path = trace_file(
        tmp_path,
        "t,n\n2020-01-01 00:00:00,5\n2020-01-01 00:00:01,6\n2023-01-01 00:00:00,8\n",
    )
    s = scenario(**{"workload.arrivals.trace": path}).with_(
        {"workload.arrivals.dispersion": dispersion}
    )
    cells = draw(s, np.random.default_rng(1))
    gap_s = 1_096 * 86_400
    assert cells.counts.tolist() == [5, 6, 0, 8]
    assert cells.edges_s.tolist() == [0, 1, 2, gap_s, gap_s + 1]
    assert expected(s) == (19.0, 8.0)


def test_intervals_too_short_for_the_length_of_a_trace_are_refused(tmp_path):
    path = trace_file(tmp_path, "t,n\n2020-01-01,5\n2023-01-01,8\n")
    s = scenario(**{"workload.arrivals.trace": {"path": path, "interval": 1e-9}})
    with pytest.raises(LabError, match="longer `interval`"):
        generate(s)


def test_what_to_expect_of_a_profile():
    assert expected(scenario()) == pytest.approx((50_000, 500))
    years = profile({"for": _YEARS, "rate": "1/h"}, duration=_YEARS)
    assert expected(years) == pytest.approx((26_280, 1 / 3_600))
