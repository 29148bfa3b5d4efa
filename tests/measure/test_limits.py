"""Limits that acted, as a table."""

import numpy as np

from sim.engine.waits import Limit, TimePart
from sim.measure.limits import COLUMNS, limits_table


def test_a_row_per_limit_the_earliest_first():
    late = Limit(
        "prefetch_count", "queues.q.prefetch_count", "1", "", "left workers idle", 3, 9, 20
    )
    early = late._replace(key="consumer_timeout", first_s=2.0)
    table = limits_table({"system": "s", "group": "g"}, [late, early])
    given = {name: value for name, value in late._asdict().items() if name in COLUMNS}
    assert table["key"].tolist() == ["consumer_timeout", "prefetch_count"]
    assert table.iloc[1].to_dict() == {"system": "s", "group": "g", **given}


def test_that_consumers_are_busy_is_told_where_it_is_much_of_the_time():
    busy = Limit("workers", "", "2", "", "all busy", 9, 1.0, 2.0, TimePart.CAPACITY)
    other = busy._replace(key="prefetch_count", part=None)
    total_s = np.zeros(len(TimePart))
    total_s[TimePart.WORK] = 3.0

    def told(seconds):
        total_s[TimePart.CAPACITY] = seconds
        return limits_table({}, [busy, other], total_s)["key"].tolist()

    assert told(0.99) == ["prefetch_count"]
    assert told(1.0) == ["prefetch_count", "workers"]
    assert limits_table({}, [busy])["key"].tolist() == ["workers"], "it was not measured"
