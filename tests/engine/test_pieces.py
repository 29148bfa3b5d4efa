"""A kernel's work in pieces gives what it gives in one."""

import pytest

from helpers import state_hash
from sim.log import group_pace
from sim.producer import kafka_client
from sim.queue import broker, senders, sqs_standard

STAGES = (group_pace, kafka_client, broker, senders, sqs_standard)


@pytest.mark.parametrize("mechanism", sorted(state_hash.MECHANISMS))
def test_pieces_of_seven_steps_are_bit_identical_to_one(mechanism, monkeypatch):
    whole = state_hash.hashes(mechanism, 0)
    for stage in STAGES:
        monkeypatch.setattr(stage, "STEPS", 7)
    assert state_hash.hashes(mechanism, 0) == whole
