"""When workers of a standard queue did not run."""

from math import inf

import numpy as np
import pytest

from sim.queue.sqs_standard_stops import Stops


def none_runs(stops, deaths=()):
    found = stops.none_runs(list(deaths))
    return list(zip(found.from_s.tolist(), found.until_s.tolist(), strict=True))


def test_nobody_runs_only_where_the_stops_of_all_meet():
    stops = Stops(2, 2)
    stops.ends(0, 3.0)
    stops.pauses(1, 5.0, 7.0)
    stops.starts(0, 6.0, 3.0)
    stops.cut(1, 9.0)
    assert none_runs(stops) == [(5.0, 6.0)]
    stops.ends(0, 10.0)
    stops.mended(1, 12.0)
    assert none_runs(stops) == [(5.0, 6.0), (10.0, 12.0)]


def test_what_has_no_end_yet_goes_on():
    stops = Stops(1, 1)
    stops.cut(0, 2.0)
    stops.cut(0, 3.0)
    assert none_runs(stops) == [(2.0, inf)]


def test_a_place_without_a_process_does_not_run():
    stops = Stops(2, 1)
    stops.ends(0, 1.0)
    assert none_runs(stops) == [(1.0, inf)]
    stops.starts(1, 4.0, inf)
    assert none_runs(stops) == [(1.0, 4.0)]
    assert stops.began_s == [0.0, 4.0]


def test_a_new_process_does_not_pause_with_the_one_before_it():
    stops = Stops(1, 1)
    stops.pauses(0, 1.0, 9.0)
    stops.ends(0, 2.0)
    stops.starts(0, 4.0, 2.0)
    assert none_runs(stops) == [(1.0, 4.0)]


def test_a_death_ends_with_the_next_process_whoever_starts_it():
    stops = Stops(1, 1)
    assert none_runs(stops, [(0, 1.0, 3.0)]) == [(1.0, 3.0)]
    stops.starts(0, 2.0, 1.0)
    assert none_runs(stops, [(0, 1.0, 3.0)]) == [(1.0, 2.0)]
    assert none_runs(stops, [(0, 1.0, inf), (0, 5.0, 6.0)]) == [(1.0, 2.0), (5.0, 6.0)]


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_counting_workers_at_each_time_says(seed):
    rng = np.random.default_rng(seed)
    stops, size = Stops(3, 3), 3
    stands = np.zeros((size, 100), bool)
    for w in range(size):
        for _ in range(6):
            from_s, until_s = sorted(rng.integers(0, 101, 2).tolist())
            stops.pauses(w, float(from_s), float(until_s))
            stands[w, from_s:until_s] = True
    found = stops.none_runs([]).before(np.arange(101.0))
    assert np.diff(found).tolist() == stands.all(axis=0).astype(float).tolist()


def test_time_without_a_process_or_paused_counts_once():
    stops = Stops(3, 2)
    stops.pauses(0, 1.0, 5.0)
    stops.ends(0, 3.0)
    stops.starts(0, 10.0, 3.0)
    stops.starts(2, 4.0, inf)
    assert stops.without_process_s(20.0, [(1, 18.0, inf)]) == 2.0 + 7.0 + 2.0
