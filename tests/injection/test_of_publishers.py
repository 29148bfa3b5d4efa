"""What is done to a publisher: each fault by itself, and when a new process is started."""

from math import inf

import pytest
import simpy

from helpers.fault_lab import FakePublisher, upstream_felt
from sim.injection.context import Context, Timeline
from sim.injection.of_publishers import strike
from sim.scenario.faults.processes import CrashFault, ExitFault, InterruptFault, TerminateFault

TARGET = "a.publisher.0"


@pytest.mark.parametrize(
    ("fault", "verb", "text"),
    [
        (CrashFault(target=TARGET, at=0), ("crash",), "SIGKILL publisher"),
        (TerminateFault(target=TARGET, at=0, grace=7), ("terminate", 7.0), "SIGTERM publisher"),
        (InterruptFault(target=TARGET, at=0), ("interrupt",), "SIGINT publisher"),
        (ExitFault(target=TARGET, at=0), ("exit",), "exit publisher"),
    ],
)
def test_each_fault_ends_the_process_in_its_own_way(fault, verb, text):
    env = simpy.Environment()
    publisher, timeline = FakePublisher(env), Timeline(env)
    env.process(strike(fault, publisher, Context(env, timeline, 1.0)))
    env.run(100)
    assert publisher.log == [(0, *verb)]
    assert timeline.events == [(0, inf, text)]


def test_a_new_process_is_started_after_the_old_one_is_gone():
    fault = {"at": 10, "fault": "terminate", "target": TARGET, "restart_after": 5}
    log, events, expected = upstream_felt(fault, leaves_s=1.96)
    assert log == [(10, "terminate", 30.0), (17, "restart")]
    assert events == [(10, 15, "SIGTERM publisher")]
    assert len(expected) == 2, "told of the wait, and of what is then done"


def test_a_fault_is_told_when_it_happens():
    env = simpy.Environment()
    fault = {"at": 10, "fault": "crash", "target": TARGET}
    _, events, _ = upstream_felt(fault, env=env, until_s=9)
    assert events == []
    env.run(11)
    assert events == [(10, inf, "SIGKILL publisher")]
