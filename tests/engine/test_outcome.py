"""What a group made of the messages: the hand-over from the stages to the tables."""

import numpy as np
import pytest

from sim.engine.outcome import Effects, Fate, GroupOutcome, Some
from sim.engine.waits import TimePart


@pytest.mark.parametrize(
    ("fate", "lost", "label", "place"),
    [
        (Fate.UNFINISHED, False, "unfinished", ""),
        (Fate.PROCESSED, False, "processed", ""),
        (Fate.DEAD_LETTERED, False, "dead-lettered", ""),
        (Fate.LOST_PRODUCER_BUFFER, True, "lost producer buffer", "producer buffer"),
        (Fate.LOST_OFFSET_RESET, True, "lost offset reset", "offset reset"),
    ],
)
def test_a_fate_says_whether_and_where_a_message_was_lost(fate, lost, label, place):
    assert (fate.lost, fate.label, fate.place) == (lost, label, place)


def test_codes_of_fates_are_stored_and_so_stay_what_they_are():
    assert [fate.name for fate in Fate][2:4] == ["DEAD_LETTERED", "LOST_PRODUCER_BUFFER"]
    assert [int(fate) for fate in Fate] == list(range(11))


def test_first_and_repeated_effects_are_merged_in_order_of_time_the_first_before_its_repeat():
    done_s = np.array([3.0, np.inf, 1.0])
    found = Effects.of(
        done_s, np.array([0, 1, 2], np.int32), np.array([3.0, 2.0]), np.array([2, 0], np.int32)
    )
    assert found.at_s.tolist() == [1.0, 2.0, 3.0, 3.0]
    assert found.message.tolist() == [2, 0, 0, 2]


def outcome(**changes):
    given = {
        "system": "s", "group": "g", "kind": "log", "product": "kafka",
        "fate": np.array([1, 1, 6, 0], np.uint8), "done_s": np.array([1.0, 2.0, np.inf, np.inf]),
        "effects": np.array([1, 2, 0, 0], np.uint16), "extra_deliveries": 1,
        "gauges_t_s": np.zeros(1), "gauges": {}, "history": None, "consumers": 1,
        "deliveries": 3, "calls": 2,
    }  # fmt: skip
    return GroupOutcome(**{**given, **changes})


def test_of_a_group_that_wants_some_messages_only_those_count_numbered_anew():
    history = Effects(np.array([1.0, 2.0, 5.0]), np.array([0, 1, 1], np.int32))
    rows = np.array([1, 3], np.int32)
    some = outcome(history=history).only(rows)
    assert some.fate.tolist() == [1, 0] and some.effects.tolist() == [2, 0]
    assert some.done_s.tolist() == [2.0, np.inf] and some.rows is rows
    assert some.history.at_s.tolist() == [2.0, 5.0]
    assert some.history.message.tolist() == [0, 0]
    assert outcome().only(rows).history is None


class _Numbered:
    """Waits whose parts are the numbers of the messages; notes how many it was asked for."""

    most = 0

    def parts_s(self, first, last):
        self.most = max(self.most, last - first)
        return np.tile(np.arange(first, last, dtype=float), (len(TimePart), 1))


@pytest.mark.parametrize("rows", [[], [3], [0, 1, 2, 500], [5, 70_000, 135_535, 135_536, 999_999]])
def test_what_some_messages_waited_for_is_asked_of_all_in_pieces(rows):
    whole = _Numbered()
    some = Some(whole, np.array(rows, np.int32))
    for first, last in ((0, len(rows)), (1, len(rows)), (0, 1)):
        parts_s = some.parts_s(first, last)
        assert parts_s.shape == (len(TimePart), len(rows[first:last]))
        assert parts_s[3].tolist() == rows[first:last]
    assert whole.most <= 1 << 16
