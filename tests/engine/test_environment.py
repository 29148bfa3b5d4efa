"""The joint of SimPy and the data plane, and that cutting time into pieces changes nothing."""

import os
import subprocess
import sys
from math import ulp
from pathlib import Path

import pytest

from helpers import state_hash
from sim.engine import environment
from sim.engine.environment import WORTH_THREADS, Environment, SideBySide
from sim.engine.pace import StandstillError


class Clock:
    """A stage that notes to what time it was advanced."""

    def __init__(self, name="", order=None):
        self.until_s = -1.0
        self.name, self.order = name, order if order is not None else []

    def advance(self, until_s):
        assert until_s >= self.until_s
        self.until_s = until_s
        self.order.append(self.name)


def test_a_control_event_sees_the_data_plane_at_its_own_time():
    clock, seen = Clock(), []
    env = Environment([clock])

    def fault():
        for _ in range(3):
            yield env.timeout(1.5)
            seen.append((env.now, clock.until_s))

    env.process(fault())
    env.run(until=10)
    assert seen == [(1.5, 1.5), (3.0, 3.0), (4.5, 4.5)]
    assert clock.until_s == 10


def test_stages_advance_in_the_order_of_the_data_s_flow():
    order = []
    env = Environment([Clock("producer", order), Clock("group", order)])
    env.run(until=1)
    assert order == ["producer", "group"]


@pytest.mark.parametrize("step_s", [0.0, ulp(8.0)])
def test_control_that_does_not_get_on_is_an_error_that_says_who(step_s, monkeypatch):
    monkeypatch.setattr(environment, "MOST_AT_A_TIME", 10_000)
    env = Environment([Clock()])

    def steps_on_the_spot(worker):
        yield env.timeout(8.0)
        while True:
            yield env.timeout(step_s)

    def rests():
        yield env.timeout(9.0)

    env.process(steps_on_the_spot(3))
    env.process(rests())
    with pytest.raises(StandstillError) as found:
        env.run(10.0)
    said = str(found.value)
    assert said.startswith("control stands still at 8.0") and "events, and no time goes on" in said
    assert "steps_on_the_spot(worker=3" in said and "rests" not in said


def test_many_events_at_one_time_and_small_steps_are_none(monkeypatch):
    monkeypatch.setattr(environment, "MOST_AT_A_TIME", 10_000)
    env, ended = Environment([]), []

    def one(after_s):
        yield env.timeout(after_s)
        ended.append(env.now)

    for _ in range(2_500):
        env.process(one(1.0))

    def often():
        for _ in range(20_000):
            yield from one(1e-6)

    env.process(often())
    env.run(3.0)
    assert len(ended) == 22_500


@pytest.mark.parametrize("mechanism", sorted(state_hash.MECHANISMS))
def test_a_thousand_pieces_are_bit_identical_to_one_stretch(mechanism):
    whole, pieces = (state_hash.hashes(mechanism, cuts) for cuts in (0, 1_000))
    assert pieces == whole


@pytest.mark.parametrize("mechanism", sorted(state_hash.MECHANISMS))
def test_plain_python_is_bit_identical_to_compiled(mechanism):
    script = Path(state_hash.__file__)
    tests, root = script.parents[1:3]
    uncompiled = subprocess.run(
        [sys.executable, script, mechanism],
        env={
            **os.environ,
            "SIM_KERNELS": "python",
            "PYTHONPATH": f"{tests}{os.pathsep}{root}",
        },
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    ).stdout
    compiled = "".join(f"{k} {v}\n" for k, v in state_hash.hashes(mechanism, 0).items())
    assert uncompiled == compiled


@pytest.mark.parametrize(
    ("stages", "messages", "threads"),
    [(3, WORTH_THREADS, True), (3, WORTH_THREADS - 1, False), (1, WORTH_THREADS, False)],
)
def test_stages_side_by_side_are_all_advanced_with_threads_only_where_they_pay(
    stages, messages, threads
):
    clocks = [Clock() for _ in range(stages)]
    both = SideBySide(clocks, messages, duration_s=10.0)
    assert (both.pool is not None) is threads
    for until_s in (1.0, 1.001, 2.5):  # the second stretch is too short for threads
        both.advance(until_s)
    assert [clock.until_s for clock in clocks] == [2.5] * stages
