"""What systems on the queue mechanism share."""

from math import inf

import numpy as np
import pytest

import sim
from sim.engine.outcome import Fate
from sim.engine.system import Setup
from sim.queue import broker_codes as codes
from sim.queue import sqs_standard_codes as standard
from sim.systems import on_queue
from sim.systems.rabbitmq import Rabbitmq
from sim.traffic.generate import generate


def test_each_state_of_an_unprocessed_message_is_a_fate():
    in_queue = {codes.READY, codes.IN_FLIGHT, codes.OVERDUE, codes.WAITING}
    by_state = dict(enumerate(on_queue.FATE_OF_STATE.tolist()))
    assert {state for state, fate in by_state.items() if fate == Fate.UNFINISHED} >= in_queue
    assert by_state[codes.DEAD] == Fate.DEAD_LETTERED
    assert by_state[codes.DROPPED] == by_state[codes.REFUSED] == Fate.LOST_REJECTED
    assert by_state[codes.EXPIRED] == Fate.LOST_RETENTION
    assert by_state[codes.LOST] == Fate.LOST_ACKED_BEFORE_PROCESSING
    by_state = dict(enumerate(on_queue._FATE_OF_STATE_STANDARD.tolist()))
    assert by_state[standard.DEAD] == Fate.DEAD_LETTERED
    assert by_state[standard.EXPIRED] == Fate.LOST_RETENTION
    assert by_state[standard.READY] == by_state[standard.IN_FLIGHT] == Fate.UNFINISHED


def test_rows_routed_to_a_queue_as_a_column():
    assert on_queue.of_rows(None, 3) is None
    assert on_queue.of_rows(np.array([0, 2], np.int32), 3).tolist() == [1, 0, 1]


def built():
    scenario = sim.load("per_message_routing").with_({"scale": 0.01})
    name = next(n for n, s in scenario.systems.items() if s.product == "rabbitmq")
    setup = Setup(name, scenario, generate(scenario), np.zeros(0))
    return Rabbitmq(setup, scenario.systems[name])


def test_the_queues_are_fleets_themselves_and_their_memory_is_freed_one_by_one():
    system = built()
    fleets = system.control(None, print)
    assert fleets == system.queues
    for stage in system.stages:
        stage.advance(10.0)
    left = []
    for outcome in system.outcomes(10.0):
        left.append((outcome.group in fleets, len(system.queues)))
    n = len(fleets)
    assert left == [(True, n - 1 - i) for i in range(n)]


def test_an_outcome_is_of_a_queue_whose_counters_are_right():
    system = built()
    for stage in system.stages:
        stage.advance(10.0)
    queue = next(iter(system.queues.values()))
    queue.state.messages.removed += 1
    with pytest.raises(AssertionError, match="counters disagree"):
        next(system.outcomes(inf))
