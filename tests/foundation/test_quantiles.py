"""A distribution by its quantiles: against scipy, by hand, and what is refused."""

import gzip
import math

import numpy as np
import pytest
from scipy import integrate, stats

from sim.foundation import quantiles
from sim.foundation.errors import LabError
from sim.foundation.quantiles import BadCurveError, Curve

POINTS = [(0.1, 0.5), (0.5, 2.0), (0.9, 3.0), (0.99, 4.0), (0.999, 17.0)]


def at(curve: Curve, z: float) -> float:
    """The definition in plain Python: log-linear in z, its outer lines going on."""
    i = sum(one <= z for one in curve.z[1:-1])
    slope = (curve.log_s[i + 1] - curve.log_s[i]) / (curve.z[i + 1] - curve.z[i])
    value_s = math.exp(curve.log_s[i] + slope * (z - curve.z[i]))
    return min(max(value_s, curve.least_s), curve.most_s)


def test_two_quantiles_are_the_lognormal_through_them():
    law = stats.lognorm(np.log(10) / stats.norm.ppf(0.99), scale=3e-3)
    made = quantiles.of_names({"p50": 3e-3, "p99": 30e-3})
    assert made.mean_s() == pytest.approx(law.mean(), rel=1e-9)
    assert quantiles.median_s(made) == pytest.approx(3e-3, rel=1e-12)
    for q in (0.001, 0.3, 0.95, 0.9999):
        assert at(made, stats.norm.ppf(q)) == pytest.approx(law.ppf(q), rel=1e-9)


@pytest.mark.parametrize("least", [None, 1e-9, 0.3, 0.5])
@pytest.mark.parametrize("most", [None, 17.0, 40.0])
def test_the_mean_is_that_of_numerical_integration(least, most):
    points = [*([(0.0, least)] if least else []), *POINTS, *([(1.0, most)] if most else [])]
    made = quantiles.curve(points)
    bends = [z for z in (-3, -2, *made.z, 3.2, 3.3, 3.4, 3.5, 3.6, 4, 5)]
    expected = sum(
        integrate.quad(lambda z: at(made, z) * stats.norm.pdf(z), low, high, epsabs=1e-13)[0]
        for low, high in zip([-12, *bends], [*bends, 12], strict=True)
    )
    assert made.mean_s() == pytest.approx(expected, rel=1e-4 if most == 40.0 else 1e-6)


def test_a_level_piece_has_its_value_as_mean():
    made = quantiles.curve([(0.0, 1.0), (0.5, 2.0), (0.9, 2.0), (1.0, 9.0)])
    assert made.mean_s() == pytest.approx(2.0, rel=1e-12)


def test_the_median_lies_between_the_quantiles_around_it_and_within_the_bounds():
    made = quantiles.curve([(0.4, 1.0), (0.6, 4.0)])
    assert quantiles.median_s(made) == pytest.approx(2.0)
    below = quantiles.curve([(0.6, 4.0), (0.9, 16.0), (1.0, 20.0)])
    assert quantiles.median_s(below) == pytest.approx(at(below, 0.0))
    bounded = quantiles.curve([(0.0, 3.9), (0.6, 4.0), (0.9, 16.0)])
    assert quantiles.median_s(bounded) == 3.9


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("p50", 0.5), ("p99.9", 0.999), ("p0.01", 0.0001), ("p05", 0.05), ("min", 0.0),
        ("max", 1.0), ("p0", None), ("p100", None), ("p100.5", None), ("50", None), ("p", None),
        ("p-5", None), ("P50", None), ("p5e1", None), ("mean", None),
    ],
)  # fmt: skip
def test_names_of_quantiles(name, share):
    assert quantiles.share_of(name) == share


