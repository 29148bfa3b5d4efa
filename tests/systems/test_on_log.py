"""What systems on the log share: the work of picky readers, and names in the timeline."""

import numpy as np
import pytest

from helpers.traffic import scenario
from sim.engine.system import Setup
from sim.scenario.products.base import LogReaders
from sim.systems.on_log import named, picky_service_s
from sim.traffic.generate import generate


@pytest.fixture
def setup():
    small = scenario()
    return Setup("kafka", small, generate(small), np.zeros(1))


def test_messages_that_readers_do_not_want_cost_only_a_look(setup):
    everything = picky_service_s(setup, "g", LogReaders(does=["job"]))
    assert np.unique(everything).tolist() == [np.float32(0.001)]
    wanted = {"kind": ["b"]}
    picky = picky_service_s(setup, "g", LogReaders(does=["job"], only=wanted, discard=0.25))
    rows = setup.messages.where(wanted)
    others = np.ones(len(setup.messages), bool)
    others[rows] = False
    assert 0 < rows.size < len(setup.messages)
    assert (picky[rows] == everything[rows]).all() and (picky[others] == 0.25).all()


def test_what_a_group_says_begins_with_its_name():
    said = []
    named("counters", said.append)("a rebalance")
    assert said == ["counters: a rebalance"]
