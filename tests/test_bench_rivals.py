"""Each rival simulates the queue it is timed on (`tests/tools/bench_rivals.py`)."""

import csv
import statistics
from pathlib import Path

import pytest

from tools import bench_rivals
from tools.bench_rivals import JOBS, RIVALS, Job, Measured

ROWS = list(csv.DictReader((Path(__file__).parent / "data" / "theory_reference.csv").open()))


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
@pytest.mark.parametrize("name", RIVALS)
def test_given_customers_wait_as_they_should_and_drawn_ones_as_theory_has_it(name, job):
    rival = RIVALS[name]
    if lacks := rival.lacks():
        pytest.skip(lacks)
    if not rival.can(job):
        pytest.skip("there is none for several servers")
    found = bench_rivals.measured_apart(name, job, seconds=1.0, customers=50_000)
    assert found.exact
    assert found.customers == [50_000] * bench_rivals.REPEATS
    assert found.right(job), found.off(job)
    assert len(found.rates) == len(found.waits_s) == bench_rivals.REPEATS
    assert min(found.rates) > 0


def test_as_many_customers_are_served_as_take_the_time_but_never_too_few_to_wait():
    asked = []

    def serve(customers):
        asked.append(customers)
        return customers / 1e5

    assert bench_rivals._customers_in(2.0, serve) == pytest.approx(220_000, abs=1)
    assert asked == [400, 1_600, 6_400, 25_600]
    assert bench_rivals._customers_in(0.01, serve) == bench_rivals.FEWEST
    assert bench_rivals._customers_in(1e9, serve) == bench_rivals.MOST


def test_of_three_given_customers_the_second_and_the_third_wait(monkeypatch):
    gaps_s, work_s = [1.0, 0.5, 0.25, 9.0], [2.0, 1.0, 1.0, 1.0]
    monkeypatch.setattr(bench_rivals, "given", lambda servers: (gaps_s, work_s))
    monkeypatch.setattr(bench_rivals, "GIVEN", 4)
    # One server: from 1 to 3, 3 to 4 (waits 1.5), 4 to 5 (2.25). Two: only the third waits, 0.75.
    assert bench_rivals.wait_of_given_by_hand(1) == 3.75 / 4
    assert bench_rivals.wait_of_given_by_hand(2) == 0.75 / 4
    assert bench_rivals.wait_of_given(RIVALS["departures"], 2) == 0.75 / 4


def test_theory_is_that_of_the_reference():
    rows = [r for r in ROWS if r["model"] in ("M/M/1", "M/M/c") and r["quantity"] == "Wq"]
    assert len(rows) >= 10
    for row in rows:
        wait_s = Job(int(row["servers"]), float(row["rho"])).mean_wait_s()
        assert wait_s == pytest.approx(float(row["value_in_units_of_mean_service"]), rel=1e-6)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_mean_waits_scatter_as_their_error_says(job):
    """A tenth less, since theory's error is that of an average over time."""
    loop, n = RIVALS["departures"], 20_000
    if lacks := loop.lacks():
        pytest.skip(lacks)
    waits_s = [loop.serve(*loop.drawn(job, n, seed), job.servers, n)() for seed in range(400)]
    scatter = statistics.stdev(waits_s) / job.mean_wait_s()
    assert 0.75 < scatter / job.error(n) < 1.05
    assert statistics.fmean(waits_s) == pytest.approx(job.mean_wait_s(), rel=0.05)


def measured(rate, wait_s, exact=True):
    return Measured(exact, 0.5, [10**9] * 5, [rate] * 5, [wait_s] * 5)


def test_the_table_says_how_many_times_as_fast_the_lab_is_and_what_is_wrong():
    job = JOBS[0]
    found = {
        "lab": measured(8e6, 4.0),
        "simpy": measured(2e5, 4.02),
        "ciw": measured(1e5, 4.08),
        "salabim": measured(1e4, 4.0, exact=False),
    }
    title, lab, simpy, ciw, salabim = bench_rivals.table(job, found)
    assert title == "M/M/1, rho 0.8, mean wait 4 s by theory"
    assert "median   8.0000" in lab and "lab is    1.00 times as fast" in lab
    assert "lab is   40.00 times as fast" in simpy and "wait +0.50%" in simpy
    wrong = [line.endswith("  WRONG") for line in (lab, simpy, ciw, salabim)]
    assert wrong == [False, False, True, True]


def test_a_rival_that_is_not_there_is_named_and_a_wrong_one_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr(RIVALS["ciw"], "module", "no_such_module")
    monkeypatch.setattr(
        bench_rivals,
        "measured_apart",
        lambda name, job, seconds, customers: measured(1e6, job.mean_wait_s()),
    )
    assert bench_rivals.main(["--only", "lab", "ciw"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Ciw: left out, no_such_module is not installed: pip install -e .[bench]"
    assert len(said) == 2 + 2 * 2
    monkeypatch.setattr(
        bench_rivals, "measured_apart", lambda name, job, seconds, customers: measured(1e6, 1.0)
    )
    assert bench_rivals.main(["--only", "lab"]) == 1
