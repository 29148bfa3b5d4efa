"""An evenly spaced sample of messages."""

from math import inf

import numpy as np
import pytest

from helpers.random_outcome import WHO, made, outcome
from sim.engine.outcome import Fate
from sim.measure.fold import Fold
from sim.measure.sampled_messages import SAMPLE


def messages_table(who, messages, order_by, group):
    fold = Fold(messages, order_by, group.gauges_t_s, len(messages))
    fold.add(messages, group, len(messages))
    return fold.sampled(who)


def test_a_row_says_what_became_of_a_message():
    group = outcome([Fate.PROCESSED, Fate.LOST_RETENTION], [2.5, inf], [3, 0])
    table = messages_table(WHO, made([0.0, 1.5], [0, 1], 2), ["key"], group)
    assert table.to_numpy().tolist() == [
        ["s", "g", 0, 0.0, "0", 2.5, 3, "processed"],
        ["s", "g", 1, 1.5, "1", inf, 0, "lost retention"],
    ]


@pytest.mark.parametrize("n", [0, SAMPLE - 1, SAMPLE, SAMPLE + 1, 10 * SAMPLE])
def test_it_is_evenly_spaced_over_all_messages(n):
    group = outcome(np.ones(n), np.ones(n), np.ones(n))
    rows = messages_table(WHO, made(np.zeros(n), np.zeros(n), 1), ["key"], group)["message"]
    assert len(rows) == (n if n <= SAMPLE else -(-n // -(-n // SAMPLE)))
    assert len(rows) <= SAMPLE and rows.diff().nunique() <= 1
