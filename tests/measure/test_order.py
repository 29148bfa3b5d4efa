"""Messages processed after a later one of their key, by every pair of messages."""

from dataclasses import replace
from math import isnan

import numpy as np
from hypothesis import given, settings

from helpers.random_outcome import cases
from sim.measure.order import so_far, sums


@settings(max_examples=100, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    row = sums(case.counted)
    assert row["violations"] == sum(case.late)
    assert row["keys_violated"] == len(set(case.entity[np.array(case.late)]))


@settings(max_examples=10, deadline=None)
@given(cases())
def test_of_messages_without_a_key_nothing_is_said(case):
    counted = replace(case.counted, ordered=False)
    assert all(isnan(n) for n in sums(counted).values())
    assert np.isnan(so_far(counted)).all()
    assert so_far(counted).size == so_far(case.counted).size
    assert so_far(case.counted)[-1] == case.counted.violations.sum()
