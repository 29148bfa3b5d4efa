"""What real processes wrote becomes the same columns that the lab has."""

import numpy as np
import pandas as pd

from helpers.real_plans import planned
from sim.engine.outcome import Fate
from sim.measure.counts import count
from sim.validate.observed import GroupObserved, Observed, outcome


def test_the_first_time_counts_and_repeats_are_counted():
    plan = planned()
    n = len(plan.messages)
    done = pd.DataFrame(
        {
            "message": [1, 0, 1, 2],
            "member": 0,
            "started_s": [1.0, 2.0, 3.0, 4.0],
            "done_s": [1.5, 2.5, 3.5, 4.5],
            "deliveries": 1,
            "partition": 0,
        }
    )
    dead = np.zeros(n, np.bool_)
    dead[3] = True
    seen = Observed(np.zeros(n), np.zeros(n), {"g": GroupObserved(done, dead)})
    found = outcome(plan, seen, "g", np.arange(10, dtype=np.float64))
    assert found.done_s[:4].tolist() == [2.5, 1.5, 4.5, np.inf]
    assert found.effects[:4].tolist() == [1, 2, 1, 0]
    assert found.fate[:5].tolist() == [Fate.PROCESSED] * 3 + [Fate.DEAD_LETTERED, Fate.UNFINISHED]
    assert found.extra_deliveries == 1
    counted = count(plan.messages, ["k"], found)
    assert counted.extra_effects == 1
    keys = plan.keys
    assert counted.violations_in_all == (keys[0] == keys[1])


def test_what_the_broker_counts_is_delivered_even_where_nothing_was_processed():
    plan = planned()
    n = len(plan.messages)
    done = pd.DataFrame({"message": [0, 0, 1], "done_s": [1.0, 2.0, 3.0]})
    told = np.ones(n, np.int64)
    told[1:3] = [4, 2]  # 2 was never processed
    group = GroupObserved(done, np.zeros(n, np.bool_), deliveries=told)
    seen = Observed(np.zeros(n), np.zeros(n), {"g": group})
    assert outcome(plan, seen, "g", np.zeros(1)).extra_deliveries == 1 + 3 + 1
