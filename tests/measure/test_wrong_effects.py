"""What bugs spoilt and seeks put right."""

import numpy as np

from sim.engine.outcome import Effects
from sim.injection.replay import Replay
from sim.measure.wrong_effects import sums


def test_the_last_effect_of_a_message_decides():
    # 0 is spoilt for good, 1 is put right, 2 is spoilt by the second time, 3 never.
    history = Effects(np.array([1.0, 2, 3, 12, 13, 14]), np.array([0, 1, 3, 1, 2, 2], np.int32))
    replay = Replay(buggy_s=[(1.0, 2.5), (14.0, 15.0)], gone=7)
    assert sums(history, replay) == {
        "wrong_effects": 2, "righted_effects": 1, "unrecoverable": 7
    }  # fmt: skip


def test_without_a_bug_nothing_is_wrong():
    assert sums(None, Replay()) == {"wrong_effects": 0, "righted_effects": 0, "unrecoverable": 0}