@pytest.mark.parametrize(
    ("points", "where", "says"),
    [
        ([(0.5, 2.0)], None, "at least two quantiles"),
        ([(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)], None, "at least two quantiles"),
        ([], None, "at least two quantiles"),
        ([(0.5, 2.0), (0.5, 3.0)], 1, "quantiles must ascend"),
        ([(0.5, 2.0), (0.4, 3.0)], 1, "quantiles must ascend"),
        ([(0.5, 2.0), (0.9, 1.0)], 1, "must not fall"),
        ([(0.5, 0.0), (0.9, 1.0)], 0, "more than 0 and finite"),
        ([(0.5, 1.0), (0.9, math.inf)], 1, "more than 0 and finite"),
        ([(0.5, 1.0), (0.9, math.nan)], 1, "more than 0 and finite"),
        ([(0.5, 1.0), (1.2, 2.0)], 1, "no share of the whole"),
        ([(math.nan, 1.0), (0.9, 2.0)], 0, "no share of the whole"),
        ([(0.5, 1e-3), (0.51, 1.0)], 1, "rise too steeply"),
    ],
)
def test_what_is_no_distribution_is_refused(points, where, says):
    with pytest.raises(BadCurveError, match=says) as error:
        quantiles.curve(points)
    assert error.value.at == where


def test_a_steep_end_is_accepted_with_a_bound():
    made = quantiles.curve([(0.5, 1e-3), (0.51, 1.0), (1.0, 5.0)])
    assert made.far_s() == 5.0


def test_names_are_told_as_they_stand_in_the_file():
    with pytest.raises(BadCurveError, match="must not be less than p50") as error:
        quantiles.of_names({"p99": 1.0, "p50": 2.0})
    assert error.value.at == 0
    with pytest.raises(BadCurveError, match=r"is the same quantile as p99\.9") as error:
        quantiles.of_names({"p99.9": 1.0, "p50": 0.5, "p99.90": 1.0})
    assert error.value.at == 2
    with pytest.raises(BadCurveError, match=r"such as p50 or p99\.9, min or max, not 'q50'"):
        quantiles.of_names({"q50": 1.0, "p99": 2.0})


def write(folder, text, name="q.csv"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("percentile,ms\n0,500\n50,2000\n99,4000\n100,9000\n", "q.csv"),
        ("run,Quantile, s\na,0,0.5\na,0.5,2\n\na,0.99,4\na,1,9\n", "q.csv"),
        ("us,percentile\n500000,0\n2e6,50\n4e6,99\n9e6,100\n", "q.csv.gz"),
    ],
)
def test_a_file_of_quantiles(tmp_path, text, name):
    expected = quantiles.curve([(0.0, 0.5), (0.5, 2.0), (0.99, 4.0), (1.0, 9.0)])
    read = quantiles.read(write(tmp_path, text, name))
    assert (read.least_s, read.most_s) == (0.5, 9.0)
    np.testing.assert_allclose(read.z, expected.z, rtol=1e-12)
    np.testing.assert_allclose(read.log_s, expected.log_s, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"q.csv:1: expected a header"),
        ("percentile,minutes\n", r"q.csv:1: expected a header"),
        ("percentil,ms\n", r"q.csv:1: expected a header .*did you mean 'percentile'"),
        ("quantile,percentile,ms\n", r"q.csv:1: expected a header"),
        ("percentile,ms\n50,1\n99,x\n", r"q.csv:3: expected a number"),
        ("percentile,ms\n50,1\n99\n", r"q.csv:3: expected a number"),
        ("percentile,ms\n50,3\n\n99,2\n", r"q.csv:4: durations must not fall"),
        ("quantile,ms\n0.5,3\n99,4\n", r"q.csv:3: 99 is no share"),
        ("percentile,ms\n50,3\n", r"q.csv: give at least two"),
    ],
)
def test_a_file_that_holds_no_distribution(tmp_path, text, says):
    with pytest.raises(LabError, match=says):
        quantiles.read(write(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(LabError, match="no such file; expected a header"):
        quantiles.read(tmp_path / "none.csv")
    with pytest.raises(LabError, match="a folder, not a file"):
        quantiles.read(tmp_path)
    with pytest.raises(LabError, match="not a text file"):
        (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x80")
        quantiles.read(tmp_path / "b.csv")
    monkeypatch.setattr(quantiles, "MOST_ROWS", 3)
    with pytest.raises(LabError, match=r"q.csv:4: more than 3 rows"):
        quantiles.read(write(tmp_path, "percentile,ms\n10,1\n20,2\n30,3\n40,4\n"))
