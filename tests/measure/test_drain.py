"""How long after the last arrival everything was done."""

from math import inf

import numpy as np

from sim.measure.drain import sums

T_S = np.arange(0.0, 61.0, 10.0)


def test_it_counts_from_the_end_of_arrivals_to_the_last_that_was_processed():
    assert sums(T_S, 52.5, 0, duration_s=40.0) == {"drain_s": 12.5, "watched_s": 20.0}


def test_what_is_done_before_arrivals_end_needs_no_time():
    assert sums(T_S, 39.0, 0, duration_s=100.0) == {"drain_s": 0.0, "watched_s": 0.0}


def test_one_that_is_left_never_drains():
    assert sums(T_S, 52.5, 1, duration_s=40.0)["drain_s"] == inf
