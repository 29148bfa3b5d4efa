"""The policies that a scenario may choose are those that a ledger has, with different books."""

from typing import get_args

import numpy as np
import pytest

from helpers.ledgers import PENDING, PROCESSING, SETTLED, ledger, one
from sim.foundation.errors import LabError
from sim.ledger.policy import LedgerPolicy
from sim.scenario.load import load


def test_each_policy_books_the_same_disorder_in_a_way_of_its_own():
    deliveries = one(PENDING, SETTLED, SETTLED, PROCESSING)
    booked = {
        policy: ledger(policy, deliveries).verdict.tolist() for policy in get_args(LedgerPolicy)
    }
    assert len({tuple(verdicts) for verdicts in booked.values()}) == len(booked) == 3
    assert all(np.size(verdicts) == 4 for verdicts in booked.values())


@pytest.mark.parametrize("policy", get_args(LedgerPolicy))
def test_a_scenario_may_choose_each(policy):
    scenario = load("ledger_ordering")
    name = next(iter(scenario.systems))
    group = next(iter(scenario.systems[name].readers))
    path = f"systems.{name}.{scenario.systems[name].readers_at}.{group}.ledger"
    changed = scenario.with_({path: policy})
    assert changed.systems[name].readers[group].ledger == policy
    with pytest.raises(LabError, match="strict"):
        scenario.with_({path: "careful"})
