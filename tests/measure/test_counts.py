"""The pass over a group's messages: conservation, and compiled as uncompiled."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings

from helpers.plain_kernel import plain
from helpers.random_outcome import STEP_S, cases, count, made, outcome
from sim.engine.outcome import Fate
from sim.measure import counts, counts_kernel


def test_conservation_is_asserted():
    messages = made([0.0, 1.0], [0, 0], 1)
    without_effect = outcome([Fate.PROCESSED, Fate.UNFINISHED], [np.inf, np.inf], [1, 0])
    with pytest.raises(AssertionError, match="conservation: processed without an effect"):
        count(messages, ["key"], without_effect)
    right = outcome([Fate.PROCESSED, Fate.UNFINISHED], [1.0, np.inf], [1, 0])
    assert count(messages, ["key"], right).fates[Fate.PROCESSED] == 1


@settings(max_examples=50, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    counted = case.counted
    finished = case.done[np.isfinite(case.done)]
    slots = np.ceil(finished / STEP_S).astype(int)
    expected = np.bincount(slots, minlength=counted.processed.size)
    assert counted.processed.tolist() == expected[: counted.processed.size].tolist()
    assert counted.last_done_s == finished.max(initial=0.0)
    assert counted.longest_latency_s == (case.done - case.created)[case.done < np.inf].max(
        initial=0.0
    )
    assert counted.extra_effects == (case.effects - 1).clip(0).sum()
    assert counted.violations_in_all == sum(case.late)


def test_who_is_done_with_a_later_one_is_not_late():
    messages = made([0.0, 1.0, 2.0], [0, 0, 0], 1)
    counted = count(messages, ["key"], outcome([Fate.PROCESSED] * 3, [5.0, 5.0, 4.5], [1] * 3))
    assert counted.violations_in_all == 2  # the first two, by the last
    counted = count(messages, ["key"], outcome([Fate.PROCESSED] * 3, [5.0, 5.0, 5.0], [1] * 3))
    assert (counted.violations_in_all, counted.keys_violated) == (0, 0)


def test_what_ends_after_the_last_grid_time_counts_in_the_sums_only():
    messages = made([0.0, 1.0], [0, 0], 1)
    counted = count(messages, ["key"], outcome([Fate.PROCESSED] * 2, [100.0, 99.0], [1, 1]))
    assert counted.violations.sum() == counted.processed.sum() == 0
    assert (counted.violations_in_all, counted.keys_violated) == (1, 1)
    assert counted.last_done_s == 100.0


@settings(max_examples=10, deadline=None)
@given(cases())
def test_the_compiler_changes_nothing(case):
    compiled = asdict(case.counted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "k", plain(counts_kernel))
        np.testing.assert_equal(asdict(case.counted), compiled)
