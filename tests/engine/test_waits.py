"""What a message waited for: the parts and the arithmetic of stretches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.waits import SentOnly, Stretches, TimePart, Unsplit


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


def test_a_way_of_which_nothing_more_is_known_is_all_sending():
    parts_s = Unsplit(np.array([0.0, 1.0, 2.0])).sent_parts_s(1, 3, np.array([1.25, 4.0]))
    assert parts_s.shape == (len(TimePart), 2)
    assert parts_s[TimePart.SEND].tolist() == [0.25, 2.0]
    assert parts_s.sum() == 2.25


def test_some_messages_numbered_anew_are_split_as_they_were():
    whole = Unsplit(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    some = SentOnly(whole, np.array([0, 3, 4], np.int32))
    parts_s = some.sent_parts_s(1, 3, np.array([3.5, 5.0]))
    assert parts_s[TimePart.SEND].tolist() == [0.5, 1.0]
    assert some.sent_parts_s(1, 1, np.zeros(0)).shape == (len(TimePart), 0)
