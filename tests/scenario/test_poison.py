"""Whether handlers fail, by faults or by a share of the workload."""

import pytest

from helpers.incidents import incident, queue
from sim.foundation.errors import ScenarioError
from sim.scenario.poison import has_share, is_poisoned

FAULT = {"at": 10, "fault": "poison", "target": "s.g", "effect": "fail"}


def poisoned(share, **more):
    return incident(queue(1)).with_({"workload.service.w.poison": share, **more})


def test_a_group_is_poisoned_by_a_fault_or_by_a_share_of_its_job():
    assert not is_poisoned(incident(queue(1)), "s", "g")
    assert is_poisoned(incident(queue(1), faults=[FAULT]), "s", "g")
    other = FAULT | {"target": "s.*", "key": "a"}
    assert is_poisoned(incident(queue(1), faults=[other]), "s", "g")
    assert is_poisoned(poisoned(0.1), "s", "g")
    assert is_poisoned(poisoned("0.1 %"), "s", "g")
    assert not is_poisoned(poisoned(0), "s", "g")
    assert has_share(poisoned(0.1), "s", "g") and not has_share(poisoned(0), "s", "g")
    assert not has_share(incident(queue(1), faults=[FAULT]), "s", "g")


def test_a_share_alone_fails_for_ever_and_kills_only_where_it_is_said():
    its = poisoned("2 %").workload.service["w"].poison
    assert (its.share, its.effect, its.times, its.restart_after) == (0.02, "fail", None, None)
    kill = {"share": 0.1, "effect": "kill", "restart_after": "3 s", "times": 2}
    its = poisoned(kill).workload.service["w"].poison
    assert (its.effect, its.times, its.restart_after) == ("kill", 2, 3.0)
    with pytest.raises(ScenarioError, match="'restart_after' goes with the effect 'kill'"):
        poisoned({"share": 0.1, "restart_after": "3 s"})
    with pytest.raises(ScenarioError, match=r"expected a share such as 0\.001 or 0\.1 %, not 2"):
        poisoned(2)
