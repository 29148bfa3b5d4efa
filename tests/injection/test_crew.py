"""Who operates a group: which places are filled, and which process is killed."""

import simpy

from helpers.fault_lab import FakeFleet, felt
from sim.injection.crew import Crew, terminate


def test_what_was_scaled_away_does_not_come_back_from_a_crash():
    log, _ = felt(
        {"at": 10, "fault": "crash", "target": "a.g.2", "restart_after": 10},
        {"at": 15, "fault": "scale", "target": "a.g", "to": 2},
    )
    assert log == [(10, "crash", 2)]


def test_what_outlasts_its_grace_is_killed_and_no_other_process():
    env = simpy.Environment()
    fleet = FakeFleet(env, leaves_s=100.0)
    terminate(env, fleet, 0, 5.0)
    terminate(env, fleet, 1, 5.0)
    env.run(3)
    fleet.crash(1)
    fleet.restart(1)
    env.run(50)
    assert fleet.log == [
        (0, "terminate", 0), (0, "terminate", 1), (3, "crash", 1), (3, "restart", 1),
        (5, "crash", 0),
    ]  # fmt: skip
    assert [fleet.alive(i) for i in (0, 1)] == [False, True]


def test_of_two_graces_the_shorter_one_holds():
    env = simpy.Environment()
    fleet = FakeFleet(env, leaves_s=100.0)
    terminate(env, fleet, 0, 30.0)
    terminate(env, fleet, 0, 5.0)
    env.run(50)
    assert [what for what in fleet.log if what[1] == "crash"] == [(5, "crash", 0)]


def test_a_dead_process_is_sent_nothing():
    env = simpy.Environment()
    fleet = FakeFleet(env)
    fleet.crash(0)
    terminate(env, fleet, 0, 5.0)
    env.run(50)
    assert fleet.log == [(0, "crash", 0)]


def test_factors_of_several_causes_multiply_and_a_new_process_has_none():
    env = simpy.Environment()
    fleet = FakeFleet(env)
    crew = Crew(env, "g", fleet)
    crew.slow(0, "fault", 3.0)
    crew.slow(0, "database", 2.0)
    crew.slow(0, "fault", 1.0)
    fleet.crash(0)
    crew.restart(0)
    crew.slow(0, "database", 2.0)
    slow = [what[3] for what in fleet.log if what[1] == "slow"]
    assert slow == [3.0, 6.0, 2.0, 2.0]
