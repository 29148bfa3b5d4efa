"""Messages that come in pieces are counted and sampled as if they came all at once."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.random_outcome import GRID, STEP_S, WHO, cases, made
from sim.engine.outcome import Fate
from sim.measure import sampled_messages
from sim.measure.fold import Fold


@dataclass
class Seen:
    """What had become of some messages at a time."""

    fate: np.ndarray
    done_s: np.ndarray
    effects: np.ndarray
    waits: None = None


def seen(case, low, stop, now_s):
    """Of the messages from ``low`` to before ``stop``, and how many of them are final."""
    done, fate = case.done[low:stop], case.fate[low:stop]
    open_ = (done > now_s) & ((fate == Fate.PROCESSED) | (fate == Fate.UNFINISHED))
    found = Seen(
        np.where(open_, Fate.UNFINISHED, fate).astype(np.uint8),
        np.where(open_, np.inf, done),
        np.where(open_, 0, case.effects[low:stop]).astype(np.uint16),
    )
    final = stop - low if not open_.any() else int(np.argmax(open_))
    return found, final


def taken_in_pieces(case, times_s):
    fold = Fold(case.messages, ["key"], np.arange(GRID) * STEP_S, case.n)
    low = 0
    for now_s in [*times_s, np.inf]:
        stop = int(np.searchsorted(case.created, now_s, side="right"))
        found, final = seen(case, low, stop, now_s)
        if now_s == np.inf:
            final = stop - low
        fold.add(case.messages.only(np.arange(low, stop)), found, final)
        low += final
    return fold


@settings(max_examples=200, deadline=None)
@given(cases(), st.lists(st.floats(0, 32), max_size=12), st.integers(1, 70))
def test_pieces_are_as_one(case, times_s, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampled_messages, "SAMPLE", most)
        fold = taken_in_pieces(case, sorted(times_s))
        whole = taken_in_pieces(case, [])
    np.testing.assert_equal(asdict(fold.counted(GRID)), asdict(whole.counted(GRID)))
    np.testing.assert_equal(asdict(whole.counted(GRID)), asdict(case.counted))
    pd.testing.assert_frame_equal(fold.sampled(WHO), whole.sampled(WHO), check_exact=True)


def test_the_end_of_the_grid_may_be_found_later():
    """Samples after the end of a run are cut off, and what fell into them counts as later."""
    messages = made([0.0, 1.0, 2.0], [0, 0, 0], 1)
    became = Seen(np.array([1, 1, 0], np.uint8), np.array([1.5, 1.2, np.inf]), np.array([1, 1, 0]))
    became.effects = became.effects.astype(np.uint16)
    fold = Fold(messages, ["key"], np.arange(GRID) * STEP_S, 3)
    fold.add(messages, became, 3)
    short = fold.counted(3)  # up to 1 s
    assert short.processed.tolist() == [0, 0, 0] and short.arrived.tolist() == [1, 1, 2]
    assert short.oldest_s.tolist() == [0.0, 0.5, 1.0]
    assert (short.violations_in_all, short.last_done_s) == (1, 1.5)
