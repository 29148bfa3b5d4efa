"""Faults strike real processes by the code that strikes simulated ones."""

import time
from pathlib import Path

import pytest

from helpers.real_plans import NoBroker, planned
from sim.validate.fleet import RealFleet, WallClock
from sim.validate.plan import message_lines, work_lines


@pytest.fixture
def fleet(tmp_path):
    plan = planned()
    work = tmp_path / "work.csv"
    work.write_text("\n".join(work_lines(plan.groups["g"])))
    (tmp_path / "messages.csv").write_text("\n".join(message_lines(plan)))
    made = RealFleet(plan, "g", lambda log: NoBroker().consumer(plan, "g", work, log), tmp_path)
    try:
        made.hire(spares=1)
        began_s = time.time()
        made.clock = WallClock(began_s)
        (tmp_path / "began").write_text(f"{began_s:.6f}")
        yield made
    finally:
        made.dismiss()


def _until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_process_is_replaced_by_one_that_waited(fleet):
    n = len(fleet.plan.messages)
    fleet.crash(1)
    assert [fleet.alive(0), fleet.alive(1)] == [True, False]
    assert len(fleet.processed()) < n
    fleet.restart(1)
    assert (fleet.alive(1), fleet.life(1), len(fleet.clients)) == (True, 2, 3)
    _until(lambda: len(fleet.processed()) == n)
    assert fleet.backlog() == 0


def test_a_stopped_process_goes_on_when_its_time_is_over(fleet):
    fleet.pause(0, 0.0)
    assert Path(f"/proc/{fleet.places[0].process.pid}/stat").read_text().split()[2] in "TtSR"
    fleet.tick()
    _until(lambda: len(fleet.processed()) == len(fleet.plan.messages))


def test_the_clock_waits_for_the_time_and_knows_how_late_it_was():
    clock = WallClock(time.time() - 1.0)
    clock.advance(1.02)
    assert time.time() - clock.began_s >= 1.02
    clock.advance(0.5)
    assert clock.late_s >= 0.5
