"""What a message waited for: the parts and the arithmetic of stretches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine.waits import (
    BLOCK,
    ENOUGH,
    SPAN,
    SentOnly,
    SplitRows,
    Stretches,
    TimePart,
    Unsplit,
    of_rows,
    sent_of_rows,
)


def test_every_part_has_words_of_its_own():
    labels = [part.label for part in TimePart]
    assert len(set(labels)) == len(labels) == 17


def test_stretches_that_overlap_or_touch_are_one():
    stretches = Stretches.of([(5.0, 7.0), (1.0, 2.0), (6.0, 9.0), (2.0, 3.0), (4.0, 4.0)])
    times = np.array([0.0, 1.5, 3.0, 5.0, 8.0, 20.0])
    assert stretches.before(times).tolist() == [0.0, 0.5, 2.0, 2.0, 5.0, 6.0]


def test_a_stretch_may_have_no_end():
    assert Stretches.of([(1.0, np.inf)]).before(np.array([0.0, 4.0])).tolist() == [0.0, 3.0]


def test_nothing_lies_before_any_time_where_there_are_none():
    assert Stretches.of([]).before(np.array([3.0])).tolist() == [0.0]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=25),
    st.lists(st.integers(-1, 45), max_size=40),
)
def test_they_measure_what_counting_seconds_measures(pairs, times):
    counted = [sum(any(a <= s < b for a, b in pairs) for s in range(until)) for until in times]
    stretches = Stretches.of([(float(a), float(b)) for a, b in pairs])
    assert stretches.before(np.array(times, float)).tolist() == counted


def test_many_stretches_between_two_times_are_passed_at_once():
    """More of them than are looked at one by one, forwards and backwards."""
    stretches = Stretches.of([(2.0 * i, 2.0 * i + 1) for i in range(100)])
    times = np.array([1.0, 150.5, 151.0, 3.5, 199.0, 8.5, -1.0, 1e9])
    assert stretches.before(times).tolist() == [1.0, 75.5, 76.0, 2.0, 100.0, 4.5, 0.0, 100.0]


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


@given(st.lists(st.integers(0, 3 * SPAN), max_size=30))
def test_rows_in_any_order_are_asked_for_in_short_stretches(rows):
    asked = []

    def parts_s(first, last):
        asked.append(last - first)
        return np.tile(np.arange(first, last, dtype=float), (len(TimePart), 1))

    found = of_rows(parts_s, np.array(rows, np.int32))
    assert found.shape == (len(TimePart), len(rows))
    assert found[3].tolist() == rows
    assert all(messages <= SPAN for messages in asked) and len(asked) <= 4


@given(st.lists(st.integers(0, 3 * SPAN), max_size=30))
def test_each_of_several_records_of_a_message_has_its_own_time(rows):
    created_s = np.arange(3 * SPAN + 1) / 8.0
    entered_s = created_s[rows] + np.arange(len(rows)) + 0.5
    parts_s = sent_of_rows(Unsplit(created_s), np.array(rows, np.int32), entered_s)
    assert parts_s[TimePart.SEND].tolist() == [at + 0.5 for at in range(len(rows))]


def test_it_does_not_matter_which_time_was_asked_for_before():
    stretches = Stretches.of([(2.0 * i, 2.0 * i + 1) for i in range(12)])
    times = np.arange(-1.0, 26.0, 0.5)
    alone = [stretches.before(np.array([at])).item() for at in times]
    for first in times:
        pairs = np.column_stack([np.full(times.size, first), times]).ravel()
        assert stretches.before(pairs)[1::2].tolist() == alone


def test_of_many_messages_the_rows_of_split_ones_stay_where_they_are_when_some_are_forgotten():
    total = 3 * ENOUGH
    assert SplitRows(total, 0, total).every == 3
    all_rows = SplitRows(total, 0, total)
    split = [m for m in range(0, 10 * BLOCK, 1000) if m // BLOCK % 3 == 0]
    assert all_rows.start[:7].tolist() == [0, -1, -1, BLOCK, -1, -1, 2 * BLOCK]
    for gone in (0, 5, BLOCK, BLOCK + 7, 3 * BLOCK + 9, 4 * BLOCK):
        left = SplitRows(total, gone, total - gone)
        for message in (m for m in split if m >= gone):
            row = all_rows.rows_of(message, message + 1).start
            assert left.rows_of(message - gone, message - gone + 1).start == row - left.row_0
    with pytest.raises(AssertionError, match="is not noted"):
        all_rows.rows_of(BLOCK, BLOCK + 1)
    with pytest.raises(AssertionError, match="several blocks"):
        all_rows.rows_of(BLOCK - 5, BLOCK + 5)


def test_of_few_messages_all_are_split():
    assert SplitRows(100_000, 20_000, 80_000).rows_of(0, 80_000).stop == 80_000 + 20_000 % BLOCK
