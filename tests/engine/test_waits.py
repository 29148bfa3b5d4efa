"""What a message waited for: the parts and the arithmetic of stretches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.waits import Stretches, TimePart


def test_every_part_has_words_of_its_own():
    labels = [part.label for part in TimePart]
    assert len(set(labels)) == len(labels) == 15


def test_stretches_that_overlap_or_touch_are_one():
    stretches = Stretches.of([(5.0, 7.0), (1.0, 2.0), (6.0, 9.0), (2.0, 3.0), (4.0, 4.0)])
    times = np.array([0.0, 1.5, 3.0, 5.0, 8.0, 20.0])
    assert stretches.before(times).tolist() == [0.0, 0.5, 2.0, 2.0, 5.0, 6.0]


def test_a_stretch_may_have_no_end():
    assert Stretches.of([(1.0, np.inf)]).before(np.array([0.0, 4.0])).tolist() == [0.0, 3.0]


def test_nothing_lies_before_any_time_where_there_are_none():
    assert Stretches.of([]).before(np.array([3.0])).tolist() == [0.0]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8),
    st.integers(0, 45),
)
def test_they_measure_what_counting_seconds_measures(pairs, until):
    counted = sum(any(a <= second < b for a, b in pairs) for second in range(until))
    stretches = Stretches.of([(float(a), float(b)) for a, b in pairs])
    assert stretches.before(np.array([float(until)])).tolist() == pytest.approx([counted])
