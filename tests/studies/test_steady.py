"""The steady state: which scenarios have one, and that the warm-up is not in its numbers."""

import numpy as np
import pandas as pd
import pytest

from helpers.traffic import scenario
from sim.studies.steady import BATCHES, is_steady, kept, steady, warm_up

ONE_RATE = {"profile": [{"for": "100 s", "rate": "1/s"}]}


def test_one_rate_without_faults_is_steady():
    assert is_steady(scenario(**{"workload.arrivals": ONE_RATE}))


@pytest.mark.parametrize(
    "arrivals",
    [
        {"profile": [{"for": "50 s", "rate": "1/s"}, {"for": "50 s", "rate": "2/s"}]},
        {"profile": [{"for": "100 s", "from": "1/s", "to": "2/s"}]},
        {"counts": {"interval": "50 s", "values": [60, 60]}},
    ],
)
def test_other_traffic_is_not(arrivals):
    assert not is_steady(scenario(**{"workload.arrivals": arrivals}))


def test_nor_is_what_a_fault_strikes():
    given = scenario(**{"workload.arrivals": ONE_RATE})
    struck = given.with_({"faults": [{"at": "50 s", "fault": "crash", "target": "*.*.0"}]})
    assert not is_steady(struck)


def test_a_rise_at_the_beginning_is_left_out():
    rng = np.random.default_rng(1)
    means = 10.0 + rng.normal(0.0, 0.5, BATCHES)
    means[:40] = np.linspace(0.0, 10.0, 40)
    assert 35 <= warm_up(means) <= 42


def test_without_a_rise_nothing_is_left_out():
    assert warm_up(np.full(BATCHES, 3.0)) == 0


def test_what_rises_all_the_time_has_no_steady_state():
    assert warm_up(1.0 * np.arange(BATCHES)) is None


def test_mser_is_what_its_definition_says():
    """The squared standard error of the mean of the rest, for each number left out."""
    means = np.random.default_rng(2).exponential(1.0, 60)
    means[:9] += 5.0
    error = [np.var(means[d:]) / means[d:].size for d in range(31)]
    assert warm_up(means) == int(np.argmin(error))


def samples(latencies):
    """One message a second of each run."""
    return pd.concat(
        pd.DataFrame(
            {
                "system": "a",
                "group": "g",
                "created_s": np.arange(len(of), dtype=float),
                "latency_s": of,
                "point": point,
            }
        )
        for point, of in enumerate(latencies)
    )


def test_all_runs_leave_out_the_same_and_each_has_its_own_numbers():
    runs = np.ones((2, 800))
    runs[1] = 3.0
    runs[:, :80] = 0.0
    found = steady(samples(runs), 800.0)
    assert found["warm_up_s"].tolist() == [80.0, 80.0]
    assert found["steady_mean_s"].tolist() == [1.0, 3.0]
    assert found["steady_p99_s"].tolist() == [1.0, 3.0]


def test_runs_that_settle_nowhere_have_no_numbers():
    found = steady(samples([np.arange(800.0)]), 800.0)
    assert found[["warm_up_s", "steady_mean_s", "steady_p50_s"]].isna().all(axis=None)


def test_what_was_never_processed_has_no_latency():
    rows = {"system": "a", "group": "g", "created_s": [1.0, 2.0], "done_s": [1.5, np.inf]}
    assert kept(pd.DataFrame(rows))["latency_s"].tolist() == [0.5]
