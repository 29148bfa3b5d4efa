"""Which messages are poisonous."""

from math import inf

import numpy as np
import pytest

from helpers.fault_lab import scenario, setup
from sim.foundation.errors import LabError
from sim.injection.poison import ALWAYS, poison
from sim.traffic.generate import generate


def test_poison_is_the_first_so_many_messages_of_a_key():
    keys = {"key": {"count": 5}, "kind": {"weights": {"view": 1, "like": 1}}}
    poisoned = scenario(
        {
            "at": 100, "fault": "poison", "target": "a.g", "key": "key-3/like",
            "effect": "kill", "count": 2, "restart_after": 7,
        },
        {"at": 50, "fault": "poison", "target": "a.*", "effect": "fail", "times": 3},
        keys=keys,
    )  # fmt: skip
    messages = generate(poisoned)
    found = poison(setup("a", poisoned), "g")
    entity = 3 * 2 + 1
    due = np.flatnonzero((messages.created_s >= 100) & (messages.entity == entity))[:2]
    first = int(np.searchsorted(messages.created_s, 50))
    assert found.message.tolist() == [first, *due]
    assert found.kills.tolist() == [False, True, True]
    assert found.times.tolist() == [3, ALWAYS, ALWAYS]
    assert found.restart_after_s.tolist() == [inf, 7, 7]
    assert len(poison(setup("b", poisoned), "g")) == 0


@pytest.mark.parametrize(
    ("key", "told"),
    [("key-9", "did you mean|unknown|known"), ("kee-3", "did you mean|unknown|known")],
)
def test_poison_of_a_key_that_does_not_exist_is_told(key, told):
    bad = scenario({"at": 1, "fault": "poison", "target": "a.g", "key": key, "effect": "fail"})
    with pytest.raises(LabError, match=told):
        poison(setup("a", bad), "g")
