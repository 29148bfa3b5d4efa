"""Records on which a handler fails (KC-18)."""

import numpy as np
import pytest

from helpers.group_lab import Lab
from sim.engine.outcome import Fate
from sim.log import group_state as k
from sim.log.fates import unread


def fates(lab):
    """What became of messages without an effect."""
    rows = unread(lab.group)
    assert rows is not None
    rows = lab.topic.to_messages(rows, 255)
    return {m: Fate(rows[m]) for m, effects in enumerate(lab.effects()) if not effects}


def test_KC_18_a_poisonous_record_blocks_its_partition_and_no_other():
    # Record 1 fails at 2 and is tried again for ever; partition 1 of the same consumer goes on.
    lab = Lab(
        np.zeros(6), [0, 0, 0, 1, 1, 1], 1.0, members=1,
        bad=[(1, False)], on_failure={"backoff": 2.0}, max_poll_records=2,
    )  # fmt: skip
    lab.run(60.0)
    assert lab.effects() == [1, 0, 0, 1, 1, 1]
    assert lab.committed() == [1, 3]
    assert lab.group.settled() == 4


@pytest.mark.parametrize(
    ("then", "fate"), [("skip", Fate.LOST_REJECTED), ("dead-letter", Fate.DEAD_LETTERED)]
)
def test_KC_18_a_poisonous_record_is_given_up_after_its_attempts(then, fate):
    # 1 s of work, failed at 2; 2 s of waiting and 1 s of work, failed at 5 and given up; 2 at 6.
    lab = Lab(
        np.zeros(3), np.zeros(3), 1.0, members=1,
        bad=[(1, False)], on_failure={"attempts": 2, "backoff": 2.0, "then": then},
    )  # fmt: skip
    np.testing.assert_allclose(lab.run(60.0), [1.0, np.inf, 6.0])
    assert lab.said[0][0] == 5.0
    assert fates(lab) == {1: fate}
    assert lab.committed() == [3, 0]


def test_KC_18_a_program_that_stops_at_a_poisonous_record_leaves_it_to_the_others_who_stop_too():
    lab = Lab(
        np.zeros(3), np.ones(3), 1.0, bad=[(1, False)], on_failure={"attempts": 1, "then": "stop"}
    )
    lab.run(60.0)
    assert [lab.coordinator.alive(m) for m in range(2)] == [False, False]
    assert lab.effects() == [1, 0, 0]
    assert [text for _, text in lab.said if "stopped" in text] == [
        "consumer 1 stopped at a record", "consumer 0 stopped at a record"
    ]  # fmt: skip


def test_KC_18_a_record_that_kills_kills_whoever_gets_it():
    # Killed at 2 and heard at 1; back at 7, it waits with the other one for the session's end at
    # 46. Assigned anew at 49, it is killed at 51 (what it had done was not committed).
    lab = Lab(np.zeros(3), np.ones(3), 1.0, bad=[(1, True)])
    lab.run(60.0)
    assert lab.said[0] == (2.0, "consumer 1 killed by a record")
    assert [t for t, text in lab.said if "killed" in text] == [2.0, 51.0]
    assert lab.effects()[1:] == [0, 0]


SKIPS = {
    # Record 6 is done at 21, and then: 0 at 24, 1 fails at 27, …, 5 at 39.
    "to an offset": (0, 0, [1, 5], [6.0, 18.0, 27.0, 39.0]),
    "to the beginning": (k.BEGINNING, 0, [1, 5], [6.0, 18.0, 27.0, 39.0]),
    # 4 is done at 24, and 5 fails for the second time at 27.
    "to a beginning that moved": (k.BEGINNING, 4, [2, 5, 8], [9.0, 18.0, 27.0, 36.0]),
    # 22 is there at 22; 25 fails at 34.
    "to the end": (k.END, 0, [8, 25], [34.0]),
    "beyond the end": (100, 0, [8, 25], [34.0]),
    "reset": (k.NOWHERE, 15, [8, 25], [34.0]),
}
"""Where to, what is deleted before, what is poisonous, and when it is skipped."""


@pytest.mark.parametrize("how", SKIPS)
def test_KC_18_after_a_jump_the_handler_fails_on_what_is_poisonous_there(how):
    to, first, bad, skipped_s = SKIPS[how]
    lab = Lab(
        np.arange(40.0), np.zeros(40), 3.0, members=1, max_poll_records=1, chunk_records=1,
        bad=[(record, False) for record in bad], on_failure={"attempts": 1, "then": "skip"},
    )  # fmt: skip

    def jump():
        yield lab.env.timeout(20.5)
        lab.topic.log.first[0] = first
        lab.group.deleted(20.5)
        lab.group.seek(np.full(2, to), 20.5)

    lab.env.process(jump())
    lab.run(200.0)
    assert lab.said == [(at_s, "consumer 0 skipped a record") for at_s in skipped_s]
    assert not np.array(lab.effects())[bad].any()
