"""Messages processed after a later one of their key, by every pair of messages."""

import numpy as np
from hypothesis import given, settings

from helpers.random_outcome import cases
from sim.measure.order import sums


@settings(max_examples=100, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    row = sums(case.counted)
    assert row["violations"] == sum(case.late)
    assert row["keys_violated"] == len(set(case.entity[np.array(case.late)]))
