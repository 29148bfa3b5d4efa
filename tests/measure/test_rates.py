"""How fast a group is while a backlog stands, against plain counting and against theory."""

from math import isnan

import numpy as np
import pytest

from helpers.offsets import offsets_of
from helpers.random_outcome import GRID, STEP_S, outcome
from sim.measure.counts import Counted
from sim.measure.lag import Lag
from sim.measure.rates import BATCHES, interval, sums


def counted_of(done):
    """Counts of which only what was processed in each step is known."""
    processed = np.asarray(done, np.int64)
    nothing = np.zeros(processed.size, np.int64)
    return Counted({}, nothing, processed, nothing, 0, 0, nothing * 0.0, nothing, 0.0, 0, 0.0)


def of_queue(ready, done, consumers):
    group = outcome([], [], [], kind="queue", consumers=consumers)
    ready = np.asarray(ready, float)
    nothing = np.zeros(ready.size)
    waiting = Lag(ready.astype(np.int64), ready, nothing, nothing * np.nan, nothing)
    return sums(np.arange(ready.size) * STEP_S, group, waiting, counted_of(done))


def of_log(end, position, done, consumers):
    end, position = np.asarray(end), np.asarray(position)
    offsets = offsets_of(end, position, end * 0.0, position=position)
    group = outcome([], [], [], consumers=consumers, offsets=offsets)
    nothing = np.zeros(len(end))
    waiting = Lag(nothing.astype(np.int64), nothing, nothing, nothing, nothing)
    return sums(np.arange(len(end)) * STEP_S, group, waiting, counted_of(done))


def test_of_a_queue_the_steps_count_in_which_more_wait_than_there_are_consumers():
    #       step:   1   2   3   4   5   6
    ready = [0, 9, 30, 25, 20, 2, 0]
    done = [0, 4, 3, 8, 6, 7, 2]
    found = of_queue(ready, done, consumers=3)
    # Step 1 begins with none, steps 5 and 6 end with fewer than three.
    assert found["rate_over_s"] == 3 * STEP_S
    assert found["rate_per_s"] == (3 + 8 + 6) / (3 * STEP_S)
    assert found["rate_low_per_s"] < found["rate_per_s"] < found["rate_high_per_s"]


def test_a_step_in_which_the_queue_may_have_run_empty_does_not_count():
    assert of_queue([40, 40], [0, 40], consumers=3)["rate_per_s"] == 40 / STEP_S
    found = of_queue([40, 40], [0, 41], consumers=3)
    assert isnan(found["rate_per_s"]) and found["rate_over_s"] == 0
    # As many as consumers: each may have had one, and none wait.
    assert of_queue([3, 40, 40], [0, 1, 1], consumers=3)["rate_over_s"] == STEP_S


def test_of_a_log_as_many_partitions_as_consumers_must_have_something_left():
    end = [[10, 10, 10], [20, 20, 20], [30, 30, 30]]
    #                what was there at the start of the step is handed over at its end, or not
    one_left = [[0, 0, 0], [10, 9, 10], [19, 20, 20]]
    done = [0, 29, 30]
    assert of_log(end, one_left, done, consumers=1)["rate_over_s"] == 2 * STEP_S
    assert of_log(end, one_left, done, consumers=1)["rate_per_s"] == 59 / (2 * STEP_S)
    assert of_log(end, one_left, done, consumers=2)["rate_over_s"] == 0
    all_left = [[0, 0, 0], [9, 9, 9], [20, 19, 19]]
    # More consumers than partitions: those without one are not waited for.
    assert of_log(end, all_left, done, consumers=8)["rate_over_s"] == STEP_S
    assert of_log(end, all_left, done, consumers=2)["rate_over_s"] == 2 * STEP_S
    # No position yet: nobody reads it.
    none_yet = [[-1, -1, -1], [-1, -1, -1], [-1, -1, -1]]
    assert of_log(end, none_yet, done, consumers=1)["rate_over_s"] == 0


def test_of_a_log_of_which_the_partitions_are_not_known_no_rate_is():
    group = outcome([], [], [], consumers=1)
    nothing = np.zeros(GRID)
    waiting = Lag(nothing.astype(np.int64), nothing, nothing, nothing + 99, nothing)
    found = sums(group.gauges_t_s, group, waiting, counted_of(nothing + 1))
    assert isnan(found["rate_per_s"]) and found["rate_over_s"] == 0


def test_the_interval_is_students_over_batches_of_equally_many_steps():
    assert all(isnan(n) for n in interval(np.zeros(0, np.int64)))
    mean, low, high = interval(np.array([7]))
    assert mean == 7 and isnan(low) and isnan(high)
    # Of two values, half the difference is the standard error; t of one degree is 12.706.
    assert interval(np.array([140, 160])) == pytest.approx((150, 150 - 127.06, 150 + 127.06))
    assert interval(np.array([40, 60]))[1] == 0, "a rate is not below nothing"
    # 41 steps: 20 batches of two; the first step fills none, but counts in the mean.
    steps = np.array([100] + [1, 3] * BATCHES)
    mean, low, high = interval(steps)
    assert mean == steps.mean() and low == high == mean
    # Successive steps that take turns at much and little are one batch each time: no false spread.
    three = np.array([8, 10, 12])
    half = 4.303 * 2 / np.sqrt(3)
    assert interval(three) == pytest.approx((10, 10 - half, 10 + half))


def test_the_interval_holds_the_true_rate_as_often_as_it_says():
    """Eight servers that are never idle, exponential work: 4.72 a second, as in the field."""
    rng = np.random.default_rng(11)
    rate, step_s, held, trials = 8 / 1.696, 6.0, 0, 400
    for _ in range(trials):
        mean, low, high = interval(rng.poisson(rate * step_s, 600))
        assert mean / step_s == pytest.approx(rate, rel=0.08)
        held += low / step_s <= rate <= high / step_s
    # Binomial with p = 0.95: 380 of 400, and 4.4 is its standard deviation.
    assert 380 - 3 * 4.4 < held < 380 + 3 * 4.4
