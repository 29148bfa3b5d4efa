"""A plan has the lab's own messages, and says which faults are not for real processes."""

import numpy as np

from helpers.real_plans import planned, short
from sim.injection.poison import ALWAYS
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.plan import concerns, impossible, message_lines, plan, work_lines


def test_messages_have_their_rows_times_and_keys():
    plan = planned()
    messages = generate(short())
    assert np.array_equal(plan.messages.created_s, messages.created_s)
    key_of, names = messages.keys_of(["k"])
    assert plan.keys == [names[k] for k in key_of]
    lines = list(message_lines(plan))
    assert len(lines) == len(messages)
    assert lines[3] == f"3,{messages.created_s[3]:.6f},{messages.size_bytes[0]},{plan.keys[3]}"


def test_work_says_who_fails_and_who_kills_and_how_often():
    plan = planned(
        [
            {"at": 0, "fault": "poison", "target": "kafka.g", "effect": "fail", "times": 2},
            {"at": 1, "fault": "poison", "target": "kafka.g", "effect": "kill"},
        ]
    )
    first = int(np.searchsorted(plan.messages.created_s, 1.0))
    lines = list(work_lines(plan.groups["g"]))
    assert lines[0] == "0 5000 2 0"
    assert lines[1] == "1 5000 0 0"
    assert lines[first] == f"{first} 5000 0 {ALWAYS}"


def test_what_a_group_throws_away_fails_nowhere():
    fault = {"at": 0, "fault": "poison", "target": "kafka.g", "effect": "fail", "count": 9}
    whole = planned([fault])
    kind = whole.messages.keys_of(["k"])[1][whole.messages.entity[1]]
    scenario = short([fault]).with_({"systems.kafka.groups.g.only": {"k": [kind]}})
    its = plan(scenario, "kafka", whole.messages).groups["g"]
    assert its.poison.message.tolist() == its.rows[:9].tolist() != list(range(9))


def test_scaling_makes_room_for_more_processes():
    plan = planned([{"at": 1, "fault": "scale", "target": "kafka.g", "to": 5}])
    assert (plan.groups["g"].members, plan.groups["g"].most) == (2, 5)


def test_faults_of_others_do_not_concern_a_system():
    scenario: Scenario = short([{"at": 1, "fault": "crash", "target": "kafka.g.1"}])
    (fault,) = scenario.faults
    assert concerns(fault, scenario.systems["kafka"], "kafka")
    assert not concerns(fault, scenario.systems["kafka"], "another")


def test_what_cannot_be_done_to_a_process_is_said():
    scenario = short(
        [
            {"at": 1, "fault": "crash", "target": "kafka.g.1"},
            {"at": 1, "fault": "partition", "target": "kafka.g.1"},
        ]
    )
    its = scenario.systems["kafka"]
    assert [impossible(fault, its, "kafka") for fault in scenario.faults] == [
        None,
        "'partition' cannot be done to real processes of one machine",
    ]
