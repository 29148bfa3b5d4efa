"""Whom a fault strikes in a run."""

from math import inf

import pytest
import simpy

from helpers.fault_lab import FakeFleet, felt, upstream_felt
from sim.injection import of_brokers, of_consumers, of_groups, of_publishers, of_queues, of_topics
from sim.injection.context import Context, Timeline
from sim.injection.crew import Crew
from sim.injection.targets import doings, targets
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.faults.groups import DatabaseFault, DeployFault
from sim.scenario.faults.processes import CrashFault


def test_a_fault_of_all_strikes_only_places_in_use():
    log, events = felt({"at": 10, "fault": "crash", "target": "a.g.*"}, places=6)
    assert log == [(10, "crash", 0), (10, "crash", 1), (10, "crash", 2)]
    assert events == [(10, inf, "crash g (all 3)")]


KINDS = {
    "consumer": of_consumers.do,
    "group": of_groups.strike,
    "publisher": of_publishers.do,
    "broker": of_brokers.do,
    "topic": of_topics.strike,
    "queue": of_queues.strike,
}


@pytest.mark.parametrize("word", FAULTS)
def test_each_fault_is_done_to_every_kind_that_it_strikes_and_to_no_other(word):
    fault = FAULTS[word]
    done_to = {kind for kind, do in KINDS.items() if do.dispatch(fault) is not do.dispatch(object)}
    assert done_to == set(fault.kinds)


def test_one_pattern_strikes_consumers_and_publisher_alike():
    env = simpy.Environment()
    fleet = FakeFleet(env)
    fault = {"at": 10, "fault": "crash", "target": "a.*.0", "restart_after": 2}
    log, events, _ = upstream_felt(fault, env=env, fleet=fleet)
    assert fleet.log == [(10, "crash", 0), (12, "restart", 0)]
    assert log == [(10, "crash"), (12, "restart")]
    assert events == [(10, 12, "crash g 0"), (10, 12, "SIGKILL publisher")]


def test_at_random_one_of_all_that_the_pattern_matches_is_struck():
    env = simpy.Environment()
    fleet = FakeFleet(env)
    fault = {"rate": "200/h", "fault": "crash", "target": "a.*.0", "restart_after": 1}
    log, events, _ = upstream_felt(fault, env=env, fleet=fleet)
    consumers = [what for what in fleet.log if what[1] == "crash"]
    publishers = [what for what in log if what[1] == "crash"]
    assert len(consumers) + len(publishers) == len(events) > 20
    assert min(len(consumers), len(publishers)) > 10


def test_groups_share_one_database_and_are_deployed_each_by_itself():
    env = simpy.Environment()
    crews = {name: Crew(env, name, FakeFleet(env)) for name in ("x", "y")}
    database = DatabaseFault(at=0, target="a.*", contention=0.1, coherency=0)
    deploy = DeployFault(at=0, target="a.*")
    timeline = Timeline(env)
    context = Context(env, timeline, 1.0)
    for fault in (database, deploy):
        for doing in doings(fault, targets(fault, "a", crews, None), context):
            env.process(doing)
    env.run(0.5)
    assert [text for *_, text in timeline.events] == [
        "one database for x, y",
        "deploy x",
        "deploy y",
    ]


def test_nobody_is_struck_in_another_system():
    env = simpy.Environment()
    crews = {"g": Crew(env, "g", FakeFleet(env))}
    assert targets(CrashFault(at=0, target="b.g.*"), "a", crews, None) == []
    assert len(targets(CrashFault(at=0, target="a.g.*"), "a", crews, None)) == 3
